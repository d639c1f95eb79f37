//! Which objects a rule is for.

use super::*;

fn is_for(conditions: ModifierConditions, resource: &str, json: &str) -> bool {
    let stored = object(resource, json);
    let operation = JsonPatchOperation::new("add", "/metadata/annotations").with_value("{}");
    let modifiers = rule(ResourceModifierRule::new(conditions).with_patch(operation));
    let item = TransformItem::new(&stored, stored.id().clone(), stored.tree().unwrap());
    !modifiers.matches(&item).unwrap().is_empty()
}

#[test]
fn velero_3_8_group_resource_has_wildcards() {
    for (pattern, resource, expected) in [
        ("pods", "pods", true),
        ("pods", "services", false),
        ("deployments.apps", "deployments.apps", true),
        ("deployments", "deployments.apps", false),
        ("deployments.apps", "deployments.extensions", false),
        ("*", "pods", true),
        ("*", "deployments.apps", false),
        ("*.apps", "statefulsets.apps", true),
        ("*.apps", "pods", false),
        ("*sets.apps", "statefulsets.apps", true),
        ("*sets.apps", "deployments.apps", false),
        ("*.*", "pods", true),
        ("*.*", "deployments.apps", true),
        // Velero's glob does not get over the dots of a group.
        ("*.*", "ingresses.networking.k8s.io", true),
        ("ingresses.*", "ingresses.networking.k8s.io", true),
        ("ingresses.*.k8s.io", "ingresses.networking.k8s.io", true),
        (
            "ingresses.networking.k8s.io",
            "ingresses.networking.k8s.io",
            true,
        ),
    ] {
        let group = resource
            .split_once('.')
            .map_or(String::new(), |(_, group)| format!("{group}/"));
        let json = format!(
            r#"{{"apiVersion":"{group}v1","kind":"X","metadata":{{"name":"a","namespace":"n"}}}}"#
        );
        assert_eq!(
            is_for(ModifierConditions::of(pattern), resource, &json),
            expected,
            "{pattern} {resource}"
        );
    }
}

#[test]
fn velero_3_8_names_namespaces_labels_and_matches_are_the_stored_ones() {
    let json = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"mysql-0","namespace":"shop","labels":{"app":"db"}},"data":{"size":"5","flag":"true","n":null}}"#;
    let pods = || ModifierConditions::of("configmaps");
    for (conditions, expected) in [
        (pods(), true),
        (pods().with_name_regex("mysql"), true),
        (pods().with_name_regex("sql-[0-9]$"), true),
        (pods().with_name_regex("^sql"), false),
        (pods().with_name_regex(r"^\w+-\d$"), true),
        (pods().with_name_regex("(?i)^MYSQL"), true),
        (pods().with_namespace("shop"), true),
        (pods().with_namespace("sh*").with_namespace("x"), true),
        (pods().with_namespace("copy"), false),
        (pods().with_namespace("*"), true),
        (pods().with_selector("app=db".parse().unwrap()), true),
        (pods().with_selector("app in (web)".parse().unwrap()), false),
        (pods().with_match("/data/size", "\"5\""), true),
        (pods().with_match("/data/size", "5"), false),
        (pods().with_match("/data/flag", "\"true\""), true),
        (pods().with_match("/data/missing", "x"), false),
        (pods().with_match("/data/missing", "null"), true),
        (pods().with_match("/data/n", "null"), true),
        (pods().with_match("/data/flag/x", "x"), false),
        (
            pods()
                .with_match("/data/flag", "\"true\"")
                .with_match("/data/size", "x"),
            false,
        ),
    ] {
        assert_eq!(
            is_for(conditions.clone(), "configmaps", json),
            expected,
            "{conditions:?}"
        );
    }
    // An object without a namespace is not asked for it.
    let json = r#"{"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"a"}}"#;
    let conditions = ModifierConditions::of("persistentvolumes").with_namespace("shop");
    assert!(is_for(conditions, "persistentvolumes", json));
}

#[test]
fn velero_3_8_all_rules_are_matched_before_the_first_is_applied() {
    let json = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"n"},"data":{"class":"standard"}}"#;
    let stored = object("configmaps", json);
    let class = |from: &str, to: &str| {
        ResourceModifierRule::new(
            ModifierConditions::of("configmaps").with_match("/data/class", from),
        )
        .with_patch(JsonPatchOperation::new("replace", "/data/class").with_value(to))
    };
    let spec = ResourceModifierSpec::default()
        .with_rule(class("standard", "premium"))
        .with_rule(class("premium", "gold"));
    let modifiers = ResourceModifiers::new(&spec).unwrap();
    let (after, _) = told(&modifiers, &stored, stored.tree().unwrap());
    assert!(after.contains("premium"), "{after}");
}

#[test]
fn a_match_is_looked_up_in_the_converted_object_if_the_stored_version_has_no_such_path() {
    let old = r#"{"apiVersion":"extensions/v1beta1","kind":"Ingress","metadata":{"name":"a","namespace":"n"},"spec":{"backend":{"serviceName":"web"}}}"#;
    let new = r#"{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"a","namespace":"n"},"spec":{"defaultBackend":{"service":{"name":"web"}}}}"#;
    let stored = object("ingresses.extensions", old);
    let of = || ModifierConditions::of("ingresses.extensions");
    for (conditions, expected) in [
        (of().with_match("/spec/backend/serviceName", "web"), true),
        (
            of().with_match("/spec/defaultBackend/service/name", "web"),
            true,
        ),
        (
            of().with_match("/spec/defaultBackend/service/name", "x"),
            false,
        ),
        (ModifierConditions::of("ingresses.networking.k8s.io"), false),
    ] {
        let operation = JsonPatchOperation::new("add", "/spec/x").with_value("1");
        let modifiers = rule(ResourceModifierRule::new(conditions.clone()).with_patch(operation));
        let item = TransformItem::new(&stored, stored.id().clone(), tree(new));
        let found = !modifiers.matches(&item).unwrap().is_empty();
        assert_eq!(found, expected, "{conditions:?}");
    }
}
