use super::*;
use crate::model::{CustomKind, Discovery, DiscoveryGap, Tree};

fn gvk(text: &str) -> GroupVersionKind {
    let (api_version, kind) = text.split_once(' ').unwrap();
    GroupVersionKind {
        api_version: api_version.parse().unwrap(),
        kind: kind.to_owned(),
    }
}

fn kubernetes(minor: u32) -> TargetApis {
    TargetApis::kubernetes(1, minor).unwrap()
}

/// In one short line.
fn told(route: &Route) -> String {
    match route {
        Route::Unchanged => "=".to_owned(),
        Route::Converts { to } => to.to_string(),
        Route::Skipped { reason } => match reason {
            SkipReason::RemovedWithoutReplacement { removed, advice } => {
                assert!(!advice.is_empty());
                format!("skip: removed {removed}")
            }
            SkipReason::NeverStored => "skip: never stored".to_owned(),
            SkipReason::MadeByCluster { .. } => "skip: made by cluster".to_owned(),
            other => format!("{other:?}"),
        },
        Route::NoRoute { reason } => match reason {
            NoRouteReason::NotEnabled { flag } => flag.clone(),
            NoRouteReason::NotYetServed { since } => format!("since {since}"),
            NoRouteReason::DefinitionMissing { definition } => format!("no {definition}"),
            NoRouteReason::NeedsWebhook { served } => format!("webhook: {}", served.join(" ")),
            NoRouteReason::AggregatedApiMissing { group } => format!("aggregated: {group}"),
            NoRouteReason::NoRule { served } => format!("no rule: {}", served.join(" ")),
        },
    }
}

#[test]
fn keep_converts_only_what_it_must() {
    // Source: api-versions.md sections 1.1, 1.5, 1.6.
    for (kind, routes) in [
        (
            "extensions/v1beta1 Ingress",
            // Deprecated from the start; networking.k8s.io/v1beta1 is deprecated when v1 comes.
            &[
                (16, "networking.k8s.io/v1beta1"),
                (18, "networking.k8s.io/v1beta1"),
                (19, "networking.k8s.io/v1"),
                (36, "networking.k8s.io/v1"),
            ][..],
        ),
        (
            "networking.k8s.io/v1beta1 Ingress",
            &[
                (16, "="),
                (18, "="),
                (19, "networking.k8s.io/v1"),
                (22, "networking.k8s.io/v1"),
            ],
        ),
        (
            "networking.k8s.io/v1 Ingress",
            &[(18, "networking.k8s.io/v1beta1"), (19, "=")],
        ),
        (
            "extensions/v1beta1 Deployment",
            &[(16, "apps/v1"), (36, "apps/v1")],
        ),
        ("apps/v1beta1 StatefulSet", &[(16, "apps/v1")]),
        (
            "batch/v1beta1 CronJob",
            &[(20, "="), (21, "batch/v1"), (25, "batch/v1")],
        ),
        (
            "batch/v1 CronJob",
            &[(16, "batch/v1beta1"), (20, "batch/v1beta1"), (21, "=")],
        ),
        (
            "policy/v1 PodDisruptionBudget",
            &[(20, "policy/v1beta1"), (21, "=")],
        ),
        (
            "autoscaling/v2 HorizontalPodAutoscaler",
            &[(22, "autoscaling/v2beta2"), (23, "=")],
        ),
        (
            "autoscaling/v2beta1 HorizontalPodAutoscaler",
            &[
                (21, "="),
                (22, "autoscaling/v2beta2"),
                (23, "autoscaling/v2"),
                (25, "autoscaling/v2"),
            ],
        ),
        (
            "autoscaling/v1 HorizontalPodAutoscaler",
            &[(16, "="), (36, "=")],
        ),
        (
            "flowcontrol.apiserver.k8s.io/v1beta1 FlowSchema",
            &[
                (
                    19,
                    "--runtime-config=flowcontrol.apiserver.k8s.io/v1alpha1=true",
                ),
                (20, "="),
                (23, "flowcontrol.apiserver.k8s.io/v1beta2"),
                (26, "flowcontrol.apiserver.k8s.io/v1beta3"),
                (29, "flowcontrol.apiserver.k8s.io/v1"),
            ],
        ),
        (
            "flowcontrol.apiserver.k8s.io/v1 FlowSchema",
            &[
                (17, "since 20"),
                (22, "flowcontrol.apiserver.k8s.io/v1beta1"),
                (25, "flowcontrol.apiserver.k8s.io/v1beta2"),
                (28, "flowcontrol.apiserver.k8s.io/v1beta3"),
            ],
        ),
        ("v1 ConfigMap", &[(16, "="), (36, "=")]),
    ] {
        for (minor, expected) in routes {
            let route = choose(&gvk(kind), None, &kubernetes(*minor), &Wishes::default());
            assert_eq!(told(&route), *expected, "{kind} on 1.{minor}");
        }
    }
}

#[test]
fn what_has_no_way_says_why() {
    for (kind, minor, expected) in [
        ("policy/v1beta1 PodSecurityPolicy", 24, "="),
        ("extensions/v1beta1 PodSecurityPolicy", 24, "policy/v1beta1"),
        ("policy/v1beta1 PodSecurityPolicy", 25, "skip: removed 25"),
        (
            "extensions/v1beta1 PodSecurityPolicy",
            36,
            "skip: removed 25",
        ),
        (
            "settings.k8s.io/v1alpha1 PodPreset",
            19,
            "--runtime-config=settings.k8s.io/v1alpha1=true",
        ),
        ("settings.k8s.io/v1alpha1 PodPreset", 20, "skip: removed 20"),
        (
            "auditregistration.k8s.io/v1alpha1 AuditSink",
            36,
            "skip: removed 19",
        ),
        (
            "networking.k8s.io/v1alpha1 ClusterCIDR",
            29,
            "skip: removed 29",
        ),
        ("networking.k8s.io/v1alpha1 ClusterCIDR", 24, "since 25"),
        // Before 1.31 nothing converted claims; the kind that exists in 1.34 is another one.
        (
            "resource.k8s.io/v1alpha2 ResourceClaim",
            34,
            "skip: removed 31",
        ),
        (
            "resource.k8s.io/v1alpha1 ResourceClaim",
            30,
            "skip: removed 27",
        ),
        (
            "resource.k8s.io/v1alpha3 ResourceClaim",
            34,
            "resource.k8s.io/v1",
        ),
        (
            "resource.k8s.io/v1 ResourceClaim",
            33,
            "--runtime-config=resource.k8s.io/v1beta2=true",
        ),
        (
            "resource.k8s.io/v1 ResourceClaim",
            31,
            "--runtime-config=resource.k8s.io/v1alpha3=true",
        ),
        ("resource.k8s.io/v1 ResourceClaim", 30, "since 34"),
        (
            "resource.k8s.io/v1alpha3 PodSchedulingContext",
            36,
            "skip: removed 32",
        ),
        (
            "scheduling.k8s.io/v1alpha1 Workload",
            36,
            "skip: removed 36",
        ),
        (
            "scheduling.k8s.io/v1alpha2 PodGroup",
            36,
            "--runtime-config=scheduling.k8s.io/v1alpha2=true",
        ),
        (
            "admissionregistration.k8s.io/v1 MutatingAdmissionPolicy",
            34,
            "--runtime-config=admissionregistration.k8s.io/v1beta1=true",
        ),
        (
            "admissionregistration.k8s.io/v1 MutatingAdmissionPolicy",
            31,
            "since 36",
        ),
        // The cluster makes these by itself.
        ("coordination.k8s.io/v1beta1 Lease", 21, "="),
        (
            "coordination.k8s.io/v1beta1 Lease",
            22,
            "skip: made by cluster",
        ),
        ("events.k8s.io/v1beta1 Event", 25, "skip: made by cluster"),
        ("v1 Event", 16, "="),
        (
            "certificates.k8s.io/v1beta1 CertificateSigningRequest",
            22,
            "skip: made by cluster",
        ),
        (
            "storage.k8s.io/v1beta1 CSINode",
            22,
            "skip: made by cluster",
        ),
        (
            "resource.k8s.io/v1beta1 ResourceSlice",
            36,
            "skip: made by cluster",
        ),
        (
            "internal.apiserver.k8s.io/v1alpha1 StorageVersion",
            36,
            "skip: made by cluster",
        ),
        // Requests and computed views.
        ("policy/v1 Eviction", 36, "skip: never stored"),
        ("autoscaling/v1 Scale", 36, "skip: never stored"),
        (
            "authentication.k8s.io/v1 TokenReview",
            36,
            "skip: never stored",
        ),
        ("v1 ComponentStatus", 36, "skip: never stored"),
        (
            "metrics.k8s.io/v1beta1 PodMetrics",
            36,
            "skip: never stored",
        ),
        // Unknown.
        ("apps/v3 Deployment", 36, "no rule: v1"),
        ("apps/v1 Nonsense", 36, "no rule: "),
        ("shop.io/v1 Widget", 36, "no widgets.shop.io"),
        ("shop.io/v1 Proxy", 36, "no proxies.shop.io"),
        ("shop.io/v1 Class", 36, "no classes.shop.io"),
        (
            "route.openshift.io/v1 Route",
            36,
            "aggregated: route.openshift.io",
        ),
    ] {
        let route = choose(&gvk(kind), None, &kubernetes(minor), &Wishes::default());
        assert_eq!(told(&route), expected, "{kind} on 1.{minor}");
    }
    let route = choose(
        &gvk("policy/v1beta1 PodSecurityPolicy"),
        None,
        &kubernetes(25),
        &Wishes::default(),
    );
    assert!(
        route
            .to_string()
            .contains("pod-security.kubernetes.io/enforce"),
        "{route}"
    );
}

#[test]
fn discovery_decides_not_the_release() {
    let mut discovery = kubernetes(36).discovery().clone();
    let pod_presets = crate::model::builtin::kind("settings.k8s.io", "PodPreset").unwrap();
    discovery
        .resources
        .push(pod_presets.api_resource(["v1alpha1"]).unwrap());
    discovery.resources.retain(|row| row.kind != "Ingress");
    discovery.gaps.push(DiscoveryGap {
        group: "wardle.example.com".into(),
        version: None,
        reason: "503".into(),
        ..Default::default()
    });
    let target = TargetApis::from_discovery(discovery.sorted());
    for (kind, expected) in [
        ("settings.k8s.io/v1alpha1 PodPreset", "="),
        // A distribution switched it off.
        (
            "networking.k8s.io/v1 Ingress",
            "--runtime-config=networking.k8s.io/v1=true",
        ),
        (
            "wardle.example.com/v1 Flunder",
            "aggregated: wardle.example.com",
        ),
    ] {
        let route = choose(&gvk(kind), None, &target, &Wishes::default());
        assert_eq!(told(&route), expected, "{kind}");
    }
    let resource: GroupResource = "oxen.shop.io".parse().unwrap();
    let route = choose(
        &gvk("shop.io/v1 Ox"),
        Some(&resource),
        &target,
        &Wishes::default(),
    );
    assert_eq!(told(&route), "no oxen.shop.io");
    assert_eq!(
        told(&choose(
            &gvk("v1 Pod"),
            None,
            &TargetApis::from_discovery(Discovery::default()),
            &Wishes::default()
        )),
        "--runtime-config=v1=true"
    );
}

#[test]
fn preferred_and_wanted_versions() {
    let preferred = Wishes {
        policy: VersionPolicy::Preferred,
        ..Wishes::default()
    };
    for (kind, minor, expected) in [
        ("networking.k8s.io/v1beta1 Ingress", 18, "="),
        (
            "extensions/v1beta1 Ingress",
            18,
            "networking.k8s.io/v1beta1",
        ),
        (
            "autoscaling/v2beta2 HorizontalPodAutoscaler",
            22,
            "autoscaling/v1",
        ),
        (
            "autoscaling/v1 HorizontalPodAutoscaler",
            23,
            "autoscaling/v2",
        ),
        ("v1 Event", 36, "="),
        ("policy/v1beta1 PodSecurityPolicy", 24, "="),
    ] {
        let route = choose(&gvk(kind), None, &kubernetes(minor), &preferred);
        assert_eq!(told(&route), expected, "{kind} on 1.{minor}");
    }
    let wanted = |kind: &str, versions: &[&str]| Wishes {
        policy: VersionPolicy::Keep,
        versions: versions
            .iter()
            .map(|version| (kind.to_owned(), version.parse().unwrap()))
            .collect(),
    };
    for (kind, minor, versions, expected) in [
        (
            "autoscaling/v2 HorizontalPodAutoscaler",
            36,
            &["autoscaling/v1"][..],
            "autoscaling/v1",
        ),
        (
            "autoscaling/v1 HorizontalPodAutoscaler",
            22,
            &["autoscaling/v2", "autoscaling/v2beta2"],
            "autoscaling/v2beta2",
        ),
        (
            "autoscaling/v1 HorizontalPodAutoscaler",
            22,
            &["autoscaling/v1"],
            "=",
        ),
        (
            "autoscaling/v1 HorizontalPodAutoscaler",
            36,
            &["autoscaling/v2beta2"],
            "no rule: autoscaling/v2 autoscaling/v1",
        ),
        (
            "resource.k8s.io/v1 ResourceClaim",
            36,
            &["resource.k8s.io/v1beta2"],
            "--runtime-config=resource.k8s.io/v1beta2=true",
        ),
        // Meant for another kind of this name.
        (
            "networking.k8s.io/v1beta1 Ingress",
            36,
            &["shop.io/v1"],
            "networking.k8s.io/v1",
        ),
    ] {
        let (_, name) = kind.split_once(' ').unwrap();
        let route = choose(
            &gvk(kind),
            None,
            &kubernetes(minor),
            &wanted(name, versions),
        );
        assert_eq!(told(&route), expected, "{kind} on 1.{minor}");
    }
}

#[test]
fn custom_kinds_convert_by_name_or_not_at_all() {
    let definition = |strategy: &str| {
        let json = format!(
            r#"{{"metadata":{{"name":"widgets.shop.io"}},"spec":{{"group":"shop.io","scope":"Namespaced",
            "names":{{"plural":"widgets","kind":"Widget"}},"conversion":{{"strategy":"{strategy}"}},
            "versions":[{{"name":"v1","served":true,"storage":true}},{{"name":"v1beta1","served":true}},{{"name":"v1alpha1","served":false}}]}}}}"#
        );
        CustomKind::from_crd(&Tree::parse(json.as_bytes()).unwrap()).unwrap()
    };
    let preferred = Wishes {
        policy: VersionPolicy::Preferred,
        ..Wishes::default()
    };
    let wanted = Wishes {
        versions: vec![("Widget".into(), "shop.io/v1".parse().unwrap())],
        ..Wishes::default()
    };
    for (strategy, version, wishes, expected) in [
        ("None", "v1beta1", &Wishes::default(), "="),
        ("None", "v1alpha1", &Wishes::default(), "shop.io/v1"),
        ("None", "v1beta1", &preferred, "shop.io/v1"),
        ("None", "v1beta1", &wanted, "shop.io/v1"),
        ("Webhook", "v1beta1", &Wishes::default(), "="),
        (
            "Webhook",
            "v1alpha1",
            &Wishes::default(),
            "webhook: v1 v1beta1",
        ),
        ("Webhook", "v1beta1", &preferred, "="),
        ("Webhook", "v1beta1", &wanted, "webhook: v1 v1beta1"),
    ] {
        let target = kubernetes(30).with_definitions([&definition(strategy)]);
        let kind = gvk(&format!("shop.io/{version} Widget"));
        let route = choose(&kind, None, &target, wishes);
        assert_eq!(told(&route), expected, "{strategy} {version} {wishes:?}");
    }
    // Served, but nobody said how it converts.
    let known = kubernetes(30).with_definitions([&definition("None")]);
    let recorded = TargetApis::from_json(&known.to_json().unwrap()).unwrap();
    let unknown = TargetApis::from_discovery(known.discovery().clone());
    for (target, expected) in [(recorded, "shop.io/v1"), (unknown, "no rule: v1 v1beta1")] {
        let kind = gvk("shop.io/v1alpha1 Widget");
        let route = choose(&kind, None, &target, &Wishes::default());
        assert_eq!(told(&route), expected);
    }
}
