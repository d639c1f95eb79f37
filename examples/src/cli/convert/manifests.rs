//! Manifests in, manifests out: YAML as YAML, JSON as JSON. What needs nothing is written as it came, comments among it.

use super::{
    super::Console,
    Exit,
    input::{self, FILE, Source},
    told::{Outcome, Row, counted, listed},
};
use crate::cli::args::{Convert, Output};
use csdr_core::{
    Error, Result,
    conversion::{
        BuiltinConverter, Change, Conversion, Loss, NoRouteReason, TargetApis,
        list::{is_list, items},
    },
    manifest::yaml::{self, YamlLimits},
    model::{ApiVersion, CustomKind, GroupResource, Object, Tree, TreeLimits, builtin},
    port::ApiVersionConverter,
};
use serde_json::value::RawValue;

/// One JSON document: a whole `kubectl get -A -o json` may be one.
const JSON: TreeLimits = TreeLimits {
    bytes: FILE as usize,
    depth: 128,
    values: 8_000_000,
};

/// Stands in for the name of an object that has none, while it is converted.
const UNNAMED: &str = "unnamed";

/// One document of a text.
struct Document<'a> {
    /// The text, with a YAML document's marker.
    text: &'a str,
    place: String,
    /// `None` where the text holds only comments.
    tree: Option<Result<Tree>>,
}

pub(super) fn run(console: &Console, output: Output, args: &Convert) -> Result<Exit> {
    let target = super::target(args.to, args.target_apis.as_deref())?.ok_or_else(|| {
        Error::invalid("convert for what? write --to 1.34, or --target-apis FILE")
    })?;
    let sources = input::sources(&args.paths)?;
    let documents: Vec<Document<'_>> = sources.iter().flat_map(documents).collect();
    let (definitions, services) = companions(&documents);
    let mut run = Run {
        converter: args.choices.converter(),
        // Manifests mostly leave the namespace to kubectl; then their Ingresses do so too.
        target: target
            .with_definitions(&definitions)
            .with_services(services.iter().map(|service| {
                let namespace = service.text_at(&["metadata", "namespace"]);
                (namespace.unwrap_or_default(), service)
            })),
        is_release: args.to.is_some(),
        rows: Vec::new(),
    };
    let mut out = Out {
        is_json: sources.iter().all(|source| source.is_json),
        text: String::new(),
    };
    for document in documents {
        run.document(document, &mut out);
    }
    console.write(&out.text)?;
    let rows = run.rows;
    console.tell(output, &rows, || {
        let table = listed(&rows, console.is_verbose());
        format!("{table}\n{}", counted(&rows))
            .trim_start()
            .to_owned()
    })?;
    Ok(if rows.iter().any(Row::is_left_out) {
        Exit::Partial
    } else {
        Exit::Complete
    })
}

/// What other objects are judged by: definitions say what their kinds are, Services what their ports are called.
fn companions(documents: &[Document<'_>]) -> (Vec<CustomKind>, Vec<Tree>) {
    let mut definitions = Vec::new();
    let mut services = Vec::new();
    let trees = documents
        .iter()
        .filter_map(|document| document.tree.as_ref()?.as_ref().ok());
    for tree in trees.flat_map(|tree| items(tree.clone())) {
        match tree.text_at(&["kind"]) {
            Some("CustomResourceDefinition") => {
                definitions.extend(CustomKind::from_crd(&tree).ok());
            }
            Some("Service") if tree.text_at(&["apiVersion"]) == Some("v1") => services.push(tree),
            _ => {}
        }
    }
    (definitions, services)
}

fn documents(source: &Source) -> Vec<Document<'_>> {
    if source.is_json {
        return json(source);
    }
    let mut line = 1;
    yaml::pieces(&source.text)
        .into_iter()
        .map(|text| {
            let place = format!("{} line {line}", source.name);
            line += text.matches('\n').count();
            let tree = yaml::documents(text, &YamlLimits::default())
                .pop()
                .map(|document| document.tree);
            Document { text, place, tree }
        })
        .collect()
}

/// JSON documents one after the other.
fn json(source: &Source) -> Vec<Document<'_>> {
    let place = |text: &str| {
        let at = source.text.len() - text.len();
        let before = source.text.get(..at).unwrap_or_default();
        format!("{} line {}", source.name, before.matches('\n').count() + 1)
    };
    let mut found = Vec::new();
    let mut values = serde_json::Deserializer::from_str(&source.text).into_iter::<&RawValue>();
    loop {
        let behind = source.text.get(values.byte_offset()..).unwrap_or_default();
        let here = place(behind.trim_start());
        match values.next() {
            None => return found,
            Some(Ok(value)) => found.push(Document {
                text: value.get(),
                place: here,
                tree: Some(Tree::parse_with(value.get().as_bytes(), &JSON)),
            }),
            Some(Err(_)) => {
                found.push(Document {
                    text: behind,
                    place: here,
                    // The reader of trees says better what is wrong.
                    tree: Some(Tree::parse_with(behind.as_bytes(), &JSON)),
                });
                return found;
            }
        }
    }
}

/// What is written.
struct Out {
    is_json: bool,
    text: String,
}

impl Out {
    /// A document as it came.
    fn verbatim(&mut self, document: &Document<'_>, tree: Option<&Tree>) {
        let text = document.text;
        let is_json = text.trim_start().starts_with('{');
        match tree {
            Some(tree) if is_json && !self.is_json => self.yaml(&yaml::to_yaml(tree)),
            _ if self.is_json => self.json(text),
            _ => self.yaml(text),
        }
    }

    fn changed(&mut self, document: &Document<'_>, tree: &Tree) {
        if self.is_json {
            self.json(&tree.to_string());
        } else if document.text.trim_start().starts_with('{') {
            self.yaml(&yaml::to_yaml(tree));
        } else {
            self.yaml(&yaml::with_document(document.text, tree));
        }
    }

    fn json(&mut self, text: &str) {
        self.text.push_str(text.trim());
        self.text.push('\n');
    }

    fn yaml(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if !(self.text.is_empty() || text.starts_with("---")) {
            self.text.push_str("---\n");
        }
        self.text.push_str(text);
        if !text.ends_with('\n') {
            self.text.push('\n');
        }
    }
}

/// What becomes of one object.
enum Done {
    Same,
    New(Tree),
    Gone,
}

struct Run {
    converter: BuiltinConverter,
    target: TargetApis,
    /// Whether the target is a release, of which nobody knows the custom kinds.
    is_release: bool,
    rows: Vec<Row>,
}

impl Run {
    fn document(&mut self, document: Document<'_>, out: &mut Out) {
        match &document.tree {
            None => out.verbatim(&document, None),
            Some(Err(error)) => {
                let error = error.to_string();
                self.failed("document", &document.place, error);
            }
            Some(Ok(tree)) if is_list(tree) => self.list(tree, &document, out),
            Some(Ok(tree)) => match self.object(tree, &document.place) {
                Done::Same => out.verbatim(&document, Some(tree)),
                Done::New(tree) => out.changed(&document, &tree),
                Done::Gone => {}
            },
        }
    }

    /// A list stays a list; one of one kind becomes one of any kind, as `kubectl get -o` writes it.
    fn list(&mut self, list: &Tree, document: &Document<'_>, out: &mut Out) {
        let mut same = true;
        let mut kept: Vec<Tree> = Vec::new();
        for item in items(list.clone()) {
            match self.object(&item, &document.place) {
                Done::Same => kept.push(item),
                Done::New(new) => {
                    same = false;
                    kept.push(new);
                }
                Done::Gone => same = false,
            }
        }
        if same {
            out.verbatim(document, Some(list));
            return;
        }
        let mut new = list.clone();
        new.set(&["apiVersion"], "v1".into());
        new.set(&["kind"], "List".into());
        new.set(&["items"], kept.into());
        out.changed(document, &new);
    }

    fn object(&mut self, tree: &Tree, place: &str) -> Done {
        let (Some(from), Some(kind)) = (tree.text_at(&["apiVersion"]), tree.text_at(&["kind"]))
        else {
            let error = "is not a Kubernetes object: it has no apiVersion or kind".to_owned();
            self.failed("document", place, error);
            return Done::Gone;
        };
        let object = told_name(kind, tree);
        match self.converted(from, kind, tree) {
            Ok(conversion) => self.done(conversion, tree, place, object, from),
            Err(error) => {
                self.failed(&object, place, error.to_string());
                Done::Gone
            }
        }
    }

    fn converted(&self, from: &str, kind: &str, tree: &Tree) -> Result<Conversion> {
        let resource = self.resource(&from.parse()?, kind)?;
        let object = if tree.at(&["metadata", "name"]).is_some() {
            Object::from_tree(resource, tree)?
        } else {
            // A generated name, or what only a tool reads.
            let mut named = tree.clone();
            named.set(&["metadata", "name"], UNNAMED.into());
            Object::from_tree(resource, &named)?
        };
        self.converter.convert(&object, &self.target)
    }

    /// Where a kind's objects lie; of a kind that nobody knows the name is guessed.
    fn resource(&self, api_version: &ApiVersion, kind: &str) -> Result<GroupResource> {
        let group = api_version.group();
        if let Some(row) = builtin::kind(group, kind) {
            return row.resource();
        }
        match self.target.resource(group, kind) {
            Some(row) => Ok(row.resource.clone()),
            None => GroupResource::new(group, format!("{}s", kind.to_ascii_lowercase())),
        }
    }

    fn done(
        &mut self,
        conversion: Conversion,
        tree: &Tree,
        place: &str,
        object: String,
        from: &str,
    ) -> Done {
        let mut row = Row {
            place: place.to_owned(),
            object,
            from: from.to_owned(),
            to: None,
            outcome: Outcome::Unchanged,
            changes: Vec::<Change>::new(),
            losses: Vec::<Loss>::new(),
        };
        let mut done = Done::Gone;
        match conversion {
            Conversion::Unchanged => done = Done::Same,
            Conversion::Converted {
                object: new,
                to,
                changes,
                losses,
            } => {
                (row.changes, row.losses) = (changes, losses);
                row.to = Some(to.to_string());
                row.outcome = Outcome::Converted;
                match new.tree() {
                    Ok(new) => {
                        let new = unnamed(new, tree);
                        if new == *tree {
                            row.outcome = Outcome::Unchanged;
                            done = Done::Same;
                        } else {
                            done = Done::New(new);
                        }
                    }
                    Err(error) => {
                        row.outcome = Outcome::Failed {
                            error: error.to_string(),
                        }
                    }
                }
            }
            Conversion::Skipped { reason } => row.outcome = Outcome::Skipped { reason },
            Conversion::NoRoute { reason } => {
                let custom = matches!(
                    reason,
                    NoRouteReason::DefinitionMissing { .. }
                        | NoRouteReason::AggregatedApiMissing { .. }
                );
                if custom && self.is_release {
                    row.outcome = Outcome::Unknown { reason };
                    done = Done::Same;
                } else {
                    row.outcome = Outcome::NoRoute { reason };
                }
            }
            _ => {
                row.outcome = Outcome::Failed {
                    error: "the converter gave an answer that this program does not know"
                        .to_owned(),
                }
            }
        }
        self.rows.push(row);
        done
    }

    fn failed(&mut self, object: &str, place: &str, error: String) {
        self.rows.push(Row {
            place: place.to_owned(),
            object: object.to_owned(),
            from: String::new(),
            to: None,
            outcome: Outcome::Failed { error },
            changes: Vec::new(),
            losses: Vec::new(),
        });
    }
}

/// Without the name that stood in.
fn unnamed(mut new: Tree, old: &Tree) -> Tree {
    if old.at(&["metadata", "name"]).is_none() {
        new.remove(&["metadata", "name"]);
        let empty = |tree: &Tree| tree.as_object().is_some_and(|map| map.is_empty());
        if old.at(&["metadata"]).is_none() && new.at(&["metadata"]).is_some_and(empty) {
            new.remove(&["metadata"]);
        }
    }
    new
}

/// `Ingress shop/web`.
fn told_name(kind: &str, tree: &Tree) -> String {
    let text = |key| {
        tree.text_at(&["metadata", key])
            .unwrap_or_default()
            .escape_debug()
            .to_string()
    };
    let (namespace, mut name) = (text("namespace"), text("name"));
    if name.is_empty() {
        name = format!("{}*", text("generateName"));
    }
    let kind = kind.escape_debug();
    if namespace.is_empty() {
        format!("{kind} {name}")
    } else {
        format!("{kind} {namespace}/{name}")
    }
}
