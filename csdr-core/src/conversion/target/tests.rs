use super::*;
use crate::model::Tree;

fn gvk(api_version: &str, kind: &str) -> GroupVersionKind {
    GroupVersionKind {
        api_version: api_version.parse().unwrap(),
        kind: kind.to_owned(),
    }
}

#[test]
fn the_minor_is_read_from_what_servers_call_themselves() {
    for (version, minor) in [
        ("v1.36.3", Some(36)),
        ("v1.30.1-aliyun.1", Some(30)),
        ("v1.24+", Some(24)),
        ("v1.21.14-gke.100", Some(21)),
        ("v1.26.3+k3s1", Some(26)),
        ("1.28", Some(28)),
        ("v1.28-beta", Some(28)),
        ("", None),
        ("v1", None),
        ("v2.1.0", None),
        ("v1.x", None),
        ("v1.99999999999999", None),
    ] {
        assert_eq!(minor_of(version), minor, "{version}");
    }
    assert_eq!(
        TargetApis::from_discovery(Discovery::default()).minor(),
        lifecycle::NEWEST
    );
}

#[test]
fn every_known_release_can_be_a_target() {
    for minor in lifecycle::OLDEST..=lifecycle::NEWEST {
        let target = TargetApis::kubernetes(1, minor).unwrap();
        assert_eq!(target.minor(), minor);
        for row in lifecycle::served_in(1, minor).filter(|row| row.stored) {
            assert!(
                target.has(row.group, row.version, row.kind),
                "1.{minor} {row}"
            );
        }
        for row in &target.discovery().resources {
            for served in &row.versions {
                let life = lifecycle::row(row.resource.group(), &served.version, &row.kind);
                assert!(life.is_some_and(|life| life.served_in(minor)), "{row:?}");
                assert!(!served.verbs.is_empty());
            }
        }
        let again = TargetApis::from_json(&target.to_json().unwrap()).unwrap();
        assert_eq!(again, target);
    }
    for (major, minor) in [(1, 15), (1, 37), (2, 20), (0, 20)] {
        assert!(TargetApis::kubernetes(major, minor).is_err());
    }
}

#[test]
fn preferred_versions_follow_the_aggregator() {
    // Source: api-versions.md section 1.5.
    for (minor, group, kind, preferred) in [
        (16, "autoscaling", "HorizontalPodAutoscaler", Some("v1")),
        (22, "autoscaling", "HorizontalPodAutoscaler", Some("v1")),
        (23, "autoscaling", "HorizontalPodAutoscaler", Some("v2")),
        (20, "batch", "CronJob", Some("v1beta1")),
        (21, "batch", "CronJob", Some("v1")),
        (18, "networking.k8s.io", "Ingress", Some("v1beta1")),
        (19, "networking.k8s.io", "Ingress", Some("v1")),
        (24, "policy", "PodSecurityPolicy", Some("v1beta1")),
        (25, "policy", "PodSecurityPolicy", None),
        (
            26,
            "flowcontrol.apiserver.k8s.io",
            "FlowSchema",
            Some("v1beta3"),
        ),
        (29, "flowcontrol.apiserver.k8s.io", "FlowSchema", Some("v1")),
        (33, "resource.k8s.io", "ResourceClaim", None),
        (34, "resource.k8s.io", "ResourceClaim", Some("v1")),
        (16, "discovery.k8s.io", "EndpointSlice", None),
        (
            16,
            "authorization.k8s.io",
            "SelfSubjectAccessReview",
            Some("v1"),
        ),
    ] {
        let target = TargetApis::kubernetes(1, minor).unwrap();
        let found = target.preferred(group, kind);
        assert_eq!(
            found.as_ref().map(ApiVersion::version),
            preferred,
            "1.{minor} {kind}"
        );
    }
    let target = TargetApis::kubernetes(1, 22).unwrap();
    let hpa = target.resource("autoscaling", "HorizontalPodAutoscaler");
    let order: Vec<&str> = hpa
        .unwrap()
        .versions
        .iter()
        .map(|v| v.version.as_str())
        .collect();
    assert_eq!(order, ["v1", "v2beta1", "v2beta2"]);
    assert!(target.serves(&gvk("autoscaling/v2beta2", "HorizontalPodAutoscaler")));
    assert!(!target.serves(&gvk("autoscaling/v2", "HorizontalPodAutoscaler")));
}

#[test]
fn a_recorded_discovery_is_not_trusted() {
    for broken in [
        "",
        "[]",
        r#"{"resources":[{"resource":"pods","kind":"Pod","namespaced":true,"versions":[]}]}"#,
        r#"{"resources":[{"resource":"pods","kind":"Po d","namespaced":true,"versions":[{"version":"v1","verbs":[]}]}]}"#,
        r#"{"resources":[{"resource":"../x","kind":"Pod","namespaced":true,"versions":[{"version":"v1","verbs":[]}]}]}"#,
        r#"{"resources":[{"resource":"pods","kind":"Pod","namespaced":true,"versions":[{"version":"v1/..","verbs":[]}]}]}"#,
    ] {
        assert!(
            TargetApis::from_json(broken.as_bytes()).is_err(),
            "{broken}"
        );
    }
    let deep = "[".repeat(100_000);
    assert!(TargetApis::from_json(deep.as_bytes()).is_err());
}

#[test]
fn definitions_bring_kinds_and_say_how_they_convert() {
    let definition = |name: &str, version: &str, strategy: &str| {
        let json = format!(
            r#"{{"metadata":{{"name":"{name}.shop.io"}},"spec":{{"group":"shop.io","scope":"Namespaced",
            "names":{{"plural":"{name}","kind":"Widget"}},"conversion":{{"strategy":"{strategy}"}},
            "versions":[{{"name":"{version}","served":true,"storage":true}}]}}}}"#
        );
        CustomKind::from_crd(&Tree::parse(json.as_bytes()).unwrap()).unwrap()
    };
    let own = definition("widgets", "v1", "Webhook");
    let stored = definition("widgets", "v1beta1", "None");
    let target = TargetApis::kubernetes(1, 30)
        .unwrap()
        .with_definitions([&own]);
    assert!(target.serves(&gvk("shop.io/v1", "Widget")));
    // What the target has counts, not what a backup brings.
    let target = target.with_definitions([&stored]);
    assert!(!target.serves(&gvk("shop.io/v1beta1", "Widget")));
    let resource = "widgets.shop.io".parse().unwrap();
    assert_eq!(
        target.conversion(&resource),
        Some(CustomConversion::Webhook)
    );
    // A file says it as well.
    let json = target.to_json().unwrap();
    let text = String::from_utf8(json.clone()).unwrap();
    assert!(text.contains(r#""widgets.shop.io": "Webhook""#), "{text}");
    assert_eq!(TargetApis::from_json(&json).unwrap(), target);
    let other = text.replace(r#""Webhook""#, r#""Guess""#);
    assert!(TargetApis::from_json(other.as_bytes()).is_err());
}

#[test]
fn services_tell_the_numbers_of_ports_that_an_ingress_cannot_name() {
    let service = |ports: &str| {
        let json = format!(r#"{{"metadata":{{"name":"a"}},"spec":{{"ports":{ports}}}}}"#);
        Tree::parse(json.as_bytes()).unwrap()
    };
    let long = "a-port-with-a-long-name";
    let first = service(&format!(
        r#"[{{"name":"web","port":80}},{{"name":"{long}","port":81}},{{"name":"other-{long}","port":70000}},{{"port":"x"}},7]"#
    ));
    let second = service(&format!(r#"[{{"name":"{long}","port":82}}]"#));
    let target = TargetApis::kubernetes(1, 34).unwrap().with_services([
        ("n", &first),
        ("n", &second),
        ("m", &second),
        ("n", &Tree::Null),
    ]);
    let number = |namespace, port: &str| target.port_number(namespace, "a", port);
    assert_eq!(number("n", long), Some(81), "the first counts");
    assert_eq!(number("m", long), Some(82));
    assert_eq!(number("n", "web"), None, "an Ingress can hold it");
    assert_eq!(number("n", &format!("other-{long}")), None, "no port");
    assert_eq!(number("o", long), None);
}
