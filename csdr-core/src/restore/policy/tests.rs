use super::{Decision, Policies, without_controllers};
use crate::{
    manifest::yaml::{YamlLimits, documents},
    model::{Object, Tree},
    spec::RestoreSpec,
};

fn object(resource: &str, yaml: &str) -> Object {
    let tree = documents(yaml, &YamlLimits::default()).remove(0).tree;
    Object::from_tree(resource.parse().unwrap(), &tree.unwrap()).unwrap()
}

/// `action: remark` and the patch, if one would be sent.
fn decided(spec: &str, resource: &str, wanted: &str, live: &str) -> String {
    let spec = RestoreSpec::from_yaml(&format!("{{name: a, backupName: a, {spec}}}")).unwrap();
    let (wanted, live) = (object(resource, wanted), object(resource, live));
    let policies = Policies::new(&spec).unwrap();
    let decision = policies
        .decide(wanted.id().resource(), &wanted, &live)
        .unwrap();
    let remark = decision.remark().map(|(_, text)| format!(": {text}"));
    let patch = match &decision {
        Decision::Update(found) => format!(" {}", found.patch),
        Decision::Merge(patch) => format!(" {patch}"),
        _ => String::new(),
    };
    format!("{}{}{patch}", decision.action(), remark.unwrap_or_default())
}

const MAP: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: ns, labels: {l: '1'}}, data: {tea: '3'}}";

fn map(data: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a, namespace: ns, uid: u, resourceVersion: '7', labels: {{l: '1', more: x}}}}, data: {{{data}}}}}"
    )
}

#[test]
fn r256_velero_3_5_an_existing_object_is_equal_or_differs_and_the_policy_says_what_becomes_of_it() {
    let (equal, other) = (map("tea: '3', milk: '1'"), map("tea: '4'"));
    for (spec, expected) in [
        (
            "",
            "skip: exists, differs: exists and differs at /data/tea; left as it is",
        ),
        (
            "existing: skip",
            "skip: exists, differs: exists and differs at /data/tea; left as it is",
        ),
        (
            "existing: fail",
            "fail: exists: exists and differs at /data/tea",
        ),
        (
            "existing: update",
            r#"update: differs at /data/tea {"data":{"tea":"3"}}"#,
        ),
        ("existing: apply", "apply: differs at /data/tea"),
        ("existing: recreate", "recreate: differs at /data/tea"),
    ] {
        assert_eq!(
            decided(spec, "configmaps", MAP, &equal),
            "skip: exists, equal",
            "{spec}"
        );
        assert_eq!(decided(spec, "configmaps", MAP, &other), expected, "{spec}");
    }
}

#[test]
fn the_first_override_that_fits_kind_and_labels_counts() {
    let other = map("tea: '4'");
    for (overrides, action) in [
        (
            "[{resources: [secrets], policy: fail}, {resources: ['config*'], policy: recreate}]",
            "recreate",
        ),
        (
            "[{labelSelector: {matchLabels: {l: '2'}}, policy: fail}]",
            "update",
        ),
        (
            "[{labelSelector: {matchLabels: {l: '1'}}, policy: apply}, {resources: [configmaps], policy: fail}]",
            "apply",
        ),
        (
            "[{resources: [configmaps], labelSelector: {matchLabels: {l: '2'}}, policy: fail}]",
            "update",
        ),
    ] {
        let spec = format!("existing: update, existingOverrides: {overrides}");
        let decided = decided(&spec, "configmaps", MAP, &other);
        assert!(
            decided.starts_with(&format!("{action}: differs")),
            "{overrides}: {decided}"
        );
    }
}

#[test]
fn velero_3_4_an_existing_namespace_is_left_and_what_holds_data_is_not_recreated_unless_it_is_named()
 {
    for (resource, kind, api) in [
        ("namespaces", "Namespace", "v1"),
        ("persistentvolumes", "PersistentVolume", "v1"),
        ("persistentvolumeclaims", "PersistentVolumeClaim", "v1"),
        (
            "customresourcedefinitions.apiextensions.k8s.io",
            "CustomResourceDefinition",
            "apiextensions.k8s.io/v1",
        ),
    ] {
        let with = |label: &str| {
            format!(
                "{{apiVersion: {api}, kind: {kind}, metadata: {{name: a.b, namespace: ns, labels: {{l: {label}}}}}}}"
            )
        };
        let (wanted, live) = (with("x"), with("z"));
        for spec in [
            "existing: recreate",
            "existing: skip, existingOverrides: [{resources: ['*'], policy: recreate}]",
        ] {
            let decided = decided(spec, resource, &wanted, &live);
            assert!(
                decided.starts_with("skip: exists, differs: "),
                "{spec} {resource}: {decided}"
            );
        }
        let named = format!("existingOverrides: [{{resources: [{resource}], policy: recreate}}]");
        let decided = decided(&named, resource, &wanted, &live);
        assert_eq!(decided, "recreate: differs at /metadata/labels/l");
    }
    let (wanted, live) = (
        "{apiVersion: v1, kind: Namespace, metadata: {name: a, labels: {l: x}}}",
        "{apiVersion: v1, kind: Namespace, metadata: {name: a}}",
    );
    for policy in ["update", "apply", "fail"] {
        let decided = decided(&format!("existing: {policy}"), "namespaces", wanted, live);
        assert!(
            decided.ends_with("an existing namespace is left as it is"),
            "{decided}"
        );
    }
}

#[test]
fn velero_3_5_service_accounts_are_put_together_whatever_the_policy() {
    let wanted = "{apiVersion: v1, kind: ServiceAccount, metadata: {name: a, namespace: ns, labels: {l: '1', m: '1'}}, secrets: [{name: s}], imagePullSecrets: [{name: p}, {name: q}]}";
    let live = "{apiVersion: v1, kind: ServiceAccount, metadata: {name: a, namespace: ns, labels: {l: '2'}}, imagePullSecrets: [{name: q}]}";
    let patch = r#"merge {"secrets":[{"name":"s"}],"imagePullSecrets":[{"name":"q"},{"name":"p"}],"metadata":{"labels":{"m":"1"}}}"#;
    for policy in ["skip", "fail", "update", "apply", "recreate"] {
        let spec = format!("existing: {policy}");
        assert_eq!(
            decided(&spec, "serviceaccounts", wanted, live),
            patch,
            "{policy}"
        );
    }
    let more = live
        .replace(
            "[{name: q}]",
            "[{name: q}, {name: p}], secrets: [{name: s}, {name: t}]",
        )
        .replace("l: '2'", "l: '2', m: '9'");
    assert_eq!(
        decided("existing: fail", "serviceaccounts", wanted, &more),
        "skip: exists, equal"
    );
    // Whoever names them means them.
    let named = "existingOverrides: [{resources: [serviceaccounts], policy: fail}]";
    assert!(decided(named, "serviceaccounts", wanted, live).starts_with("fail: exists: "));
}

/// `wanted` and `live` specs of a Deployment, and the patch of its spec that an update sends.
#[test]
fn an_update_writes_the_backups_fields_and_nothing_else() {
    for (wanted, live, patch) in [
        // The server's defaults and others' fields stay; null is nothing.
        (
            "{replicas: 2, paused: null}",
            "{replicas: 2, progressDeadlineSeconds: 600}",
            "equal",
        ),
        (
            "{replicas: 3}",
            "{replicas: 2, progressDeadlineSeconds: 600}",
            r#"{"replicas":3}"#,
        ),
        ("{a: {b: 1, c: {}}, d: []}", "{a: {b: 1, x: 2}}", "equal"),
        (
            "{a: {b: 1, c: {d: 2}}}",
            "{a: {b: 1}}",
            r#"{"a":{"c":{"d":2}}}"#,
        ),
        // A list is one value, whose items may have more in the target.
        ("{l: [{name: a}]}", "{l: [{name: a, image: x}]}", "equal"),
        (
            "{l: [{name: a}]}",
            "{l: [{name: a}, {name: b}]}",
            r#"{"l":[{"name":"a"}]}"#,
        ),
        (
            "{l: [{name: a, emptyDir: {}}]}",
            "{l: [{name: a, hostPath: {path: x}}]}",
            r#"{"l":[{"name":"a","emptyDir":{}}]}"#,
        ),
        ("{l: [1, 2]}", "{l: [2, 1]}", r#"{"l":[1,2]}"#),
        // Numbers are as they are written, but for those that are no integers.
        ("{num: 1.0}", "{num: 1}", "equal"),
        (
            "{num: 18446744073709551617}",
            "{num: 18446744073709551616}",
            r#"{"num":18446744073709551617}"#,
        ),
        // Another member of a union.
        (
            "{strategy: {type: Recreate}}",
            "{strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}}",
            r#"{"strategy":{"type":"Recreate","rollingUpdate":null}}"#,
        ),
        (
            "{strategy: {type: RollingUpdate}}",
            "{strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}}",
            "equal",
        ),
        ("{s: x}", "{s: {t: 1}}", r#"{"s":"x"}"#),
    ] {
        let of = |spec: &str| {
            format!(
                "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: a, namespace: ns}}, spec: {spec}}}"
            )
        };
        let decided = decided(
            "existing: update",
            "deployments.apps",
            &of(wanted),
            &of(live),
        );
        match patch {
            "equal" => assert_eq!(decided, "skip: exists, equal", "{wanted} {live}"),
            patch => assert!(
                decided.ends_with(&format!(r#" {{"spec":{patch}}}"#)),
                "{wanted} {live}: {decided}"
            ),
        }
    }
}

#[test]
fn an_update_unites_finalizers_and_takes_away_what_a_person_applied_after_the_backup() {
    let of = |finalizers: &str, applied: &str, data: &str| {
        format!(
            "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a, namespace: ns, finalizers: [{finalizers}], annotations: {{{applied}}}}}, data: {{{data}}}}}"
        )
    };
    let applied = |data: &str| {
        format!(r#"kubectl.kubernetes.io/last-applied-configuration: '{{"data":{{{data}}}}}'"#)
    };
    let wanted = of("a, b", "", "tea: '1'");
    let live = of("b, c", "", "tea: '1', milk: '2'");
    assert_eq!(
        decided("existing: update", "configmaps", &wanted, &live),
        r#"update: differs at /metadata/finalizers {"metadata":{"finalizers":["b","c","a"]}}"#
    );
    let (old, new) = (applied(r#""tea":"1""#), applied(r#""tea":"1","milk":"2""#));
    let wanted = of("", &old, "tea: '1'");
    // `milk` was applied, `salt` came from elsewhere.
    let live = of("", &new, "tea: '1', milk: '2', salt: '3'");
    let decided_now = decided("existing: update", "configmaps", &wanted, &live);
    assert!(
        decided_now.contains(r#""data":{"milk":null}"#),
        "{decided_now}"
    );
    assert!(decided_now.starts_with("update: differs at /data/milk, /metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"), "{decided_now}");
    // Where the backup's object was not applied, nobody knows.
    let decided_now = decided(
        "existing: update",
        "configmaps",
        &of("", "", "tea: '1'"),
        &live,
    );
    assert_eq!(decided_now, "skip: exists, equal");
}

#[test]
fn fields_that_only_the_clusters_controllers_own_stay_as_they_are() {
    let of = |replicas: u8, managers: &str| {
        format!(
            "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: a, namespace: ns, annotations: {{deployment.kubernetes.io/revision: '{replicas}'}}, managedFields: [{managers}]}}, spec: {{replicas: {replicas}, paused: true}}}}"
        )
    };
    let entry = |manager: &str, fields: &str| {
        format!("{{manager: {manager}, operation: Update, fieldsV1: {fields}}}")
    };
    let wanted = of(3, "");
    let scaled = entry(
        "kube-controller-manager",
        "{'f:spec': {'f:replicas': {}}, 'f:metadata': {'f:annotations': {'f:deployment.kubernetes.io/revision': {}}}}",
    );
    let person = entry("kubectl", "{'f:spec': {'f:replicas': {}, 'f:paused': {}}}");
    assert_eq!(
        decided(
            "existing: update",
            "deployments.apps",
            &wanted,
            &of(7, &scaled)
        ),
        "skip: exists, equal"
    );
    let both = format!("{scaled}, {person}");
    assert_eq!(
        decided(
            "existing: update",
            "deployments.apps",
            &wanted,
            &of(7, &both)
        ),
        r#"update: differs at /spec/replicas {"spec":{"replicas":3}}"#
    );
    let whole = entry("kube-controller-manager", "{'f:spec': {}}");
    assert_eq!(
        decided(
            "existing: update",
            "deployments.apps",
            &wanted,
            &of(7, &whole)
        ),
        r#"update: differs at /metadata/annotations/deployment.kubernetes.io~1revision {"metadata":{"annotations":{"deployment.kubernetes.io/revision":"3"}}}"#
    );

    // What is applied on the server leaves them out as well.
    let mut tree = Tree::parse(object("deployments.apps", &wanted).json()).unwrap();
    without_controllers(&mut tree, &object("deployments.apps", &of(7, &scaled)));
    assert_eq!(
        tree.to_string(),
        r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a","namespace":"ns","managedFields":[]},"spec":{"paused":true}}"#
    );
}
