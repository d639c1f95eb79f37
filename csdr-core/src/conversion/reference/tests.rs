//! Source of every expectation: api-versions.md section 5, and the API's own documentation of the fields.

use super::*;
use crate::{
    conversion::{
        draft::Log,
        outcome::{Severity, Stage},
    },
    model::{Tree, builtin},
};

pub(super) fn newest() -> TargetApis {
    TargetApis::from_discovery(builtin::discovery())
}

pub(super) fn run(json: &str, target: &TargetApis, options: &ReferenceOptions) -> (Tree, Log) {
    let mut tree = Tree::parse(json.as_bytes()).unwrap();
    let mut log = Log {
        stage: Stage::References,
        ..Log::default()
    };
    rewrite(&mut Node::root(&mut tree, &mut log), target, options);
    (tree, log)
}

/// `at` is the place of what is compared; `{}` of a place where nothing stands.
#[track_caller]
fn check(json: &str, at: &[&str], expected: &str, changes: usize, losses: usize) {
    let (tree, log) = run(json, &newest(), &ReferenceOptions::default());
    let found = tree.at(at).map(ToString::to_string).unwrap_or_default();
    assert_eq!(found, expected, "{json}");
    assert_eq!(
        (log.changes.len(), log.losses.len()),
        (changes, losses),
        "{json}: {:?} {:?}",
        log.changes
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        log.losses
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
    );
    let head = Tree::parse(json.as_bytes()).unwrap();
    let api_version = head.text_at(&["apiVersion"]).unwrap();
    let (group, _) = served::split(api_version);
    let kind = head.text_at(&["kind"]).unwrap();
    if changes + losses > 0 {
        assert!(
            concerns(group, kind, json.as_bytes(), &newest()),
            "passed by although it needs something: {json}"
        );
    } else {
        assert_eq!(tree.to_string(), head.to_string());
    }
}

#[test]
fn references_follow_their_kind() {
    let scaled = |reference: &str| {
        format!(
            r#"{{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","spec":{{"scaleTargetRef":{reference}}}}}"#
        )
    };
    for (old, new, changes, losses) in [
        (
            r#"{"apiVersion":"extensions/v1beta1","kind":"Deployment","name":"a"}"#,
            r#"{"apiVersion":"apps/v1","kind":"Deployment","name":"a"}"#,
            1,
            0,
        ),
        (
            r#"{"apiVersion":"apps/v1beta2","kind":"StatefulSet","name":"a"}"#,
            r#"{"apiVersion":"apps/v1","kind":"StatefulSet","name":"a"}"#,
            1,
            0,
        ),
        (
            r#"{"kind":"Deployment","name":"a"}"#,
            r#"{"kind":"Deployment","name":"a","apiVersion":"apps/v1"}"#,
            1,
            0,
        ),
        (
            r#"{"apiVersion":"v1","kind":"Deployment","name":"a"}"#,
            r#"{"apiVersion":"apps/v1","kind":"Deployment","name":"a"}"#,
            1,
            0,
        ),
        (
            r#"{"apiVersion":"v1","kind":"ReplicationController","name":"a"}"#,
            r#"{"apiVersion":"v1","kind":"ReplicationController","name":"a"}"#,
            0,
            0,
        ),
        (
            r#"{"kind":"ReplicationController","name":"a"}"#,
            r#"{"kind":"ReplicationController","name":"a"}"#,
            0,
            0,
        ),
        (
            r#"{"apiVersion":"apps/v1","kind":"Deployment","name":"a"}"#,
            r#"{"apiVersion":"apps/v1","kind":"Deployment","name":"a"}"#,
            0,
            0,
        ),
        (
            r#"{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","name":"a"}"#,
            r#"{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","name":"a"}"#,
            0,
            0,
        ),
        (
            r#"{"apiVersion":"extensions/v1beta1","kind":"PodSecurityPolicy","name":"a"}"#,
            r#"{"apiVersion":"extensions/v1beta1","kind":"PodSecurityPolicy","name":"a"}"#,
            0,
            1,
        ),
        (
            r#"{"apiVersion":7,"kind":"Deployment","name":"a"}"#,
            r#"{"apiVersion":"apps/v1","kind":"Deployment","name":"a"}"#,
            1,
            0,
        ),
        ("[]", "[]", 0, 0),
        ("null", "null", 0, 0),
    ] {
        check(
            &scaled(old),
            &["spec", "scaleTargetRef"],
            new,
            changes,
            losses,
        );
    }
    check(
        r#"{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","spec":{"metrics":[{"type":"Object","object":{"describedObject":{"apiVersion":"extensions/v1beta1","kind":"Ingress","name":"a"},"target":{"type":"Value","value":"1"}}},null,3]}}"#,
        &["spec", "metrics"],
        r#"[{"type":"Object","object":{"describedObject":{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","name":"a"},"target":{"type":"Value","value":"1"}}},null,3]"#,
        1,
        0,
    );
    check(
        r#"{"apiVersion":"autoscaling/v1","kind":"HorizontalPodAutoscaler","metadata":{"annotations":{"autoscaling.alpha.kubernetes.io/metrics":"[{\"type\":\"Object\",\"object\":{\"target\":{\"kind\":\"Ingress\",\"name\":\"a\",\"apiVersion\":\"extensions/v1beta1\"},\"targetValue\":\"1.50\"}}]"}}}"#,
        &[
            "metadata",
            "annotations",
            "autoscaling.alpha.kubernetes.io/metrics",
        ],
        r#""[{\"type\":\"Object\",\"object\":{\"target\":{\"kind\":\"Ingress\",\"name\":\"a\",\"apiVersion\":\"networking.k8s.io/v1\"},\"targetValue\":\"1.50\"}}]""#,
        1,
        0,
    );
    for (api_version, kind, path) in [
        (
            "autoscaling.k8s.io/v1",
            "VerticalPodAutoscaler",
            "targetRef",
        ),
        ("keda.sh/v1alpha1", "ScaledObject", "scaleTargetRef"),
        ("argoproj.io/v1alpha1", "Rollout", "workloadRef"),
        ("flagger.app/v1beta1", "Canary", "targetRef"),
        (
            "autoscaling.alibabacloud.com/v1beta1",
            "CronHorizontalPodAutoscaler",
            "scaleTargetRef",
        ),
    ] {
        check(
            &format!(
                r#"{{"apiVersion":"{api_version}","kind":"{kind}","spec":{{"{path}":{{"apiVersion": "extensions/v1beta1","kind":"Deployment","name":"a"}}}}}}"#
            ),
            &["spec", path, "apiVersion"],
            r#""apps/v1""#,
            1,
            0,
        );
    }
}

#[test]
fn owners_are_named_in_served_versions() {
    let owned = |api_version: &str, kind: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"ownerReferences":[{{"apiVersion":"{api_version}","kind":"{kind}","name":"a","uid":"u"}}]}}}}"#
        )
    };
    for (old, kind, new) in [
        ("extensions/v1beta1", "ReplicaSet", "apps/v1"),
        ("apps/v1beta1", "StatefulSet", "apps/v1"),
        ("batch/v1beta1", "CronJob", "batch/v1"),
        ("batch/v1", "Job", "batch/v1"),
        ("batch/v1", "CronJob", "batch/v1"),
        ("example.org/v1alpha1", "Thing", "example.org/v1alpha1"),
        ("not a version", "Thing", "not a version"),
    ] {
        let json = owned(old, kind);
        let changes = usize::from(old != new);
        check(
            &json,
            &["metadata", "ownerReferences"],
            &format!(r#"[{{"apiVersion":"{new}","kind":"{kind}","name":"a","uid":"u"}}]"#),
            changes,
            0,
        );
    }
}

#[test]
fn custom_owners_follow_the_versions_that_the_target_serves() {
    let mut discovery = builtin::discovery();
    let mut row = discovery.resources[0].clone();
    row.resource = "things.example.org".parse().unwrap();
    row.kind = "Thing".to_owned();
    row.versions[0].version = "v2".to_owned();
    discovery.resources.push(row);
    let target = TargetApis::from_discovery(discovery);
    let json = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"ownerReferences":[{"apiVersion":"example.org/v1","kind":"Thing","name":"a","uid":"u"}]}}"#;
    assert!(concerns("", "Pod", json.as_bytes(), &target));
    let (tree, _) = run(json, &target, &ReferenceOptions::default());
    assert!(
        tree.to_string()
            .contains(r#""apiVersion":"example.org/v2""#)
    );
}

#[test]
fn what_needs_nothing_is_passed_by() {
    for (group, kind, json) in [
        (
            "",
            "Pod",
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet"}]}}"#,
        ),
        (
            "",
            "Pod",
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"managedFields":[{"manager":"m","operation":"Update","apiVersion":"extensions/v1beta1","time":"2020-01-01T00:00:00Z","fieldsType":"FieldsV1"},{"apiVersion":"extensions/v1beta1","fieldsType":"FieldsV1"}]}}"#,
        ),
        (
            "apps",
            "Deployment",
            r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"apiVersion\":\"apps/v1\"}"}}}"#,
        ),
        (
            "networking.k8s.io",
            "Ingress",
            r#"{"apiVersion":"networking.k8s.io/v1","kind":"Ingress"}"#,
        ),
        (
            "",
            "ConfigMap",
            r#"{"apiVersion":"v1","kind":"ConfigMap","data":{"a":"apiVersion: extensions/v1beta1\n"}}"#,
        ),
        (
            "",
            "Secret",
            r#"{"apiVersion":"v1","kind":"Secret","type":"Opaque"}"#,
        ),
        (
            "example.org",
            "Thing",
            r#"{"apiVersion":"example.org/v1alpha1","kind":"Thing"}"#,
        ),
        (
            "",
            "ResourceQuota",
            r#"{"apiVersion":"v1","kind":"ResourceQuota","spec":{"hard":{"count/jobs.batch":"1"}}}"#,
        ),
        (
            "rbac.authorization.k8s.io",
            "Role",
            r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","rules":[{"apiGroups":["apps"]}]}"#,
        ),
    ] {
        assert!(!concerns(group, kind, json.as_bytes(), &newest()), "{json}");
    }
}

#[test]
fn rules_of_groups_get_the_groups_that_resources_moved_to() {
    let role = |rules: &str| {
        format!(
            r#"{{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","rules":[{rules}]}}"#
        )
    };
    let groups = |json: &str| {
        let (tree, log) = run(json, &newest(), &ReferenceOptions::default());
        let rules = tree.at(&["rules"]).and_then(Tree::as_array).unwrap();
        let words = rules
            .iter()
            .map(|rule| rules::texts(rule, "apiGroups").join(","));
        (words.collect::<Vec<_>>().join(" "), log.losses.len())
    };
    for (rules, expected) in [
        (
            r#"{"apiGroups":["extensions"],"resources":["deployments","deployments/scale"],"verbs":["get"]}"#,
            "extensions,apps",
        ),
        (
            r#"{"apiGroups":["extensions"],"resources":["ingresses/status"],"verbs":["get"]}"#,
            "extensions,networking.k8s.io",
        ),
        (
            r#"{"apiGroups":["","extensions"],"resources":["pods","replicasets","networkpolicies"],"resourceNames":["a"],"verbs":["get"]}"#,
            ",extensions,apps,networking.k8s.io",
        ),
        (
            r#"{"apiGroups":["extensions"],"resources":["*"],"verbs":["*"]}"#,
            "extensions,apps,networking.k8s.io",
        ),
        (
            r#"{"apiGroups":["extensions","apps"],"resources":["deployments"],"verbs":["get"]}"#,
            "extensions,apps",
        ),
        (
            r#"{"apiGroups":["extensions","*"],"resources":["deployments"],"verbs":["get"]}"#,
            "extensions,*",
        ),
        (
            r#"{"apiGroups":["batch"],"resources":["deployments"],"verbs":["get"]}"#,
            "batch",
        ),
        (
            r#"{"apiGroups":["extensions"],"resources":["jobs"],"verbs":["get"]}"#,
            "extensions",
        ),
        (r#"{"apiGroups":"extensions","resources":["jobs"]}"#, ""),
        // What another rule grants as well is not granted twice; what it grants in part is.
        (
            r#"{"apiGroups":["extensions"],"resources":["ingresses"],"verbs":["get"]},{"apiGroups":["networking.k8s.io"],"resources":["ingresses"],"verbs":["get","list"]}"#,
            "extensions networking.k8s.io",
        ),
        (
            r#"{"apiGroups":["extensions"],"resources":["ingresses"],"verbs":["get","watch"]},{"apiGroups":["networking.k8s.io"],"resources":["ingresses"],"verbs":["get"]}"#,
            "extensions,networking.k8s.io networking.k8s.io",
        ),
        (
            r#"{"apiGroups":["extensions"],"resources":["ingresses"],"verbs":["get"]},{"apiGroups":["networking.k8s.io"],"resources":["ingresses"],"resourceNames":["x"],"verbs":["get"]}"#,
            "extensions,networking.k8s.io networking.k8s.io",
        ),
    ] {
        assert_eq!(groups(&role(rules)), (expected.to_owned(), 0), "{rules}");
    }
    for group in ["extensions", "policy"] {
        let rules = format!(
            r#"{{"apiGroups":["{group}"],"resources":["podsecuritypolicies"],"verbs":["use"]}}"#
        );
        assert_eq!(
            groups(&role(&rules)),
            (group.to_owned(), 1),
            "noted, not changed"
        );
        assert!(concerns(
            "rbac.authorization.k8s.io",
            "ClusterRole",
            role(&rules).as_bytes(),
            &newest()
        ));
    }
    let (tree, log) = run(
        r#"{"apiVersion":"flowcontrol.apiserver.k8s.io/v1","kind":"FlowSchema","spec":{"rules":[{"subjects":[],"resourceRules":[{"verbs":["*"],"apiGroups":["extensions"],"resources":["ingresses"],"namespaces":["*"]}]}]}}"#,
        &newest(),
        &ReferenceOptions::default(),
    );
    assert!(
        tree.to_string()
            .contains(r#""apiGroups":["extensions","networking.k8s.io"]"#)
    );
    assert_eq!(
        log.changes[0].path,
        "/spec/rules/0/resourceRules/0/apiGroups"
    );
    let aggregated = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","aggregationRule":{},"rules":[{"apiGroups":["extensions"],"resources":["ingresses"]}]}"#;
    assert!(
        run(aggregated, &newest(), &ReferenceOptions::default())
            .1
            .changes
            .is_empty()
    );
}

#[test]
fn rules_of_versions_get_a_rule_for_the_successor() {
    let hook = |rules: &str| {
        format!(
            r#"{{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingWebhookConfiguration","webhooks":[{{"name":"a","rules":[{rules}]}}]}}"#
        )
    };
    let said = |json: &str| {
        let (tree, log) = run(json, &newest(), &ReferenceOptions::default());
        let hooks = tree.at(&["webhooks"]).and_then(Tree::as_array).unwrap();
        let rules = hooks[0].at(&["rules"]).and_then(Tree::as_array).unwrap();
        let words = rules.iter().map(|rule| {
            ["apiGroups", "apiVersions", "resources"]
                .map(|key| rules::texts(rule, key).join(","))
                .join("/")
        });
        assert!(
            log.changes
                .iter()
                .all(|change| change.severity == Severity::Warning)
        );
        (words.collect::<Vec<_>>().join(" "), log.losses.len())
    };
    for (rule, expected, losses) in [
        (
            r#"{"apiGroups":["extensions"],"apiVersions":["v1beta1"],"resources":["deployments","ingresses"],"operations":["CREATE"]}"#,
            "extensions/v1beta1/deployments,ingresses apps/v1/deployments networking.k8s.io/v1/ingresses",
            0,
        ),
        (
            r#"{"apiGroups":["policy"],"apiVersions":["v1beta1"],"resources":["poddisruptionbudgets"],"operations":["*"]}"#,
            "policy/v1beta1/poddisruptionbudgets policy/v1/poddisruptionbudgets",
            0,
        ),
        (
            r#"{"apiGroups":["policy"],"apiVersions":["v1","v1beta1"],"resources":["poddisruptionbudgets"]}"#,
            "policy/v1,v1beta1/poddisruptionbudgets",
            0,
        ),
        (
            r#"{"apiGroups":["extensions","apps"],"apiVersions":["v1","v1beta1","v1beta2"],"resources":["deployments"]}"#,
            "extensions,apps/v1,v1beta1,v1beta2/deployments",
            0,
        ),
        (
            r#"{"apiGroups":["*"],"apiVersions":["*"],"resources":["*/*"]}"#,
            "*/*/*/*",
            0,
        ),
        (
            r#"{"apiGroups":["extensions"],"apiVersions":["*"],"resources":["deployments/scale"]}"#,
            "extensions/*/deployments/scale apps/*/deployments/scale",
            0,
        ),
        (
            r#"{"apiGroups":["extensions"],"apiVersions":["v1beta1"],"resources":["*"]}"#,
            "extensions/v1beta1/* apps/v1/deployments,daemonsets,replicasets networking.k8s.io/v1/ingresses,networkpolicies",
            0,
        ),
        (
            r#"{"apiGroups":["batch"],"apiVersions":["v1beta1"],"resources":["*"]}"#,
            "batch/v1beta1/* batch/v1/*",
            0,
        ),
        (
            r#"{"apiGroups":["extensions"],"apiVersions":["v1beta1"],"resources":["podsecuritypolicies"]}"#,
            "extensions/v1beta1/podsecuritypolicies",
            1,
        ),
        (
            r#"{"apiGroups":["example.org"],"apiVersions":["v1alpha1"],"resources":["things"]}"#,
            "example.org/v1alpha1/things",
            0,
        ),
        (
            r#"{"apiGroups":[""],"apiVersions":["v1"],"resources":["pods","pods/exec"]}"#,
            "/v1/pods,pods/exec",
            0,
        ),
        (r#"7"#, "//", 0),
    ] {
        assert_eq!(said(&hook(rule)), (expected.to_owned(), losses), "{rule}");
    }
    check(
        r#"{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicy","spec":{"matchConstraints":{"resourceRules":[{"apiGroups":["batch"],"apiVersions":["v1beta1"],"operations":["CREATE"],"resources":["cronjobs"]}]}}}"#,
        &["spec", "matchConstraints", "resourceRules"],
        r#"[{"apiGroups":["batch"],"apiVersions":["v1beta1"],"operations":["CREATE"],"resources":["cronjobs"]},{"apiGroups":["batch"],"apiVersions":["v1"],"operations":["CREATE"],"resources":["cronjobs"]}]"#,
        1,
        0,
    );
    check(
        r#"{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicyBinding","spec":{"matchResources":{"excludeResourceRules":[{"apiGroups":["batch"],"apiVersions":["v1beta1"],"resources":["cronjobs"]}]}}}"#,
        &["spec", "matchResources", "excludeResourceRules"],
        r#"[{"apiGroups":["batch"],"apiVersions":["v1beta1"],"resources":["cronjobs"]},{"apiGroups":["batch"],"apiVersions":["v1"],"resources":["cronjobs"]}]"#,
        1,
        0,
    );
}

#[test]
fn quotas_and_api_services() {
    let quota = |hard: &str| {
        format!(r#"{{"apiVersion":"v1","kind":"ResourceQuota","spec":{{"hard":{hard}}}}}"#)
    };
    for (old, new, changes, losses) in [
        (
            r#"{"count/deployments.extensions":"010","count/ingresses.extensions":5}"#,
            r#"{"count/deployments.apps":"010","count/ingresses.networking.k8s.io":5}"#,
            2,
            0,
        ),
        (
            r#"{"count/deployments.extensions":"1","count/deployments.apps":"2"}"#,
            r#"{"count/deployments.extensions":"1","count/deployments.apps":"2"}"#,
            0,
            1,
        ),
        (
            r#"{"count/jobs.batch":"1","pods":"2"}"#,
            r#"{"count/jobs.batch":"1","pods":"2"}"#,
            0,
            0,
        ),
    ] {
        check(&quota(old), &["spec", "hard"], new, changes, losses);
    }
    let service = |spec: &str| {
        format!(r#"{{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","spec":{spec}}}"#)
    };
    for (spec, losses) in [
        (
            r#"{"group":"extensions","version":"v1beta1","versionPriority":1}"#,
            1,
        ),
        (r#"{"group":"apps","version":"v1"}"#, 0),
        (
            r#"{"group":"metrics.k8s.io","version":"v1beta1","service":{"name":"m"}}"#,
            0,
        ),
        (r#"{"group":"example.org","version":"v1beta1"}"#, 0),
    ] {
        check(&service(spec), &["spec"], spec, 0, losses);
    }
}

#[test]
fn what_kubectl_applied_follows_without_defaults() {
    let annotated = |text: &str| {
        let text = Tree::from(text).to_string();
        format!(
            r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"annotations":{{"kubectl.kubernetes.io/last-applied-configuration":{text}}}}}}}"#
        )
    };
    let text = |options: &ReferenceOptions, text: &str| {
        let json = annotated(text);
        let (tree, log) = run(&json, &newest(), options);
        let place = [
            "metadata",
            "annotations",
            "kubectl.kubernetes.io/last-applied-configuration",
        ];
        (tree.text_at(&place).map(str::to_owned), log.changes.len())
    };
    let with = |last_applied| ReferenceOptions {
        last_applied,
        ..ReferenceOptions::default()
    };
    let old = "{\"apiVersion\":\"extensions/v1beta1\",\"kind\":\"Deployment\",\"spec\":{\"big\":1e3,\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}}}}}\n";
    let (new, changes) = text(&with(LastApplied::Convert), old);
    assert_eq!(changes, 1);
    let new = new.unwrap();
    let parsed = Tree::parse(new.trim_end().as_bytes()).unwrap();
    assert!(new.ends_with('\n'));
    assert_eq!(parsed.text_at(&["apiVersion"]), Some("apps/v1"));
    assert_eq!(parsed.at(&["spec", "big"]).unwrap().to_string(), "1e3");
    assert!(
        parsed.at(&["spec", "replicas"]).is_none(),
        "a default would scale the workload: {new}"
    );
    assert_eq!(
        parsed.at(&["spec", "selector"]).unwrap().to_string(),
        r#"{"matchLabels":{"a":"b"}}"#
    );
    assert_eq!(
        text(&with(LastApplied::Keep), old),
        (Some(old.to_owned()), 0)
    );
    assert_eq!(text(&with(LastApplied::Drop), old), (None, 1));
    for same in [
        r#"{"apiVersion":"apps/v1","kind":"Deployment"}"#,
        r#"{"apiVersion":"example.org/v1","kind":"Thing"}"#,
        "not json",
        "[1]",
    ] {
        for last_applied in [LastApplied::Convert, LastApplied::Drop] {
            assert_eq!(text(&with(last_applied), same), (Some(same.to_owned()), 0));
        }
    }
}

#[test]
fn custom_resources_are_reported_and_rewritten_when_asked() {
    let json = r#"{"apiVersion":"example.org/v1","kind":"Thing","metadata":{},"spec":{"refs":[{"apiVersion":"extensions/v1beta1","kind":"Ingress","name":"a"}],"object":{"apiVersion":"batch/v1beta1","kind":"CronJob","metadata":{"name":"x"}}}}"#;
    let (tree, log) = run(json, &newest(), &ReferenceOptions::default());
    assert_eq!(tree.to_string(), json);
    let places: Vec<&str> = log.losses.iter().map(|loss| loss.path.as_str()).collect();
    assert_eq!(
        places,
        ["/spec/refs/0/apiVersion", "/spec/object/apiVersion"]
    );
    assert!(concerns("example.org", "Thing", json.as_bytes(), &newest()));
    let options = ReferenceOptions {
        custom: true,
        ..ReferenceOptions::default()
    };
    let (tree, log) = run(json, &newest(), &options);
    assert_eq!((log.changes.len(), log.losses.len()), (1, 1));
    assert!(
        tree.to_string()
            .contains(r#"{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","name":"a"}"#)
    );
    let revision = r#"{"apiVersion":"apps/v1","kind":"ControllerRevision","data":{"apiVersion":"extensions/v1beta1","kind":"DaemonSet","spec":{}}}"#;
    check(
        revision,
        &["data", "apiVersion"],
        r#""extensions/v1beta1""#,
        0,
        1,
    );
}

#[test]
fn odd_types_are_left_alone() {
    for kind in [
        ("v1", "ResourceQuota"),
        ("v1", "Secret"),
        ("v1", "ConfigMap"),
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ("rbac.authorization.k8s.io/v1", "Role"),
        (
            "admissionregistration.k8s.io/v1",
            "MutatingWebhookConfiguration",
        ),
        ("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy"),
        ("flowcontrol.apiserver.k8s.io/v1", "FlowSchema"),
        ("apiregistration.k8s.io/v1", "APIService"),
        ("example.org/v1", "Thing"),
    ] {
        for odd in [
            "null",
            "7",
            "\"x\"",
            "[]",
            "[null,7,[],{}]",
            "{}",
            r#"{"a":[{}]}"#,
        ] {
            let json = format!(
                r#"{{"apiVersion":"{}","kind":"{}","metadata":{odd},"spec":{odd},"data":{odd},"rules":{odd},"webhooks":{odd}}}"#,
                kind.0, kind.1
            );
            let (tree, log) = run(&json, &newest(), &ReferenceOptions::default());
            assert_eq!(tree.to_string(), json);
            assert!(log.changes.is_empty(), "{json}");
        }
    }
}

/// Source: api-versions.md sections 1.1 and 1.6: by release, upwards and downwards.
#[test]
fn references_follow_each_release() {
    for (minor, old, kind, new) in [
        (
            18,
            "extensions/v1beta1",
            "Ingress",
            "networking.k8s.io/v1beta1",
        ),
        (20, "extensions/v1beta1", "Ingress", "networking.k8s.io/v1"),
        (34, "extensions/v1beta1", "Ingress", "networking.k8s.io/v1"),
        (
            18,
            "networking.k8s.io/v1",
            "Ingress",
            "networking.k8s.io/v1beta1",
        ),
        (20, "batch/v1", "CronJob", "batch/v1beta1"),
        (20, "batch/v1beta1", "CronJob", "batch/v1beta1"),
        (21, "batch/v1beta1", "CronJob", "batch/v1"),
        (
            22,
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "autoscaling/v2beta2",
        ),
        (
            22,
            "autoscaling/v1",
            "HorizontalPodAutoscaler",
            "autoscaling/v1",
        ),
        (21, "policy/v1beta1", "PodSecurityPolicy", "policy/v1beta1"),
        (
            21,
            "extensions/v1beta1",
            "PodSecurityPolicy",
            "policy/v1beta1",
        ),
        (16, "extensions/v1beta1", "Deployment", "apps/v1"),
    ] {
        let target = TargetApis::kubernetes(1, minor).unwrap();
        let json = format!(
            r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"ownerReferences":[{{"apiVersion":"{old}","kind":"{kind}","name":"a","uid":"u"}}]}}}}"#
        );
        let (tree, log) = run(&json, &target, &ReferenceOptions::default());
        let owners = tree
            .at(&["metadata", "ownerReferences"])
            .and_then(Tree::as_array);
        assert_eq!(
            owners.unwrap()[0].text_at(&["apiVersion"]),
            Some(new),
            "1.{minor} {old} {kind}"
        );
        assert_eq!(log.changes.len(), usize::from(old != new));
        assert!(old == new || concerns("", "Pod", json.as_bytes(), &target));
    }
    let role = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","rules":[{"apiGroups":["extensions"],"resources":["podsecuritypolicies"],"verbs":["use"]}]}"#;
    let (tree, log) = run(
        role,
        &TargetApis::kubernetes(1, 21).unwrap(),
        &ReferenceOptions::default(),
    );
    assert!(tree.to_string().contains(r#"["extensions","policy"]"#) && log.losses.is_empty());
}

/// What a target could not tell is not taken for missing.
#[test]
fn nothing_is_rewritten_by_guess() {
    let mut discovery = builtin::discovery();
    discovery
        .resources
        .retain(|row| row.resource.group() != "apps");
    discovery.gaps.push(crate::model::DiscoveryGap {
        group: "apps".to_owned(),
        version: None,
        reason: "no answer".to_owned(),
        ..Default::default()
    });
    let json = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"a"}]}}"#;
    let (tree, log) = run(
        json,
        &TargetApis::from_discovery(discovery),
        &ReferenceOptions::default(),
    );
    assert_eq!((tree.to_string().as_str(), log.losses.len()), (json, 0));
}
