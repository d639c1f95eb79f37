use super::*;
use crate::{
    ErrorKind,
    model::{Object, Tree},
    port::Transform,
    transform::{TransformItem, Verdict},
};

mod arbitrary;
mod json_patch;
mod matching;

fn tree(json: &str) -> Tree {
    Tree::parse(json.as_bytes()).unwrap_or_else(|error| panic!("{json}: {}", error.chain()))
}

fn object(resource: &str, json: &str) -> Object {
    Object::parse(resource.parse().unwrap(), json.as_bytes().to_vec()).unwrap()
}

/// One rule with one JSON patch operation for everything.
fn operation(operation: JsonPatchOperation) -> ResourceModifiers {
    let rule = ResourceModifierRule::new(ModifierConditions::of("*.*")).with_patch(operation);
    ResourceModifiers::new(&ResourceModifierSpec::default().with_rule(rule)).unwrap()
}

fn rule(rule: ResourceModifierRule) -> ResourceModifiers {
    ResourceModifiers::new(&ResourceModifierSpec::default().with_rule(rule)).unwrap()
}

const RULES: &str = r#"version: v1
resourceModifierRules:
- conditions:
    groupResource: persistentvolumeclaims
    resourceNameRegex: "^mysql.*$"
    namespaces:
    - bar
    - foo
    labelSelector:
      matchLabels:
        foo: bar
  patches:
  - operation: replace
    path: "/spec/storageClassName"
    value: "premium"
  - operation: remove
    path: "/metadata/labels/test"
- conditions:
    groupResource: pods
  mergePatches:
  - patchData: |
      {"metadata": {"annotations": {"foo": null}}}
- conditions:
    groupResource: pods
    matches:
    - path: /spec/restartPolicy
      value: Always
  strategicPatches:
  - patchData: |
      spec:
        containers:
        - name: nginx
          image: repo2/nginx
"#;

#[test]
fn velero_3_8_its_own_document_is_read_alone_and_in_its_config_map() {
    let spec = ResourceModifierSpec::from_yaml(RULES).unwrap();
    assert_eq!(spec.resource_modifier_rules.len(), 3);
    let written = spec.to_yaml().unwrap();
    assert_eq!(ResourceModifierSpec::from_yaml(&written).unwrap(), spec);
    let indented = RULES.replace('\n', "\n    ");
    let map = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\n  namespace: velero\ndata:\n  rules.yaml: |\n    {indented}\n"
    );
    assert_eq!(ResourceModifierSpec::from_config_map(&map).unwrap(), spec);
    assert_eq!(ResourceModifierSpec::from_yaml(&map).unwrap(), spec);
    // As a part of a restore's spec.
    let json = serde_json::to_string(&spec).unwrap();
    let again: ResourceModifierSpec = serde_json::from_str(&json).unwrap();
    assert_eq!(again, spec);
}

#[test]
fn velero_3_8_what_cannot_be_meant_is_refused_with_rule_and_field() {
    let good = "{conditions: {groupResource: pods}, patches: [{operation: remove, path: /a}]}";
    let two = |rule: &str| format!("version: v1\nresourceModifierRules: [{good}, {rule}]");
    let patch = |patch: &str| {
        two(&format!(
            "{{conditions: {{groupResource: pods}}, patches: [{patch}]}}"
        ))
    };
    let condition = |condition: &str| {
        two(&format!(
            "{{conditions: {{groupResource: pods, {condition}}}, patches: [{{operation: remove, path: /a}}]}}"
        ))
    };
    for (text, parts) in [
        (
            "version: v2\nresourceModifierRules: []".to_owned(),
            &["`version` must be `v1`"][..],
        ),
        (
            "version: v1\nresourceModifierRules: []".to_owned(),
            &["no rules"],
        ),
        ("version: v1".to_owned(), &["no rules"]),
        ("version: v1\nversion1: v1".to_owned(), &["version1"]),
        ("- a".to_owned(), &["not an object"]),
        (String::new(), &["empty"]),
        ("a: 1\n---\nb: 1\n".to_owned(), &["more than one"]),
        (
            two("{conditions: {groupResource: pods}, patch: []}"),
            &["unknown field `patch`", "rule=2"],
        ),
        (
            two("{conditions: {groupResource: pods}}"),
            &["needs patches", "rule=2"],
        ),
        (
            two(
                "{conditions: {groupResource: pods}, patches: [{operation: remove, path: /a}], mergePatches: [{patchData: '{}'}]}",
            ),
            &["only one", "rule=2"],
        ),
        (
            two("{conditions: {}, patches: [{operation: remove, path: /a}]}"),
            &["groupResource", "rule=2"],
        ),
        (
            two("{conditions: {groupResource: ''}, patches: [{operation: remove, path: /a}]}"),
            &["rule=2", "field=conditions.groupResource"],
        ),
        (
            two(
                "{conditions: {groupResource: '{pods,services}'}, patches: [{operation: remove, path: /a}]}",
            ),
            &["rule=2", "field=conditions.groupResource"],
        ),
        (
            condition("resourceNameRegex: '(a'"),
            &[
                "not a regular expression",
                "rule=2",
                "field=conditions.resourceNameRegex",
            ],
        ),
        (
            condition("resourceNameRegex: 'a{1000}{1000}{100}'"),
            &["larger than allowed", "field=conditions.resourceNameRegex"],
        ),
        (
            condition("namespaces: ['a**']"),
            &["field=conditions.namespaces"],
        ),
        (
            condition("labelSelector: {matchLabels: {'a b': c}}"),
            &["field=conditions.labelSelector"],
        ),
        (
            condition("labelSelector: {labels: {}}"),
            &["unknown field", "rule=2"],
        ),
        (
            condition("matches: [{path: a, value: b}]"),
            &["begins with a slash", "field=conditions.matches[0].path"],
        ),
        (
            condition("matches: [{path: /a}]"),
            &["missing field `value`", "rule=2"],
        ),
        (
            patch("{operation: put, path: /a}"),
            &["not an operation", "rule=2", "field=patches[0].operation"],
        ),
        (
            patch("{operation: remove, path: ''}"),
            &["must not be empty", "field=patches[0].path"],
        ),
        (
            patch("{operation: remove, path: /a~2}"),
            &["field=patches[0].path"],
        ),
        (
            patch("{operation: copy, path: /a}"),
            &["field=patches[0].from"],
        ),
        (
            patch("{operation: add, path: /a}"),
            &["needs a value", "field=patches[0].value"],
        ),
        (
            patch("{operation: add, path: /a, value: null}"),
            &["needs a value", "field=patches[0].value"],
        ),
        (
            patch("{operation: add, path: /a, value: '{'}"),
            &["field=patches[0].value"],
        ),
        (
            patch("{operation: add, path: /a, value: 1}"),
            &["expected a string", "rule=2"],
        ),
        (
            two("{conditions: {groupResource: pods}, mergePatches: [{patchData: '['}]}"),
            &["rule=2", "field=mergePatches[0].patchData"],
        ),
        (
            two("{conditions: {groupResource: pods}, strategicPatches: [{patchData: 'a'}]}"),
            &[
                "a patch is an object",
                "field=strategicPatches[0].patchData",
            ],
        ),
    ] {
        let error = ResourceModifierSpec::from_yaml(&text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text}");
        for part in parts {
            assert!(error.to_string().contains(part), "{text}: {error}");
        }
    }
    let map = "apiVersion: v1\nkind: ConfigMap\ndata: {a: x, b: y}";
    for bad in [
        map,
        "apiVersion: v1\nkind: ConfigMap",
        "kind: Secret",
        "a: b",
    ] {
        assert!(ResourceModifierSpec::from_config_map(bad).is_err(), "{bad}");
    }
    let many = good.to_owned() + &format!(", {good}").repeat(1000);
    let many = format!("version: v1\nresourceModifierRules: [{many}]");
    assert!(ResourceModifierSpec::from_yaml(&many).is_err());
    let large = format!("version: v1 # {}", "x".repeat(1 << 20));
    assert!(ResourceModifierSpec::from_yaml(&large).is_err());
}

#[test]
fn values_are_in_no_error_and_no_debug() {
    let secret = "hunter2";
    let text = format!(
        "version: v1\nresourceModifierRules: [{{conditions: {{groupResource: secrets, matches: [{{path: /a, value: {secret}}}]}}, patches: [{{operation: test, path: /a, value: {secret}}}]}}, {{conditions: {{groupResource: secrets}}, mergePatches: [{{patchData: 'data: {{a: {secret}}}'}}]}}]"
    );
    let spec = ResourceModifierSpec::from_yaml(&text).unwrap();
    assert!(!format!("{spec:?}").contains(secret));
    assert!(!format!("{:?}", ResourceModifiers::new(&spec).unwrap()).contains(secret));
    let bad = text.replace("'data: {a: hunter2}'", "'data: [hunter2'");
    let error = ResourceModifierSpec::from_yaml(&bad).unwrap_err();
    assert!(!error.chain().contains(secret), "{}", error.chain());
    let bad = text.replace(
        "patches: [{operation: test, path: /a, value: hunter2}]",
        "patches: hunter2",
    );
    let error = ResourceModifierSpec::from_yaml(&bad).unwrap_err();
    assert!(!error.chain().contains(secret), "{}", error.chain());
    // Nor among the changes of a Secret.
    let json = r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","namespace":"n"},"data":{"a":"eA=="}}"#;
    let stored = object("secrets", json);
    let mut item = TransformItem::new(&stored, stored.id().clone(), stored.tree().unwrap());
    let modifiers =
        operation(JsonPatchOperation::new("replace", "/data/a").with_value("aHVudGVyMg=="));
    modifiers.transform(&mut item).unwrap();
    let [change] = item.changes() else {
        panic!("{:?}", item.changes())
    };
    assert_eq!(
        (change.path.as_str(), &change.before, &change.after),
        ("/data/a", &None, &None)
    );
}

const DEPLOYMENT: &str = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop","labels":{"app":"web"}},"spec":{"replicas":3,"template":{"spec":{"containers":[{"name":"web","image":"a"}]}}}}"#;

fn told(modifiers: &ResourceModifiers, stored: &Object, converted: Tree) -> (String, Vec<String>) {
    let mut item = TransformItem::new(stored, stored.id().clone(), converted);
    assert_eq!(modifiers.transform(&mut item).unwrap(), Verdict::Restore);
    let losses = item.losses().iter().map(ToString::to_string);
    let changes = item.changes().iter().map(ToString::to_string);
    let told = changes.chain(losses).collect();
    (item.tree().to_string(), told)
}

#[test]
fn velero_3_8_a_rule_that_does_not_fit_is_left_out_and_told() {
    let stored = object("deployments.apps", DEPLOYMENT);
    let spec = ResourceModifierSpec::from_yaml(
        r#"
version: v1
resourceModifierRules:
- conditions: {groupResource: deployments.apps}
  patches:
  - {operation: replace, path: /spec/replicas, value: "1"}
  - {operation: replace, path: /spec/paused, value: "true"}
- conditions: {groupResource: deployments.apps}
  patches:
  - {operation: test, path: /spec/replicas, value: "7"}
  - {operation: remove, path: /spec/replicas}
- conditions: {groupResource: deployments.apps}
  mergePatches:
  - patchData: "metadata: {name: other}"
- conditions: {groupResource: deployments.apps}
  strategicPatches:
  - patchData: "spec: {template: {spec: {containers: [{image: b}]}}}"
- conditions: {groupResource: deployments.apps}
  patches:
  - {operation: replace, path: /spec/replicas, value: "2"}
"#,
    );
    let modifiers = ResourceModifiers::new(&spec.unwrap()).unwrap();
    let (after, told) = told(&modifiers, &stored, stored.tree().unwrap());
    assert_eq!(
        after,
        DEPLOYMENT.replace(r#""replicas":3"#, r#""replicas":2"#)
    );
    assert_eq!(
        told,
        [
            "/spec/replicas replaced: resource modifier rule 5",
            "error: /spec/paused: resource modifier rule 1 is left out: patch 2 at /spec/paused: replace: nothing stands there",
            "error: /metadata/name: resource modifier rule 3 is left out: /metadata/name: a rule must not make an object into another one",
            "error: /spec/template/spec/containers: resource modifier rule 4 is left out: patch 1 at /spec/template/spec/containers: an item has no `name`, by which the list is merged",
        ]
    );
    let item = TransformItem::new(&stored, stored.id().clone(), stored.tree().unwrap());
    let matches = modifiers.matches(&item).unwrap();
    let kinds: Vec<_> = matches
        .iter()
        .map(|found| {
            (
                found.rule,
                found.refusal.as_ref().map(|refusal| refusal.kind),
            )
        })
        .collect();
    assert_eq!(
        kinds,
        [
            (1, Some(RefusalKind::Missing)),
            (2, Some(RefusalKind::TestFailed)),
            (3, Some(RefusalKind::Unfit)),
            (4, Some(RefusalKind::Unfit)),
            (5, None),
        ]
    );
    assert_eq!(matches[4].to_string(), "rule 5 (JSON patch)");
}

#[test]
fn strategic_patches_are_not_for_custom_resources() {
    let json = r#"{"apiVersion":"shop.example.com/v1","kind":"Shop","metadata":{"name":"a","namespace":"n"},"spec":{}}"#;
    let stored = object("shops.shop.example.com", json);
    let modifiers = rule(
        ResourceModifierRule::new(ModifierConditions::of("*.*"))
            .with_strategic_patch("spec: {a: 1}"),
    );
    let (after, told) = told(&modifiers, &stored, stored.tree().unwrap());
    assert_eq!(after, json);
    assert_eq!(
        told,
        [
            "error: /kind: resource modifier rule 1 is left out: patch 1 at /kind: strategic merge patches are for built-in kinds only; use mergePatches"
        ]
    );
}

#[test]
fn a_path_that_only_the_stored_version_has_is_told() {
    let old = r#"{"apiVersion":"extensions/v1beta1","kind":"Ingress","metadata":{"name":"a","namespace":"n"},"spec":{"backend":{"serviceName":"web","servicePort":80}}}"#;
    let new = r#"{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"a","namespace":"n"},"spec":{"defaultBackend":{"service":{"name":"web","port":{"number":80}}}}}"#;
    let stored = object("ingresses.extensions", old);
    for (change, expected) in [
        (
            ResourceModifierRule::new(ModifierConditions::of("ingresses.extensions")).with_patch(
                JsonPatchOperation::new("replace", "/spec/backend/serviceName").with_value("x"),
            ),
            &[
                "warning: /spec/backend/serviceName: resource modifier rule 1 speaks of a path that only the stored version has; write it for networking.k8s.io/v1",
                "error: /spec/backend: resource modifier rule 1 is left out: patch 1 at /spec/backend: replace: nothing stands there",
            ][..],
        ),
        // It would write a field that nobody reads.
        (
            ResourceModifierRule::new(ModifierConditions::of("ingresses.extensions"))
                .with_merge_patch("spec: {backend: {serviceName: x}}"),
            &[
                "/spec/backend added: resource modifier rule 1",
                "warning: /spec/backend/serviceName: resource modifier rule 1 speaks of a path that only the stored version has; write it for networking.k8s.io/v1",
            ],
        ),
        (
            ResourceModifierRule::new(ModifierConditions::of("ingresses.extensions"))
                .with_merge_patch("spec: {defaultBackend: {service: {name: x}}}"),
            &["/spec/defaultBackend/service/name replaced: resource modifier rule 1"],
        ),
    ] {
        let (_, told) = told(&rule(change), &stored, tree(new));
        assert_eq!(told, expected);
    }
}

#[test]
fn velero_3_8_merge_patches_are_applied_one_after_the_other() {
    let stored = object("deployments.apps", DEPLOYMENT);
    let modifiers = rule(
        ResourceModifierRule::new(ModifierConditions::of("*.apps"))
            .with_merge_patch("metadata: {labels: {app: null, tier: web}}")
            .with_merge_patch("metadata: {labels: {tier: db}}\nspec: {replicas: 1}"),
    );
    let (after, told) = told(&modifiers, &stored, stored.tree().unwrap());
    assert_eq!(
        after,
        DEPLOYMENT
            .replace(r#"{"app":"web"}"#, r#"{"tier":"db"}"#)
            .replace(r#""replicas":3"#, r#""replicas":1"#)
    );
    assert_eq!(
        told,
        [
            "/metadata/labels/app removed: resource modifier rule 1",
            "/metadata/labels/tier added: resource modifier rule 1",
            "/spec/replicas replaced: resource modifier rule 1",
        ]
    );
}
