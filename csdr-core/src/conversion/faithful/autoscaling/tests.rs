//! Source: api-versions.md section 2.5 and the edge cases of 2.10b; pkg/apis/autoscaling, conversion of every version.

use super::super::table::{check, convert};
use crate::model::Tree;

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
const CURRENT: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";

/// An autoscaler with annotations, members of its spec and a status.
fn hpa(version: &str, annotations: &[(&str, &str)], spec: &str, status: &str) -> String {
    let mut tree = Tree::object();
    tree.set(&["apiVersion"], format!("autoscaling/{version}").into());
    tree.set(&["kind"], "HorizontalPodAutoscaler".into());
    tree.set(&["metadata"], Tree::object());
    for (key, text) in annotations {
        tree.set(&["metadata", "annotations", key], (*text).into());
    }
    let spec = format!(r#"{{"minReplicas":1,{spec}}}"#);
    tree.set(&["spec"], Tree::parse(spec.as_bytes()).unwrap());
    if !status.is_empty() {
        tree.set(&["status"], Tree::parse(status.as_bytes()).unwrap());
    }
    tree.to_string()
}

fn target(version: &str) -> String {
    format!("autoscaling/{version}")
}

const CPU_80: &str = r#"{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":80}}}"#;

/// A metric of v2 for the CPU.
fn cpu(percent: u32) -> String {
    CPU_80.replace("80", &percent.to_string())
}

#[test]
fn metrics_of_v2beta1_and_of_v2() {
    // v2beta1, v2, and what going down again makes of it.
    let table = [
        (
            r#"{"type":"Resource","resource":{"name":"m","targetAverageUtilization":7}}"#,
            r#"{"type":"Resource","resource":{"name":"m","target":{"type":"Utilization","averageUtilization":7}}}"#,
        ),
        (
            r#"{"type":"Resource","resource":{"name":"m","targetAverageValue":"1Gi"}}"#,
            r#"{"type":"Resource","resource":{"name":"m","target":{"type":"AverageValue","averageValue":"1Gi"}}}"#,
        ),
        (
            r#"{"type":"Resource","resource":{"name":"m","targetAverageValue":1,"targetAverageUtilization":2}}"#,
            r#"{"type":"Resource","resource":{"name":"m","target":{"type":"Utilization","averageValue":1,"averageUtilization":2}}}"#,
        ),
        // The server loses the container.
        (
            r#"{"type":"ContainerResource","containerResource":{"name":"m","container":"c","targetAverageUtilization":7}}"#,
            r#"{"type":"ContainerResource","containerResource":{"name":"m","container":"c","target":{"type":"Utilization","averageUtilization":7}}}"#,
        ),
        (
            r#"{"type":"Pods","pods":{"metricName":"n","selector":{"matchLabels":{"a":"b"}},"targetAverageValue":"0.10"}}"#,
            r#"{"type":"Pods","pods":{"metric":{"name":"n","selector":{"matchLabels":{"a":"b"}}},"target":{"type":"AverageValue","averageValue":"0.10"}}}"#,
        ),
        (
            r#"{"type":"Object","object":{"target":{"kind":"K","name":"o"},"metricName":"n","targetValue":"2k"}}"#,
            r#"{"type":"Object","object":{"describedObject":{"kind":"K","name":"o"},"metric":{"name":"n"},"target":{"type":"Value","value":"2k"}}}"#,
        ),
        (
            r#"{"type":"Object","object":{"target":{"kind":"K","name":"o"},"metricName":"n","targetValue":"0","averageValue":5}}"#,
            r#"{"type":"Object","object":{"describedObject":{"kind":"K","name":"o"},"metric":{"name":"n"},"target":{"type":"AverageValue","value":"0","averageValue":5}}}"#,
        ),
        (
            r#"{"type":"External","external":{"metricName":"n","metricSelector":{},"targetValue":"3","targetAverageValue":"4"}}"#,
            r#"{"type":"External","external":{"metric":{"name":"n","selector":{}},"target":{"type":"Value","value":"3","averageValue":"4"}}}"#,
        ),
        (
            r#"{"type":"External","external":{"metricName":"n","targetAverageValue":"4"}}"#,
            r#"{"type":"External","external":{"metric":{"name":"n"},"target":{"type":"AverageValue","averageValue":"4"}}}"#,
        ),
        // Of another form: left alone.
        (r#"{"pods":7}"#, r#"{"pods":7}"#),
        ("7", "7"),
    ];
    for (old, new) in table {
        let old = hpa("v2beta1", &[], &format!(r#""metrics":[{old}]"#), "");
        let new = hpa("v2", &[], &format!(r#""metrics":[{new}]"#), "");
        check(&[
            (&old, &target("v2"), &new),
            (&new, &target("v2beta1"), &old),
        ]);
    }
    // Quantities that v2beta1 always has are written where they are absent.
    check(&[(
        &hpa(
            "v2beta1",
            &[],
            r#""metrics":[{"object":{"metricName":"n"}},{"pods":{"metricName":"n"}}]"#,
            "",
        ),
        &target("v2"),
        &hpa(
            "v2",
            &[],
            r#""metrics":[{"object":{"metric":{"name":"n"},"target":{"type":"Value","value":"0"}}},
            {"pods":{"metric":{"name":"n"},"target":{"type":"AverageValue","averageValue":"0"}}}]"#,
            "",
        ),
    )]);
}

#[test]
fn what_v2beta1_cannot_hold_is_told() {
    let object = hpa(
        "v2",
        &[],
        r#""metrics":[{"type":"Pods","pods":{"metric":{"name":"n"},"target":{"type":"Value","value":"1","averageValue":"2"}}}]"#,
        "",
    );
    let expected = hpa(
        "v2beta1",
        &[],
        r#""metrics":[{"type":"Pods","pods":{"metricName":"n","targetAverageValue":"2"}}]"#,
        "",
    );
    check(&[(&object, &target("v2beta1"), &expected)]);
    let (_, log) = convert(&object, &target("v2beta1")).unwrap();
    let lost: Vec<&str> = log.losses.iter().map(|loss| loss.path.as_str()).collect();
    assert_eq!(
        lost,
        [
            "/spec/metrics/0/pods/target/type",
            "/spec/metrics/0/pods/target/value"
        ]
    );
}

#[test]
fn a_status_of_v2beta1_and_of_v2() {
    let old = r#"{"currentReplicas":2,"desiredReplicas":3,"currentMetrics":[
        {"type":"Resource","resource":{"name":"cpu","currentAverageUtilization":1,"currentAverageValue":"2m"}},
        {"type":"Pods","pods":{"metricName":"n","currentAverageValue":"1"}},
        {"type":"Object","object":{"target":{"kind":"K","name":"o"},"metricName":"n","currentValue":"1","averageValue":"2"}},
        {"type":"External","external":{"metricName":"n","metricSelector":{},"currentValue":"1","currentAverageValue":"2"}}]}"#;
    let new = r#"{"currentReplicas":2,"desiredReplicas":3,"currentMetrics":[
        {"type":"Resource","resource":{"name":"cpu","current":{"averageUtilization":1,"averageValue":"2m"}}},
        {"type":"Pods","pods":{"metric":{"name":"n"},"current":{"averageValue":"1"}}},
        {"type":"Object","object":{"describedObject":{"kind":"K","name":"o"},"metric":{"name":"n"},"current":{"value":"1","averageValue":"2"}}},
        {"type":"External","external":{"metric":{"name":"n","selector":{}},"current":{"value":"1","averageValue":"2"}}}]}"#;
    let metrics = r#""metrics":[{"type":"External"}]"#;
    let (old, new) = (
        hpa("v2beta1", &[], metrics, old),
        hpa("v2", &[], metrics, new),
    );
    check(&[
        (&old, &target("v2"), &new),
        (&new, &target("v2beta1"), &old),
    ]);
    // Numbers that one version always writes and the other leaves out.
    for old in ["v2beta1", "v2beta2"] {
        let zero = hpa(
            old,
            &[],
            metrics,
            r#"{"currentReplicas":0,"desiredReplicas":0}"#,
        );
        let left_out = hpa("v2", &[], metrics, r#"{"desiredReplicas":0}"#);
        check(&[
            (&zero, &target("v2"), &left_out),
            (&left_out, &target(old), &zero),
        ]);
    }
}

#[test]
fn an_autoscaler_without_metrics_aims_at_the_cpu() {
    let empty = r#""maxReplicas":5"#;
    let filled = format!(r#"{empty},"metrics":[{CPU_80}]"#);
    for version in ["v1", "v2beta1", "v2beta2"] {
        let object = format!(
            r#"{{"apiVersion":"autoscaling/{version}","kind":"HorizontalPodAutoscaler","metadata":{{}},"spec":{{{empty}}}}}"#
        );
        check(&[(&object, &target("v2"), &hpa("v2", &[], &filled, ""))]);
    }
    let object = hpa("v2beta2", &[], r#""maxReplicas":5,"metrics":[]"#, "");
    check(&[(&object, &target("v2"), &hpa("v2", &[], &filled, ""))]);
}

#[test]
fn the_metrics_of_the_annotation_come_first_and_the_cpu_last() {
    // Go reads keys in any case of letters.
    let annotation = r#"[{"type":"Resource","resource":{"name":"cpu","targetAverageUtilization":70}},{"Type":"Pods","PODS":{"metricName":"n","targetAverageValue":3}}]"#;
    let pods = r#"{"type":"Pods","pods":{"metric":{"name":"n"},"target":{"type":"AverageValue","averageValue":3}}}"#;
    check(&[(
        &hpa(
            "v1",
            &[("keep", "me"), (METRICS, annotation)],
            r#""targetCPUUtilizationPercentage":50"#,
            "",
        ),
        &target("v2"),
        &hpa(
            "v2",
            &[("keep", "me")],
            &format!(r#""metrics":[{},{pods},{}]"#, cpu(70), cpu(50)),
            "",
        ),
    )]);
}

#[test]
fn the_first_cpu_metric_becomes_the_target_of_v1() {
    let memory = r#"{"type":"Resource","resource":{"name":"memory","target":{"type":"AverageValue","averageValue":"0.5Gi"}}}"#;
    let memory_text =
        r#"[{"type":"Resource","resource":{"name":"memory","targetAverageValue":"512Mi"}}]"#;
    let by_value = r#"{"type":"Resource","resource":{"name":"cpu","target":{"type":"AverageValue","averageValue":"1"}}}"#;
    let by_value_text =
        r#"[{"type":"Resource","resource":{"name":"cpu","targetAverageValue":"1"}}]"#;
    let table = [
        (
            vec![memory.to_owned(), cpu(60)],
            vec![(METRICS, memory_text)],
            r#""targetCPUUtilizationPercentage":60"#,
            0,
        ),
        (
            vec![cpu(60)],
            vec![],
            r#""targetCPUUtilizationPercentage":60"#,
            0,
        ),
        // The server leaves every other one out.
        (
            vec![cpu(60), cpu(70)],
            vec![],
            r#""targetCPUUtilizationPercentage":60"#,
            1,
        ),
        (
            vec![by_value.to_owned(), cpu(70)],
            vec![(METRICS, by_value_text)],
            r#""maxReplicas":1"#,
            1,
        ),
    ];
    for (metrics, annotations, spec, lost) in table {
        let spec = format!(r#""maxReplicas":1,{spec}"#)
            .replace(r#""maxReplicas":1,"maxReplicas":1"#, r#""maxReplicas":1"#);
        let object = hpa(
            "v2",
            &[],
            &format!(r#""maxReplicas":1,"metrics":[{}]"#, metrics.join(",")),
            "",
        );
        check(&[(&object, &target("v1"), &hpa("v1", &annotations, &spec, ""))]);
        let (_, log) = convert(&object, &target("v1")).unwrap();
        let told = log
            .losses
            .iter()
            .filter(|loss| loss.path.starts_with("/spec/metrics/"));
        assert_eq!(told.count(), lost, "{object}");
        assert_eq!(
            log.losses.iter().any(|loss| loss.path == "/spec/metrics"),
            !annotations.is_empty()
        );
    }
}

#[test]
fn a_behavior_travels_in_an_annotation() {
    let text = concat!(
        r#"{"ScaleUp":{"StabilizationWindowSeconds":0,"SelectPolicy":"Max","Policies":[{"Type":"Pods","Value":4,"PeriodSeconds":15},"#,
        r#"{"Type":"Percent","Value":100,"PeriodSeconds":15}],"Tolerance":"200m"},"#,
        r#""ScaleDown":{"StabilizationWindowSeconds":60,"SelectPolicy":"Max","Policies":[{"Type":"Percent","Value":100,"PeriodSeconds":15}],"Tolerance":null}}"#
    );
    let whole = r#""behavior":{"scaleUp":{"stabilizationWindowSeconds":0,"selectPolicy":"Max","policies":[{"type":"Pods","value":4,"periodSeconds":15},
        {"type":"Percent","value":100,"periodSeconds":15}],"tolerance":"200m"},
        "scaleDown":{"stabilizationWindowSeconds":60,"selectPolicy":"Max","policies":[{"type":"Percent","value":100,"periodSeconds":15}]}}"#;
    let part = r#""behavior":{"scaleUp":{"tolerance":"0.2"},"scaleDown":{"stabilizationWindowSeconds":60}}"#;
    let pods_old = r#""metrics":[{"type":"Pods"}]"#;
    for version in ["v1", "v2beta1"] {
        let (old, annotations) = match version {
            "v1" => (
                r#""maxReplicas":1"#,
                vec![(METRICS, r#"[{"type":"Pods"}]"#), (BEHAVIOR, text)],
            ),
            _ => (pods_old, vec![(BEHAVIOR, text)]),
        };
        let max = if version == "v1" {
            r#","maxReplicas":1"#
        } else {
            ""
        };
        let stored = hpa(version, &annotations, old, "");
        let hub = |behavior: &str| hpa("v2", &[], &format!("{pods_old},{behavior}{max}"), "");
        check(&[
            (&stored, &target("v2"), &hub(whole)),
            (&hub(whole), &target(version), &stored),
            (&hub(part), &target(version), &stored),
        ]);
        let (_, log) = convert(&hub(whole), &target(version)).unwrap();
        assert!(log.losses.iter().any(|loss| loss.path == "/spec/behavior"));
    }
    // Neither direction: no behavior.
    let nothing = [(BEHAVIOR, r#"{"ScaleUp":null,"ScaleDown":null}"#)];
    check(&[(
        &hpa("v2beta1", &nothing, pods_old, ""),
        &target("v2"),
        &hpa("v2", &[], pods_old, ""),
    )]);
}

#[test]
fn a_present_behavior_is_completed() {
    let policies_up = r#"[{"type":"Pods","value":4,"periodSeconds":15},{"type":"Percent","value":100,"periodSeconds":15}]"#;
    let policies_down = r#"[{"type":"Percent","value":100,"periodSeconds":15}]"#;
    let up = format!(
        r#""scaleUp":{{"stabilizationWindowSeconds":0,"selectPolicy":"Max","policies":{policies_up}}}"#
    );
    let down = format!(r#""scaleDown":{{"selectPolicy":"Max","policies":{policies_down}}}"#);
    let table = [
        ("{}", format!("{{{up},{down}}}")),
        (
            r#"{"scaleDown":{"selectPolicy":"Min","policies":[]}}"#,
            format!(r#"{{{up},"scaleDown":{{"selectPolicy":"Min","policies":[]}}}}"#),
        ),
        (
            r#"{"scaleUp":{"stabilizationWindowSeconds":9},"scaleDown":{"stabilizationWindowSeconds":60}}"#,
            format!(
                r#"{{"scaleUp":{{"stabilizationWindowSeconds":9,"selectPolicy":"Max","policies":{policies_up}}},
                "scaleDown":{{"stabilizationWindowSeconds":60,"selectPolicy":"Max","policies":{policies_down}}}}}"#
            ),
        ),
    ];
    for (behavior, expected) in table {
        let metrics = r#""metrics":[{"type":"Pods"}],"behavior":"#;
        let object =
            |version: &str, behavior: &str| hpa(version, &[], &format!("{metrics}{behavior}"), "");
        check(&[
            (
                &object("v2beta2", behavior),
                &target("v2"),
                &object("v2", &expected),
            ),
            (
                &object("v2", behavior),
                &target("v2beta2"),
                &object("v2beta2", &expected),
            ),
        ]);
    }
}

#[test]
fn tolerances_of_v2beta2_are_annotations() {
    let metrics = r#""metrics":[{"type":"Pods"}]"#;
    let annotations = [
        ("autoscaling.alpha.kubernetes.io/scale-down-tolerance", "0"),
        ("autoscaling.alpha.kubernetes.io/scale-up-tolerance", "200m"),
    ];
    let hub = hpa(
        "v2",
        &[],
        &format!(
            r#"{metrics},"behavior":{{"scaleDown":{{"tolerance":"0"}},"scaleUp":{{"tolerance":"200m"}}}}"#
        ),
        "",
    );
    check(&[(
        &hpa("v2beta2", &annotations, metrics, ""),
        &target("v2"),
        &hub,
    )]);
    let rules = r#""selectPolicy":"Max","policies":[]"#;
    let behavior = |up: &str| {
        format!(
            r#"{metrics},"behavior":{{"scaleUp":{{"stabilizationWindowSeconds":0,{rules}{up}}},"scaleDown":{{{rules}}}}}"#
        )
    };
    check(&[(
        &hpa("v2", &[], &behavior(r#","tolerance":0.2"#), ""),
        &target("v2beta2"),
        &hpa("v2beta2", annotations.get(1..).unwrap(), &behavior(""), ""),
    )]);
    // The server cannot read the object, and neither can csdr.
    for bad in ["x", ""] {
        let annotations = [("autoscaling.alpha.kubernetes.io/scale-up-tolerance", bad)];
        convert(&hpa("v2beta2", &annotations, metrics, ""), &target("v2")).unwrap_err();
    }
}

#[test]
fn a_status_of_v1_is_made_of_annotations() {
    let annotations = [
        (METRICS, r#"[{"type":"Pods"}]"#),
        (
            CURRENT,
            r#"[{"type":"Resource","resource":{"name":"cpu","currentAverageUtilization":3,"currentAverageValue":"3m"}}]"#,
        ),
        (
            CONDITIONS,
            r#"[{"type":"A","status":"True","lastTransitionTime":"2021-01-01T00:00:00Z","reason":"R"}]"#,
        ),
    ];
    let stored = hpa(
        "v1",
        &annotations,
        r#""maxReplicas":1"#,
        r#"{"currentReplicas":1,"desiredReplicas":2,"currentCPUUtilizationPercentage":3}"#,
    );
    let hub = hpa(
        "v2",
        &[],
        r#""maxReplicas":1,"metrics":[{"type":"Pods"}]"#,
        r#"{"currentReplicas":1,"desiredReplicas":2,
        "currentMetrics":[{"type":"Resource","resource":{"name":"cpu","current":{"averageUtilization":3,"averageValue":"3m"}}}],
        "conditions":[{"type":"A","status":"True","lastTransitionTime":"2021-01-01T00:00:00Z","reason":"R"}]}"#,
    );
    check(&[
        (&stored, &target("v2"), &hub),
        (&hub, &target("v1"), &stored),
    ]);
    // Without the annotation the percentage is all there is.
    check(&[(
        &hpa(
            "v1",
            &[],
            r#""targetCPUUtilizationPercentage":9"#,
            r#"{"currentReplicas":1,"desiredReplicas":2,"currentCPUUtilizationPercentage":3}"#,
        ),
        &target("v2"),
        &hpa(
            "v2",
            &[],
            &format!(r#""metrics":[{}]"#, cpu(9)),
            r#"{"currentReplicas":1,"desiredReplicas":2,
            "currentMetrics":[{"type":"Resource","resource":{"name":"cpu","current":{"averageUtilization":3}}}]}"#,
        ),
    )]);
}

#[test]
fn an_annotation_that_cannot_be_read_is_lost_and_told() {
    for (annotation, text) in [
        (METRICS, "{"),
        (METRICS, "7"),
        (METRICS, r#"[{"type":7}]"#),
        (
            METRICS,
            r#"[{"type":"Pods","pods":{"targetAverageValue":"x"}}]"#,
        ),
        (BEHAVIOR, "no"),
        (CURRENT, "no"),
        (CONDITIONS, r#"[{"lastTransitionTime":"yesterday"}]"#),
    ] {
        let object = hpa("v1", &[(annotation, text)], r#""maxReplicas":1"#, "");
        let expected = hpa(
            "v2",
            &[],
            &format!(r#""maxReplicas":1,"metrics":[{CPU_80}]"#),
            "",
        );
        check(&[(&object, &target("v2"), &expected)]);
        let (_, log) = convert(&object, &target("v2")).unwrap();
        let lost = log.losses.first().unwrap();
        assert_eq!(lost.value, Some(Tree::from(text)));
    }
}

#[test]
fn annotations_of_another_version_are_dropped() {
    let annotations = [("keep", "me"), (METRICS, "[]"), (BEHAVIOR, "{}")];
    let metrics = r#""metrics":[{"type":"Pods"}]"#;
    check(&[(
        &hpa("v2", &annotations, metrics, ""),
        &target("v2beta2"),
        &hpa("v2beta2", &[("keep", "me")], metrics, ""),
    )]);
}

#[test]
fn every_version_becomes_every_other() {
    let spec = format!(r#""maxReplicas":3,"metrics":[{}]"#, cpu(50));
    let status = r#"{"currentReplicas":1,"desiredReplicas":1}"#;
    let hub = hpa("v2", &[], &spec, status);
    let versions = ["v1", "v2beta1", "v2beta2", "v2"];
    let of = |version: &str| convert(&hub, &target(version)).unwrap().0.to_string();
    for from in versions {
        for to in versions {
            check(&[(&of(from), &target(to), &of(to))]);
        }
    }
}

#[test]
fn a_time_that_is_none_is_refused() {
    let object = hpa(
        "v2beta2",
        &[],
        r#""maxReplicas":1"#,
        r#"{"lastScaleTime":12}"#,
    );
    convert(&object, &target("v2")).unwrap_err();
}

#[test]
fn a_scale_has_its_selector_as_a_text() {
    let scale = |version: &str, status: &str| {
        format!(r#"{{"apiVersion":"{version}","kind":"Scale","status":{status}}}"#)
    };
    let table = [
        (
            r#"{"selector":{"b":"2","a":""}}"#,
            r#"{"selector":"a=,b=2"}"#,
        ),
        (
            r#"{"selector":{"a":"b"},"targetSelector":"a=b"}"#,
            r#"{"selector":"a=b"}"#,
        ),
        (
            r#"{"selector":{"a":"b"},"targetSelector":"c"}"#,
            r#"{"selector":"c"}"#,
        ),
        (r#"{"selector":{},"targetSelector":""}"#, "{}"),
    ];
    for version in ["extensions/v1beta1", "apps/v1beta1", "apps/v1beta2"] {
        for (old, new) in table {
            check(&[(
                &scale(version, old),
                "autoscaling/v1",
                &scale("autoscaling/v1", new),
            )]);
        }
        check(&[
            (
                &scale("autoscaling/v1", r#"{"selector":"a=b"}"#),
                version,
                &scale(version, r#"{"selector":{"a":"b"},"targetSelector":"a=b"}"#),
            ),
            (
                &scale("autoscaling/v1", r#"{"selector":"a"}"#),
                version,
                &scale(version, r#"{"targetSelector":"a"}"#),
            ),
        ]);
        convert(&scale("autoscaling/v1", r#"{"selector":"="}"#), version).unwrap_err();
    }
}
