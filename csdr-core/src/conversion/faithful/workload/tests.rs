use super::super::super::draft::Log;
use super::*;
use crate::conversion::faithful;

mod odd_types;

fn tree(json: &str) -> Tree {
    Tree::parse(json.as_bytes()).unwrap_or_else(|error| panic!("{error}: {json}"))
}

fn convert(kind: &str, from: &str, to: &str, metadata: &str, spec: &str) -> (Tree, Log) {
    let mut object = tree(&format!(
        r#"{{"apiVersion":"{from}","kind":"{kind}","metadata":{metadata},"spec":{spec}}}"#
    ));
    let mut log = Log::default();
    faithful::convert(&mut object, &to.parse().unwrap(), &mut log).unwrap();
    (object, log)
}

/// A template whose defaults are written already, and what a test looks at beside it.
fn converted(kind: &str, from: &str, to: &str, metadata: &str, spec: &str) -> (Tree, Tree, Log) {
    let (mut object, log) = convert(kind, from, to, metadata, spec);
    assert_eq!(object.text_at(&["apiVersion"]), Some(to));
    object.remove(&["spec", "template"]);
    let metadata = object.at(&["metadata"]).cloned().unwrap_or_default();
    let spec = object.at(&["spec"]).cloned().unwrap_or_default();
    (metadata, spec, log)
}

const LABELLED: &str = r#""template":{"metadata":{"labels":{"app":"x"}}}"#;

// Source: api-versions.md section 2.3; SetDefaults_Deployment of each version.
#[test]
fn a_deployment_gets_the_defaults_of_its_own_version() {
    let cases = [
        (
            "extensions/v1beta1",
            r#"{"replicas":1,"selector":{"matchLabels":{"app":"x"}},"revisionHistoryLimit":2147483647,"progressDeadlineSeconds":2147483647,"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":1,"maxSurge":1}}}"#,
        ),
        (
            "apps/v1beta1",
            r#"{"replicas":1,"selector":{"matchLabels":{"app":"x"}},"revisionHistoryLimit":2,"progressDeadlineSeconds":600,"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"25%","maxSurge":"25%"}}}"#,
        ),
        (
            "apps/v1beta2",
            r#"{"replicas":1,"revisionHistoryLimit":10,"progressDeadlineSeconds":600,"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"25%","maxSurge":"25%"}}}"#,
        ),
    ];
    for (from, expected) in cases {
        let spec = format!("{{{LABELLED}}}");
        let (_, spec, log) = converted("Deployment", from, "apps/v1", "{}", &spec);
        assert_eq!(spec, tree(expected), "{from}: {spec}");
        assert!(log.losses.is_empty());
    }
    // From apps/v1 down: its defaults, not those of the target.
    let (_, spec, _) = converted("Deployment", "apps/v1", "extensions/v1beta1", "{}", "{}");
    assert_eq!(spec.at(&["revisionHistoryLimit"]), Some(&Tree::from(10)));
    assert_eq!(
        spec.at(&["strategy", "rollingUpdate", "maxSurge"]),
        Some(&Tree::from("25%"))
    );
    assert_eq!(spec.at(&["selector"]), None);
}

#[test]
fn what_a_deployment_says_stays_as_it_is_written() {
    let said = r#"{"replicas":0,"selector":{},"revisionHistoryLimit":0,"progressDeadlineSeconds":1,"minReadySeconds":0,"paused":false,"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"10%","maxSurge":0}}}"#;
    for from in ["extensions/v1beta1", "apps/v1beta1", "apps/v1beta2"] {
        let (_, spec, _) = converted("Deployment", from, "apps/v1", "{}", said);
        assert_eq!(spec, tree(said));
    }
}

// Source: SetDefaults_Deployment of extensions/v1beta1 fills rollingUpdate for every type; elsewhere the conversion writes 0.
#[test]
fn recreate_with_rolling_update_is_what_the_server_makes_of_it() {
    let cases = [
        (
            "extensions/v1beta1",
            "{}",
            r#"{"maxUnavailable":1,"maxSurge":1}"#,
        ),
        (
            "extensions/v1beta1",
            r#"{"maxSurge":2}"#,
            r#"{"maxUnavailable":1,"maxSurge":2}"#,
        ),
        ("apps/v1beta1", "{}", r#"{"maxUnavailable":0,"maxSurge":0}"#),
        (
            "apps/v1beta2",
            r#"{"maxSurge":2}"#,
            r#"{"maxUnavailable":0,"maxSurge":2}"#,
        ),
    ];
    for (from, said, expected) in cases {
        let spec = format!(r#"{{"strategy":{{"type":"Recreate","rollingUpdate":{said}}}}}"#);
        let (_, spec, _) = converted("Deployment", from, "apps/v1", "{}", &spec);
        let update = spec.at(&["strategy", "rollingUpdate"]);
        assert_eq!(update, Some(&tree(expected)), "{from} {said}");
    }
    let recreate = r#"{"strategy":{"type":"Recreate"}}"#;
    let (_, spec, _) = converted(
        "Deployment",
        "extensions/v1beta1",
        "apps/v1",
        "{}",
        recreate,
    );
    assert_eq!(
        spec.at(&["strategy"]),
        Some(&tree(r#"{"type":"Recreate"}"#))
    );
}

// Source: api-versions.md sections 2.3 (first rows) and 2.10b (empty and absent differ).
#[test]
fn early_versions_take_selector_and_labels_from_the_template() {
    let families = [
        ("Deployment", "extensions/v1beta1"),
        ("Deployment", "apps/v1beta1"),
        ("DaemonSet", "extensions/v1beta1"),
        ("ReplicaSet", "extensions/v1beta1"),
        ("StatefulSet", "apps/v1beta1"),
    ];
    let selector = r#"{"matchLabels":{"app":"x"}}"#;
    let labels = r#"{"labels":{"app":"x"}}"#;
    for (kind, from) in families {
        let cases = [
            ("{}", r#"{"app":"x"}"#, "null", labels, selector),
            (r#"{"labels":{}}"#, r#"{"app":"x"}"#, "{}", labels, "{}"),
            (
                r#"{"labels":{"a":"b"}}"#,
                r#"{"app":"x"}"#,
                selector,
                r#"{"labels":{"a":"b"}}"#,
                selector,
            ),
            ("{}", "{}", "null", "{}", "{}"),
            ("{}", "null", "null", "{}", "null"),
            (
                "{}",
                r#"{"app":null}"#,
                "null",
                r#"{"labels":{"app":""}}"#,
                r#"{"matchLabels":{"app":""}}"#,
            ),
            ("{}", "7", "null", "{}", "null"),
        ];
        for (metadata, template, said, expected_metadata, expected) in cases {
            let spec = format!(
                r#"{{"selector":{said},"template":{{"metadata":{{"labels":{template}}}}}}}"#
            );
            let (mut metadata, spec, _) = converted(kind, from, "apps/v1", metadata, &spec);
            metadata.remove(&["annotations"]);
            assert_eq!(metadata, tree(expected_metadata), "{kind} {template}");
            let selector = spec.at(&["selector"]).cloned().unwrap_or_default();
            assert_eq!(selector, tree(expected), "{kind} {template}");
        }
    }
    for kind in ["Deployment", "DaemonSet", "ReplicaSet", "StatefulSet"] {
        let spec = format!("{{{LABELLED}}}");
        let (metadata, spec, _) = converted(kind, "apps/v1beta2", "apps/v1", "{}", &spec);
        assert_eq!(metadata.at(&["labels"]), None, "{kind}");
        assert_eq!(spec.at(&["selector"]), None, "{kind}");
    }
}

// Source: Convert_apps_Deployment_To_v1_Deployment and back.
#[test]
fn rollback_to_is_an_annotation_in_later_versions() {
    let named = |value: &str| {
        format!(r#"{{"annotations":{{"deprecated.deployment.rollback.to":{value}}}}}"#)
    };
    let up = [
        (r#"{"revision":3}"#, "{}", named(r#""3""#)),
        ("{}", "{}", named(r#""0""#)),
        (
            r#"{"revision":0}"#,
            r#"{"annotations":{}}"#,
            named(r#""0""#),
        ),
        ("null", &named(r#""9""#), "{}".to_owned()),
        ("null", "{}", "{}".to_owned()),
        (r#""odd""#, "{}", "{}".to_owned()),
        (r#"{"revision":"3"}"#, "{}", "{}".to_owned()),
    ];
    for from in ["extensions/v1beta1", "apps/v1beta1"] {
        for (rollback, metadata, expected) in &up {
            let spec = format!(r#"{{"rollbackTo":{rollback}}}"#);
            let (metadata, spec, log) = converted("Deployment", from, "apps/v1", metadata, &spec);
            assert_eq!(metadata, tree(expected), "{rollback}");
            let told = log
                .losses
                .iter()
                .filter(|loss| loss.kind == crate::conversion::LossKind::Meaning);
            let moved = metadata.at(&["annotations"]).is_some();
            assert_eq!(told.count(), usize::from(moved), "{rollback}");
            assert_eq!(
                spec.at(&["rollbackTo"]).is_some_and(|at| !at.is_null()),
                rollback.contains('"') && !moved
            );
        }
    }
    let down = [
        (named(r#""3""#), "{}", r#"{"revision":3}"#),
        (named(r#""0""#), "{}", "{}"),
        (named(r#""""#), &named(r#""""#), "null"),
        (named(r#""x""#), &named(r#""x""#), "null"),
        ("{}".to_owned(), "{}", "null"),
    ];
    for (metadata, expected, rollback) in &down {
        let (metadata, spec, _) = converted(
            "Deployment",
            "apps/v1",
            "extensions/v1beta1",
            metadata,
            "{}",
        );
        assert_eq!(metadata, tree(expected));
        let said = spec.at(&["rollbackTo"]).cloned().unwrap_or_default();
        assert_eq!(said, tree(rollback));
    }
    let foreign = r#"{"rollbackTo":{"revision":9}}"#;
    let (_, spec, log) = converted("Deployment", "apps/v1", "apps/v1beta1", "{}", foreign);
    assert_eq!((spec.at(&["rollbackTo"]), log.losses.len()), (None, 1));
    let through = [
        (r#""03""#, named(r#""3""#)),
        (r#""""#, "{}".to_owned()),
        (r#""x""#, named(r#""x""#)),
    ];
    for (said, expected) in through {
        let (metadata, _, _) =
            converted("Deployment", "apps/v1beta2", "apps/v1", &named(said), "{}");
        assert_eq!(metadata, tree(&expected), "{said}");
    }
}

// Source: api-versions.md section 2.3; SetDefaults_DaemonSet of each version.
#[test]
fn a_daemon_set_of_extensions_updates_on_delete() {
    let rolling = r#"{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":1,"maxSurge":0}}"#;
    let cases = [
        ("extensions/v1beta1", "null", r#"{"type":"OnDelete"}"#),
        (
            "extensions/v1beta1",
            r#"{"type":""}"#,
            r#"{"type":"OnDelete"}"#,
        ),
        ("extensions/v1beta1", r#"{"type":"RollingUpdate"}"#, rolling),
        ("apps/v1beta2", "null", rolling),
        (
            "apps/v1beta2",
            r#"{"type":"OnDelete"}"#,
            r#"{"type":"OnDelete"}"#,
        ),
        (
            "apps/v1beta2",
            r#"{"type":"OnDelete","rollingUpdate":{}}"#,
            r#"{"type":"OnDelete","rollingUpdate":{"maxUnavailable":0,"maxSurge":0}}"#,
        ),
        (
            "extensions/v1beta1",
            r#"{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"50%"}}"#,
            r#"{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"50%","maxSurge":0}}"#,
        ),
    ];
    for (from, said, expected) in cases {
        let spec = format!(r#"{{"updateStrategy":{said}}}"#);
        let (_, spec, _) = converted("DaemonSet", from, "apps/v1", "{}", &spec);
        assert_eq!(
            spec.at(&["updateStrategy"]),
            Some(&tree(expected)),
            "{from} {said}"
        );
        assert_eq!(spec.at(&["revisionHistoryLimit"]), Some(&Tree::from(10)));
    }
}

// Source: Convert_apps_DaemonSet_To_v1_DaemonSet and back.
#[test]
fn template_generation_is_an_annotation_in_later_versions() {
    let named = |value: &str| {
        format!(r#"{{"annotations":{{"deprecated.daemonset.template.generation":"{value}"}}}}"#)
    };
    let ext = "extensions/v1beta1";
    let cases = [
        (ext, "apps/v1", "{}".to_owned(), "7", named("7"), "null"),
        (ext, "apps/v1", "{}".to_owned(), "null", named("0"), "null"),
        (ext, "apps/v1", named("4"), "null", named("0"), "null"),
        (
            ext,
            "apps/v1",
            "{}".to_owned(),
            r#""x""#,
            named("0"),
            r#""x""#,
        ),
        (
            "apps/v1beta2",
            "apps/v1",
            "{}".to_owned(),
            "null",
            named("0"),
            "null",
        ),
        (
            "apps/v1beta2",
            "apps/v1",
            named("4"),
            "null",
            named("4"),
            "null",
        ),
        (
            "apps/v1beta2",
            "apps/v1",
            named("x"),
            "null",
            named("x"),
            "null",
        ),
        ("apps/v1", ext, named("4"), "null", "{}".to_owned(), "4"),
        ("apps/v1", ext, named("0"), "null", "{}".to_owned(), "null"),
        ("apps/v1", ext, named("x"), "null", named("x"), "null"),
        (
            "apps/v1",
            ext,
            "{}".to_owned(),
            "null",
            "{}".to_owned(),
            "null",
        ),
    ];
    for (from, to, metadata, generation, expected, field) in cases {
        let spec = format!(r#"{{"templateGeneration":{generation}}}"#);
        let (metadata, spec, log) = converted("DaemonSet", from, to, &metadata, &spec);
        assert_eq!(metadata, tree(&expected), "{from} {generation}");
        let said = spec
            .at(&["templateGeneration"])
            .cloned()
            .unwrap_or_default();
        assert_eq!(said, tree(field), "{from} {generation}");
        assert_eq!(log.losses.len(), usize::from(generation == "9"));
    }
}

// Source: api-versions.md section 2.3; SetDefaults_StatefulSet of each version.
#[test]
fn a_stateful_set_of_v1beta1_updates_on_delete() {
    let rolling = r#"{"type":"RollingUpdate","rollingUpdate":{"partition":0}}"#;
    let cases = [
        ("apps/v1beta1", "null", r#"{"type":"OnDelete"}"#),
        (
            "apps/v1beta1",
            r#"{"type":"RollingUpdate"}"#,
            r#"{"type":"RollingUpdate"}"#,
        ),
        (
            "apps/v1beta1",
            r#"{"type":"RollingUpdate","rollingUpdate":{}}"#,
            rolling,
        ),
        (
            "apps/v1beta1",
            r#"{"rollingUpdate":{}}"#,
            r#"{"type":"OnDelete","rollingUpdate":{"partition":0}}"#,
        ),
        ("apps/v1beta2", "null", rolling),
        (
            "apps/v1beta2",
            r#"{"type":"RollingUpdate"}"#,
            r#"{"type":"RollingUpdate"}"#,
        ),
        (
            "apps/v1beta2",
            r#"{"type":"OnDelete"}"#,
            r#"{"type":"OnDelete"}"#,
        ),
        ("apps/v1beta2", r#"{"type":7}"#, r#"{"type":7}"#),
    ];
    for (from, said, expected) in cases {
        let spec = format!(r#"{{"updateStrategy":{said}}}"#);
        let (_, mut spec, _) = converted("StatefulSet", from, "apps/v1", "{}", &spec);
        let strategy = spec.remove(&["updateStrategy"]);
        assert_eq!(strategy, Some(tree(expected)), "{from} {said}");
        let rest = r#"{"replicas":1,"revisionHistoryLimit":10,"serviceName":"","podManagementPolicy":"OrderedReady","persistentVolumeClaimRetentionPolicy":{"whenDeleted":"Retain","whenScaled":"Retain"}}"#;
        assert_eq!(spec, tree(rest));
    }
}

// Source: SetDefaults_PersistentVolumeClaim, and the StatefulSetSpec conversions, which write apiVersion and kind.
#[test]
fn claim_templates_get_the_defaults_of_claims() {
    let spec = r#"{"volumeClaimTemplates":[
        {"apiVersion":"v0","spec":{"resources":{"requests":{"storage":"1Gi"},"limits":{"storage":"1.5m"}}},"status":{"capacity":{"storage":"1u"}}},
        {"spec":{"volumeMode":"Block"},"status":{"phase":"Bound"}},
        "odd"]}"#;
    let expected = r#"[
        {"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{},"spec":{"volumeMode":"Filesystem","resources":{"requests":{"storage":"1Gi"},"limits":{"storage":"2m"}}},"status":{"capacity":{"storage":"1m"},"phase":"Pending"}},
        {"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{},"spec":{"volumeMode":"Block"},"status":{"phase":"Bound"}},
        "odd"]"#;
    for (from, to) in [("apps/v1beta1", "apps/v1"), ("apps/v1", "apps/v1beta2")] {
        let (_, spec, _) = converted("StatefulSet", from, to, "{}", spec);
        assert_eq!(spec.at(&["volumeClaimTemplates"]), Some(&tree(expected)));
    }
}

#[test]
fn a_replica_set_gets_replicas_and_a_controller_revision_its_number() {
    let (_, spec, _) = converted("ReplicaSet", "apps/v1beta2", "apps/v1", "{}", "null");
    assert_eq!(spec, tree(r#"{"replicas":1}"#));
    let (object, _) = convert("ControllerRevision", "apps/v1beta1", "apps/v1", "{}", "{}");
    assert_eq!(object.at(&["revision"]), Some(&Tree::from(0)));
}

#[test]
fn up_down_and_up_again_is_stable() {
    let spec = r#"{"rollbackTo":{"revision":3},"templateGeneration":5,"template":{"metadata":{"labels":{"app":"x"},"annotations":{"pod.beta.kubernetes.io/init-containers":"[]"}},"spec":{"serviceAccount":"s","containers":[{"image":"i"}],"volumes":[{"name":"v"}]}}}"#;
    for (kind, from) in [
        ("Deployment", "extensions/v1beta1"),
        ("Deployment", "apps/v1beta1"),
        ("Deployment", "apps/v1beta2"),
        ("DaemonSet", "extensions/v1beta1"),
        ("DaemonSet", "apps/v1beta2"),
        ("ReplicaSet", "extensions/v1beta1"),
        ("StatefulSet", "apps/v1beta1"),
    ] {
        let (up, _) = convert(kind, from, "apps/v1", "{}", spec);
        let mut again = up.clone();
        for to in [from, "apps/v1"] {
            faithful::convert(&mut again, &to.parse().unwrap(), &mut Log::default()).unwrap();
        }
        assert_eq!(again, up, "{kind} {from}\n{up}\n{again}");
    }
}
