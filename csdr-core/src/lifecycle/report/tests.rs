use super::*;

fn stored(kind: &str, versions: &[&str], objects: u64) -> KindCount {
    KindCount {
        kind: kind.to_owned(),
        versions: versions
            .iter()
            .map(|version| version.parse().unwrap())
            .collect(),
        objects,
    }
}

fn targets(minors: &[u32]) -> Vec<(String, TargetApis)> {
    minors
        .iter()
        .map(|minor| {
            (
                format!("1.{minor}"),
                TargetApis::kubernetes(1, *minor).unwrap(),
            )
        })
        .collect()
}

#[test]
fn a_backup_is_judged_for_each_target() {
    let counts = vec![
        stored(
            "Ingress",
            &["networking.k8s.io/v1beta1", "networking.k8s.io/v1"],
            3,
        ),
        stored("CronJob", &["batch/v1beta1"], 2),
        stored("PodSecurityPolicy", &["policy/v1beta1"], 1),
        stored("ConfigMap", &["v1"], 40),
        stored("Widget", &["shop.io/v1"], 5),
        stored("Nothing", &[], 5),
    ];
    let report = judge(counts, &targets(&[18, 24, 34]), &BuiltinConverter::new());
    let text = report.to_string();
    assert_eq!(
        text,
        "\
objects  kind                                                     1.18       1.24        1.34
40       v1 ConfigMap                                             unchanged  unchanged   unchanged
2        batch/v1beta1 CronJob                                    unchanged  → batch/v1  → batch/v1
3        networking.k8s.io/v1beta1, networking.k8s.io/v1 Ingress  unchanged  unchanged   unchanged
1        policy/v1beta1 PodSecurityPolicy                         unchanged  unchanged   skipped
5        shop.io/v1 Widget                                        no route   no route    no route
1.18: 46 unchanged, 0 converted, 0 skipped, 5 without a route
1.24: 44 unchanged, 2 converted, 0 skipped, 5 without a route
1.34: 43 unchanged, 2 converted, 1 skipped, 5 without a route
1.34: policy/v1beta1 PodSecurityPolicy skipped: removed in Kubernetes 1.25 without a successor; set the Pod Security admission labels \
pod-security.kubernetes.io/enforce, audit and warn (privileged, baseline or restricted) on each namespace; defaults that the policy wrote \
into pods have to be written into their templates
1.18, 1.24, 1.34: shop.io/v1 Widget no route: the target has no CustomResourceDefinition widgets.shop.io; restore it first
"
    );
    // The stored version that the target serves comes before the one that the source preferred.
    let from = |at: usize| report.rows[2].verdicts[at].from.to_string();
    assert_eq!(
        [from(0), from(2)],
        ["networking.k8s.io/v1beta1", "networking.k8s.io/v1"]
    );
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["rows"][1]["verdicts"][2]["to"], "batch/v1");
    assert_eq!(json["rows"][3]["verdicts"][2]["reason"]["removed"], 25);
}
