use super::*;
use crate::{model::Object, spec::BackupSpec};

fn selection(yaml: &str) -> Selection {
    let spec = BackupSpec::from_yaml(&format!("{{name: a, {yaml}}}")).unwrap();
    spec.selection().unwrap()
}

fn spellings(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

const PODS: &str = "pods pods pod po";
const CLAIMS: &str = "persistentvolumeclaims persistentvolumeclaims persistentvolumeclaim pvc";
const VOLUMES: &str = "persistentvolumes persistentvolumes persistentvolume pv";

/// `taken`, `excluded`, `not asked` or `scope`.
fn said(selection: &Selection, kind: &str, namespaced: bool) -> &'static str {
    let spellings = spellings(kind);
    match selection.asks(&spellings, namespaced) {
        Asked::Excluded => "excluded",
        Asked::No => "not asked",
        Asked::Yes if !namespaced && !selection.takes_cluster_scoped(&spellings) => "scope",
        Asked::Yes => "taken",
    }
}

#[test]
fn velero_2_2_both_families_of_resource_filters() {
    for (yaml, pods, volumes) in [
        ("", "taken", "taken"),
        ("includedNamespaces: ['*']", "taken", "taken"),
        ("includedNamespaces: [a]", "taken", "scope"),
        ("namespaceSelector: {matchLabels: {a: b}}", "taken", "scope"),
        (
            "includedNamespaces: [a], clusterScoped: include",
            "taken",
            "taken",
        ),
        ("clusterScoped: exclude", "taken", "scope"),
        ("includedResources: [po]", "taken", "not asked"),
        (
            "includedNamespaces: [a], includedResources: [pods, pv]",
            "taken",
            "taken",
        ),
        (
            "includedNamespaces: [a], includedResources: ['p*']",
            "taken",
            "scope",
        ),
        // R184.
        ("excludedResources: [pvc, pv]", "taken", "excluded"),
        ("includedNamespaceScopedResources: [pods]", "taken", "scope"),
        ("includedNamespaceScopedResources: ['*']", "taken", "taken"),
        (
            "excludedNamespaceScopedResources: [secrets]",
            "taken",
            "scope",
        ),
        ("includedClusterScopedResources: [pv]", "taken", "taken"),
        (
            "includedNamespaces: [a], includedClusterScopedResources: ['*']",
            "taken",
            "taken",
        ),
        (
            "includedClusterScopedResources: [nodes]",
            "taken",
            "not asked",
        ),
        ("excludedClusterScopedResources: [pv]", "taken", "excluded"),
        ("excludedClusterScopedResources: [nodes]", "taken", "taken"),
        (
            "includedNamespaces: [a], excludedClusterScopedResources: [nodes]",
            "taken",
            "scope",
        ),
        ("excludedClusterScopedResources: ['*']", "taken", "excluded"),
        (
            "excludedNamespaceScopedResources: ['*']",
            "excluded",
            "scope",
        ),
        (
            "excludedNamespaceScopedResources: ['*'], includedClusterScopedResources: [pv]",
            "excluded",
            "taken",
        ),
    ] {
        let selection = selection(yaml);
        let found = (
            said(&selection, PODS, true),
            said(&selection, VOLUMES, false),
        );
        assert_eq!(found, (pods, volumes), "{yaml}");
    }
}

#[test]
fn velero_2_4_what_may_be_added_to_a_selection() {
    for (yaml, claim, volume) in [
        ("includedNamespaces: [shop]", true, true),
        (
            "includedNamespaces: [shop], labelSelector: {matchLabels: {a: b}}",
            true,
            true,
        ),
        (
            "includedNamespaces: [shop], clusterScoped: exclude",
            true,
            false,
        ),
        (
            "includedNamespaces: [shop], excludedResources: [pv]",
            true,
            false,
        ),
        (
            "includedNamespaces: [shop], includedResources: [pods]",
            false,
            true,
        ),
        (
            "includedNamespaces: [shop], excludedClusterScopedResources: ['*']",
            true,
            false,
        ),
        ("names: [{resource: pvc, excluded: [data]}]", false, true),
        ("names: [{resource: pvc, included: [other]}]", true, true),
        (
            "namespaceFilters: [{namespaces: [shop], includedResources: [pods]}]",
            false,
            true,
        ),
    ] {
        let selection = selection(yaml);
        let claims = selection.may_add(&spellings(CLAIMS), Some("shop"), "data");
        let volumes = selection.may_add(&spellings(VOLUMES), None, "data");
        assert_eq!((claims, volumes), (claim, volume), "{yaml}");
    }
}

#[test]
fn a_selection_is_closed_if_nothing_can_be_added() {
    for (yaml, closed) in [
        ("", true),
        ("clusterScoped: exclude", true),
        ("includedNamespaces: [a], clusterScoped: include", true),
        ("excludedResources: [secrets]", true),
        ("excludedClusterScopedResources: [nodes]", true),
        ("includedNamespaces: [a]", false),
        ("includedResources: [pods]", false),
        ("includedNamespaceScopedResources: [pods]", false),
        ("labelSelector: {matchLabels: {a: b}}", false),
        (
            "clusterScoped: exclude, orLabelSelectors: [{matchLabels: {a: b}}]",
            false,
        ),
        ("names: [{resource: pods, included: [a]}]", false),
        (
            "namespaceFilters: [{namespaces: [a], labelSelector: {matchLabels: {a: b}}}]",
            false,
        ),
        (
            "namespaceFilters: [{namespaces: [a], includedResources: [pods]}]",
            true,
        ),
    ] {
        assert_eq!(selection(yaml).is_closed(), closed, "{yaml}");
    }
}

#[test]
fn the_first_filter_of_a_namespace_takes_the_place_of_the_spec() {
    let selection = selection(
        "includedResources: [pods], labelSelector: {matchLabels: {app: shop}}, names: [{resource: po, included: [web]}],
         namespaceFilters: [
           {namespaces: ['data-*'], includedResources: [pods, pvc], names: [{resource: pods, excluded: ['tmp-*']}]},
           {namespaces: [data-1, other], excludedResources: [pods]}]",
    );
    let object = |namespace: &str, name: &str, app: &str| {
        let json = format!(
            r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"namespace":"{namespace}","name":"{name}","labels":{{"app":"{app}"}}}}}}"#
        );
        Object::parse("pods".parse().unwrap(), json).unwrap()
    };
    assert_eq!(said(&selection, PODS, true), "taken");
    assert_eq!(said(&selection, CLAIMS, true), "taken");
    for (namespace, name, app, expected) in [
        ("shop", "web", "shop", None),
        ("shop", "db", "shop", Some(Missed::Name)),
        ("shop", "web", "other", Some(Missed::Labels)),
        ("data-1", "db", "other", None),
        ("data-1", "tmp-1", "shop", Some(Missed::Name)),
    ] {
        let object = object(namespace, name, app);
        let test = selection.test(&spellings(PODS), Some(namespace));
        assert_eq!(
            test.misses(name, object.meta()),
            expected,
            "{namespace}/{name}"
        );
    }
    for (namespace, claims, pods) in [
        ("shop", Asked::No, Asked::Yes),
        ("data-1", Asked::Yes, Asked::Yes),
        ("other", Asked::Yes, Asked::Excluded),
    ] {
        let asked = |kind| selection.asks_in(&spellings(kind), namespace);
        assert_eq!((asked(CLAIMS), asked(PODS)), (claims, pods), "{namespace}");
    }
    assert_eq!(
        selection.request(true, Some("shop")).to_string(),
        "app=shop"
    );
    assert_eq!(selection.request(true, Some("data-1")).to_string(), "");
    assert_eq!(selection.request(true, None).to_string(), "");
    assert_eq!(selection.request(false, None).to_string(), "app=shop");
}
