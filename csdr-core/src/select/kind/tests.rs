use super::*;

fn object(id: &str, meta: &str, rest: &str) -> Object {
    let id: crate::model::ObjectId = id.parse().unwrap();
    let namespace = id
        .namespace()
        .map(|namespace| format!(r#","namespace":"{namespace}""#))
        .unwrap_or_default();
    let json = format!(
        r#"{{"apiVersion":"v1","kind":"X","metadata":{{"name":"{}"{namespace}{meta}}}{rest}}}"#,
        id.name()
    );
    Object::parse(id.resource().clone(), json).unwrap()
}

#[test]
fn kinds_that_are_never_stored_or_never_restored() {
    for (resource, stored, restored) in [
        ("events", false, false),
        ("events.events.k8s.io", false, false),
        ("nodes", false, false),
        ("csinodes.storage.k8s.io", false, false),
        ("volumeattachments.storage.k8s.io", false, false),
        ("leases.coordination.k8s.io", false, false),
        ("ipaddresses.networking.k8s.io", false, false),
        ("resourceslices.resource.k8s.io", false, false),
        ("componentstatuses", false, false),
        ("backups.velero.io", true, false),
        ("restores.velero.io", true, false),
        ("pods", true, true),
        ("secrets", true, true),
        ("resourceclaims.resource.k8s.io", true, true),
        ("nodes.other.io", true, true),
    ] {
        let resource = resource.parse().unwrap();
        assert_eq!(never_stored(&resource).is_none(), stored, "{resource}");
        assert_eq!(never_restored(&resource).is_none(), restored, "{resource}");
    }
}

#[test]
fn r180_r181_r182_r286_system_namespaces() {
    for name in [
        "csdr",
        "ack-csi-fuse",
        "kube-system",
        "kube-public",
        "kube-node-lease",
    ] {
        assert!(is_system_namespace(name), "{name}");
    }
    for name in ["default", "kube-systems", "shop"] {
        assert!(!is_system_namespace(name), "{name}");
    }
}

#[test]
fn objects_that_are_left_out_by_themselves() {
    let token = |account: &str| {
        format!(r#","annotations":{{"kubernetes.io/service-account.name":"{account}"}}"#)
    };
    const TOKEN: &str = r#","type":"kubernetes.io/service-account-token""#;
    for (id, meta, rest, expected) in [
        ("pods/a/p", "", "", None),
        // R169.
        (
            "pods/a/p",
            r#","deletionTimestamp":"2026-01-01T00:00:00Z""#,
            "",
            Some(LeftOutReason::BeingDeleted),
        ),
        // velero.md section 2.4: exactly `true`.
        (
            "pods/a/p",
            r#","labels":{"velero.io/exclude-from-backup":"true"}"#,
            "",
            Some(LeftOutReason::OptedOut),
        ),
        (
            "pods/a/p",
            r#","labels":{"csdr.alibabacloud.com/exclude-from-backup":"true"}"#,
            "",
            Some(LeftOutReason::OptedOut),
        ),
        (
            "pods/a/p",
            r#","labels":{"velero.io/exclude-from-backup":"True"}"#,
            "",
            None,
        ),
        (
            "pods/a/p",
            r#","labels":{"velero.io/exclude-from-backup":"1"}"#,
            "",
            None,
        ),
        (
            "secrets/a/web-token-x7k2p",
            &token("web"),
            TOKEN,
            Some(LeftOutReason::MadeByCluster),
        ),
        // One that a person asked for.
        ("secrets/a/web-token", &token("web"), TOKEN, None),
        ("secrets/a/my-token-x7k2p", &token("web"), TOKEN, None),
        (
            "secrets/a/web-token-x7k2p",
            &token("web"),
            r#","type":"Opaque""#,
            None,
        ),
        (
            "secrets/a/web-token-x7k2p",
            &token("web"),
            r#","type":"Opaque","data":{"a":"kubernetes.io/service-account-token"}"#,
            None,
        ),
        (
            "secrets/kube-system/bootstrap-token-abcdef",
            "",
            r#","type":"bootstrap.kubernetes.io/token""#,
            Some(LeftOutReason::MadeByCluster),
        ),
        (
            "configmaps/a/kube-root-ca.crt",
            "",
            "",
            Some(LeftOutReason::MadeByCluster),
        ),
        (
            "endpointslices.discovery.k8s.io/a/s",
            r#","labels":{"endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io"}"#,
            "",
            Some(LeftOutReason::MadeByCluster),
        ),
        (
            "endpointslices.discovery.k8s.io/a/s",
            r#","labels":{"endpointslice.kubernetes.io/managed-by":"mine"}"#,
            "",
            None,
        ),
        (
            "clusterroles.rbac.authorization.k8s.io/view",
            r#","labels":{"kubernetes.io/bootstrapping":"rbac-defaults"}"#,
            "",
            Some(LeftOutReason::MadeByCluster),
        ),
        (
            "priorityclasses.scheduling.k8s.io/system-node-critical",
            "",
            "",
            Some(LeftOutReason::MadeByCluster),
        ),
    ] {
        let left = object_left_out(&object(id, meta, rest));
        assert_eq!(
            left.as_ref().map(|left| left.reason),
            expected,
            "{id} {meta} {rest}"
        );
    }
}
