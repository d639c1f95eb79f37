//! Text that may name a mapped namespace.

use super::{
    NamespaceMapping, reference,
    text::{self, Certainty, Scope},
};
use crate::{
    Result,
    conversion::Severity,
    model::{GroupResource, Tree},
    modifier::{
        JsonPatchOperation, ModifierConditions, ResourceModifierRule, ResourceModifierSpec,
        value_text,
    },
    transform::{
        TransformItem,
        difference::{Step, pointer},
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{collections::BTreeSet, fmt};

/// Most mentions that are told of one object.
const TOLD: usize = 100;

/// The whole object once more; the next `kubectl apply` writes it anew.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Text of an object that may name a mapped namespace, and stays as it is.
///
/// `Debug` and `Display` do not show the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Mention {
    path: String,
    namespace: String,
    to: String,
    certainty: Certainty,
    resource: GroupResource,
    name: String,
    stored_namespace: Option<String>,
    /// The text as it is and as it would be; absent where it is secret.
    text: Option<(String, String)>,
}

impl Mention {
    /// JSON pointer to the text.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The namespace of the backup that it may name.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// `Warning` if it surely does, `Info` if that may be chance.
    pub fn severity(&self) -> Severity {
        match self.certainty {
            Certainty::Sure => Severity::Warning,
            Certainty::Likely => Severity::Info,
        }
    }

    /// A resource modifier that rewrites the text, for this object only and while the text is what it is. None for a Secret, whose
    /// content is not shown.
    pub fn rule(&self) -> Option<ResourceModifierRule> {
        let (before, after) = self.text.as_ref()?;
        let name = self.name.replace('.', "\\.");
        let mut conditions =
            ModifierConditions::of(self.resource.to_string()).with_name_regex(format!("^{name}$"));
        conditions.namespaces.extend(self.stored_namespace.clone());
        let operation = |name: &str, text: &str| {
            JsonPatchOperation::new(name, &self.path).with_value(value_text(&Tree::from(text)))
        };
        let rule = ResourceModifierRule::new(conditions);
        let rule = rule.with_patch(operation("test", before));
        Some(rule.with_patch(operation("replace", after)))
    }

    /// The rule of [`Mention::rule`] as a YAML document in Velero's format.
    ///
    /// # Errors
    /// Never: the rule is one that can be written.
    pub fn proposal(&self) -> Result<Option<String>> {
        let document = |rule| ResourceModifierSpec::default().with_rule(rule).to_yaml();
        self.rule().map(document).transpose()
    }
}

impl fmt::Display for Mention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let may = match self.certainty {
            Certainty::Sure => "names",
            Certainty::Likely => "may name",
        };
        let Self { namespace, to, .. } = self;
        write!(
            f,
            "{may} namespace {namespace}, which is restored as {to}; text is not rewritten, a resource modifier can do it"
        )
    }
}

impl fmt::Debug for Mention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mention({}: {self})", self.path)
    }
}

/// What an object mentions, and how much more than is told.
pub(super) fn find(mapping: &NamespaceMapping, item: &TransformItem<'_>) -> (Vec<Mention>, usize) {
    let mut search = Search {
        mapping,
        is_secret: item.kind() == ("", "secrets"),
        is_config: item.kind() == ("", "configmaps"),
        found: Vec::new(),
    };
    search.object(item.tree());
    if search.found.is_empty() {
        return (Vec::new(), 0);
    }
    let stored = item.stored().id();
    let rewritten = rewritten(mapping, item);
    let found = search.found.into_iter();
    let mut found = found.filter(|one| !rewritten.contains(&one.path));
    let told = found.by_ref().take(TOLD).map(|one| Mention {
        to: mapping.of(&one.namespace).unwrap_or_default().to_owned(),
        path: one.path,
        namespace: one.namespace,
        certainty: one.certainty,
        resource: stored.resource().clone(),
        name: stored.name().to_owned(),
        stored_namespace: stored.namespace().map(str::to_owned),
        text: one.text,
    });
    let told = told.collect();
    (told, found.count())
}

/// Paths of the references that are rewritten.
fn rewritten(mapping: &NamespaceMapping, item: &TransformItem<'_>) -> BTreeSet<String> {
    let tree = item.tree().clone();
    let mut copy = TransformItem::new(item.stored(), item.target().clone(), tree);
    reference::rewrite(mapping, &mut copy);
    let changes = copy.changes().iter();
    changes.map(|change| change.path.clone()).collect()
}

struct Found {
    path: String,
    namespace: String,
    certainty: Certainty,
    text: Option<(String, String)>,
}

struct Search<'a> {
    mapping: &'a NamespaceMapping,
    is_secret: bool,
    is_config: bool,
    found: Vec<Found>,
}

impl Search<'_> {
    fn object(&mut self, tree: &Tree) {
        let mut path = Vec::new();
        for (key, value) in tree.as_object().into_iter().flatten() {
            path.push(Step::Key(key));
            match key {
                "apiVersion" | "kind" | "status" => {}
                "metadata" => {
                    if let Some(annotations) = value.at(&["annotations"]) {
                        path.push(Step::Key("annotations"));
                        self.walk(annotations, &mut path);
                        path.pop();
                    }
                }
                _ => self.walk(value, &mut path),
            }
            path.pop();
        }
    }

    fn walk<'t>(&mut self, tree: &'t Tree, path: &mut Vec<Step<'t>>) {
        match tree {
            Tree::String(text) => self.text(text, path),
            Tree::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    path.push(Step::Item(at));
                    self.walk(item, path);
                    path.pop();
                }
            }
            Tree::Object(map) => {
                for (key, value) in map.iter().filter(|(key, _)| *key != LAST_APPLIED) {
                    path.push(Step::Key(key));
                    self.walk(value, path);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str, path: &[Step<'_>]) {
        if self.is_secret && path.first().is_some_and(|step| step.is("data")) {
            let bytes = STANDARD.decode(text.as_bytes()).ok();
            if let Some(text) = bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
                self.plain(&text, path);
            }
        } else {
            self.plain(text, path);
        }
    }

    fn plain(&mut self, text: &str, path: &[Step<'_>]) {
        let mut names = self.mapping.names.keys();
        if !names.any(|name| memchr::memmem::find(text.as_bytes(), name.as_bytes()).is_some()) {
            return;
        }
        let Some((new, namespace, certainty)) =
            text::rewritten(self.mapping, text, self.scope(path))
        else {
            return;
        };
        let annotation = path.first().is_some_and(|step| step.is("metadata"));
        let is_shown = !self.is_secret || annotation;
        self.found.push(Found {
            path: pointer(path),
            namespace,
            certainty,
            text: is_shown.then(|| (text.to_owned(), new)),
        });
    }

    /// Where the bare name of a namespace may be meant: what programs are told, and fields that are called so.
    fn scope(&self, path: &[Step<'_>]) -> Scope {
        let mut keys = path.iter().rev().filter_map(Step::key);
        let (last, parent) = (keys.next().unwrap_or_default(), keys.next());
        let data = ["data", "stringData"].iter();
        let is_data = (self.is_secret || self.is_config)
            && data
                .into_iter()
                .any(|key| path.first().is_some_and(|step| step.is(key)));
        let name = last.to_ascii_lowercase();
        let is_bare = is_data
            || parent == Some("annotations")
            || matches!(last, "args" | "command" | "matchNames" | reference::LABEL)
            || last == "value" && parent == Some("env")
            || name.ends_with("namespace")
            || name.ends_with("namespaces");
        match is_bare {
            true => Scope::Bare,
            false => Scope::Strict,
        }
    }
}
