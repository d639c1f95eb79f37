use super::*;
use std::collections::BTreeSet;

#[test]
fn rows_are_sorted_and_well_formed() {
    let key = |row: &Lifecycle| (row.kind, row.group, row.version);
    assert!(rows().is_sorted_by(|a, b| key(a) < key(b)));
    assert_eq!(rows().len(), 222);
    for row in rows() {
        let version = crate::model::ApiVersion::new(row.group, row.version).unwrap();
        assert_eq!(row.api_version(), version.to_string());
        let kind = GroupVersionKind {
            api_version: version,
            kind: row.kind.to_owned(),
        };
        assert_eq!(lookup(&kind), Some(row));
        assert!(row.removed.is_none_or(|removed| removed > row.introduced));
        assert!(family(row).any(|member| member == row));
        if let Some((group, version)) = row.replacement {
            let successor = super::row(group, version, row.kind).unwrap();
            assert!(family(row).any(|member| member == successor), "{row}");
        }
        // A conversion leads only between objects of one scope.
        assert!(family(row).all(|member| member.namespaced == row.namespaced || !row.stored));
    }
}

#[test]
fn families_cross_groups_and_leave_out_what_nothing_converts() {
    for (group, kind, expected) in [
        (
            "extensions",
            "Ingress",
            &[
                "networking.k8s.io/v1",
                "networking.k8s.io/v1beta1",
                "extensions/v1beta1",
            ][..],
        ),
        (
            "apps",
            "Deployment",
            &[
                "apps/v1",
                "apps/v1beta2",
                "apps/v1beta1",
                "extensions/v1beta1",
            ],
        ),
        (
            "policy",
            "PodSecurityPolicy",
            &["policy/v1beta1", "extensions/v1beta1"],
        ),
        // Source: api-versions.md sections 1.5 and 1.6: v1 hides metrics in annotations.
        (
            "autoscaling",
            "HorizontalPodAutoscaler",
            &[
                "autoscaling/v2",
                "autoscaling/v2beta2",
                "autoscaling/v2beta1",
                "autoscaling/v1",
            ],
        ),
        (
            "",
            "Event",
            &["v1", "events.k8s.io/v1", "events.k8s.io/v1beta1"],
        ),
        (
            "events.k8s.io",
            "Event",
            &["v1", "events.k8s.io/v1", "events.k8s.io/v1beta1"],
        ),
        (
            "coordination.k8s.io",
            "LeaseCandidate",
            &[
                "coordination.k8s.io/v1beta1",
                "coordination.k8s.io/v1alpha2",
                "coordination.k8s.io/v1alpha1",
            ],
        ),
    ] {
        let versions = versions_of(group, kind);
        let found: Vec<String> = versions.iter().map(|row| row.api_version()).collect();
        assert_eq!(found, expected, "{kind}");
    }
    let claim = |version| row("resource.k8s.io", version, "ResourceClaim").unwrap();
    assert_eq!(family(claim("v1")).count(), 4);
    assert_eq!(family(claim("v1alpha1")).count(), 1);
    assert_eq!(family(claim("v1alpha2")).count(), 1);
    assert_eq!(versions_of("resource.k8s.io", "ResourceClaim").len(), 6);
    assert!(versions_of("shop.io", "Widget").is_empty());
}

/// What `instance.go` of each release switches on: `data/served-by-default.txt`.
struct Instance {
    minor: u32,
    /// Group and version; groups by the names of their Go packages.
    stable: BTreeSet<String>,
    /// Single resources of a version that is switched off otherwise.
    resources: BTreeSet<String>,
}

fn instances() -> Vec<Instance> {
    let mut found: Vec<Instance> = Vec::new();
    for line in include_str!("data/served-by-default.txt").lines() {
        if let Some(minor) = line.strip_prefix("== 1.") {
            found.push(Instance {
                minor: minor.trim().parse().unwrap(),
                stable: BTreeSet::new(),
                resources: BTreeSet::new(),
            });
        } else if let Some((name, list)) = line.split_once(':') {
            let instance = found.last_mut().unwrap();
            let items = list.split(',').map(|item| item.trim().to_owned());
            match name.trim() {
                "EnableVersions" => instance.stable.extend(items),
                name if name.to_ascii_lowercase().contains("stable") => {
                    instance.stable.extend(items)
                }
                name if name.contains("legacyBeta") => instance.resources.extend(items),
                _ => {}
            }
        }
    }
    found
}

/// The group as `instance.go` calls it.
fn package(group: &str) -> &str {
    match group {
        "" => "core",
        "internal.apiserver.k8s.io" => "apiserverinternal",
        group => group.split('.').next().unwrap_or_default(),
    }
}

#[test]
fn what_is_served_by_default_is_what_the_releases_switch_on() {
    let instances = instances();
    assert!(instances.len() >= 12, "{}", instances.len());
    for instance in instances {
        let minor = instance.minor;
        // Two groups come with API servers of their own; three hold nothing that has a path.
        let elsewhere = |row: &&Lifecycle| {
            !matches!(
                row.group,
                "apiextensions.k8s.io"
                    | "apiregistration.k8s.io"
                    | "admission.k8s.io"
                    | "apidiscovery.k8s.io"
            )
        };
        let mut seen = BTreeSet::new();
        for row in served_in(1, minor)
            .filter(elsewhere)
            .filter(|row| row.namespaced.is_some())
        {
            let version = format!("{}/{}", package(row.group), row.version);
            let resource = format!("{version}/{}", row.plural);
            assert!(
                instance.stable.contains(&version) || instance.resources.contains(&resource),
                "1.{minor} does not switch {row} on"
            );
            seen.insert(version);
            seen.insert(resource);
        }
        for name in instance.stable.iter().chain(&instance.resources) {
            let gone = |row: &Lifecycle| {
                name.starts_with(&format!("{}/{}", package(row.group), row.version))
                    && row.removed_in(minor)
            };
            assert!(
                seen.contains(name) || rows().iter().any(gone),
                "1.{minor} switches {name} on"
            );
        }
    }
}
