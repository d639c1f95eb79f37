//! Every real manifest converts to every release that can hold it.

use crate::mutate::unpacked;
use csdr_core::{
    conversion::{BuiltinConverter, Conversion, TargetApis},
    lifecycle,
    manifest::yaml::{self, YamlLimits},
    model::{CustomKind, GroupResource, Object, Tree, builtin},
    port::ApiVersionConverter,
};
use std::{fs, path::Path};

/// The objects of every YAML file below a folder.
fn trees(folder: &Path, found: &mut Vec<Tree>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            trees(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            read(&fs::read_to_string(&path).unwrap(), found);
        }
    }
}

fn read(text: &str, found: &mut Vec<Tree>) {
    for document in yaml::documents(text, &YamlLimits::default()) {
        found.extend(yaml::items(document.tree.unwrap()));
    }
}

fn resource(tree: &Tree, definitions: &[CustomKind]) -> GroupResource {
    let api_version = tree.text_at(&["apiVersion"]).unwrap();
    let kind = tree.text_at(&["kind"]).unwrap();
    let (group, _) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    if let Some(row) = builtin::kind(group, kind) {
        return row.resource().unwrap();
    }
    let defined = definitions
        .iter()
        .find(|own| own.resource.resource.group() == group && own.resource.kind == kind);
    defined.unwrap().resource.resource.clone()
}

#[test]
fn every_manifest_converts_to_every_release_that_can_hold_it() {
    let mut found = Vec::new();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/tests/data");
    trees(&corpus, &mut found);
    read(
        &unpacked(include_bytes!("../data/conversion/definitions.yaml.gz")),
        &mut found,
    );
    let definitions: Vec<CustomKind> = found
        .iter()
        .filter(|tree| tree.text_at(&["kind"]) == Some("CustomResourceDefinition"))
        .map(|tree| CustomKind::from_crd(tree).unwrap())
        .collect();
    assert_eq!(definitions.len(), 10);
    let objects: Vec<Object> = found
        .iter()
        .map(|tree| Object::from_tree(resource(tree, &definitions), tree).unwrap())
        .collect();
    assert!(objects.len() > 140, "{}", objects.len());
    let converter = BuiltinConverter::new();
    for minor in lifecycle::OLDEST..=lifecycle::NEWEST {
        let target = TargetApis::kubernetes(1, minor)
            .unwrap()
            .with_definitions(&definitions);
        for object in &objects {
            let kind = &object.meta().kind;
            // A megabyte of schema a time: at the ends and where the version of definitions changed.
            if object.json().len() > 100_000 && ![16, 21, 22, 36].contains(&minor) {
                continue;
            }
            let can_hold = match lifecycle::lookup(kind) {
                Some(row) => lifecycle::family(row).any(|member| member.served_in(minor)),
                None => true,
            };
            let conversion = converter.convert(object, &target).unwrap();
            let about = format!("{kind} {} on 1.{minor}", object.id());
            match conversion {
                Conversion::Unchanged => assert!(target.serves(kind), "{about}"),
                Conversion::Converted {
                    object: made, to, ..
                } => {
                    assert!(target.serves(&made.meta().kind), "{about}: {to}");
                    assert_eq!(made.id().name(), object.id().name(), "{about}");
                }
                other => assert!(!can_hold, "{about}: {other:?}"),
            }
        }
    }
}
