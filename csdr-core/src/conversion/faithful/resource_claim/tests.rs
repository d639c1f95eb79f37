use crate::{
    ErrorKind,
    conversion::{
        draft::Log,
        faithful::{self, table::check},
    },
    model::Tree,
};

fn of(version: &str, kind: &str, rest: &str) -> String {
    format!(r#"{{"apiVersion":"resource.k8s.io/{version}","kind":"{kind}"{rest}}}"#)
}

#[test]
fn requests_of_claims_and_templates() {
    // Source: pkg/apis/resource/v1beta1/{defaults,conversion}.go.
    let table = [
        (
            r#"{"name":"r","deviceClassName":"g"}"#,
            r#"{"name":"r","exactly":{"deviceClassName":"g","allocationMode":"ExactCount","count":1}}"#,
        ),
        (
            r#"{"name":"r","deviceClassName":"g","allocationMode":"All","tolerations":[{"key":"k"}]}"#,
            r#"{"name":"r","exactly":{"deviceClassName":"g","allocationMode":"All","tolerations":[{"key":"k","operator":"Equal"}]}}"#,
        ),
        (
            r#"{"name":"r","firstAvailable":[{"deviceClassName":"g","count":0}]}"#,
            r#"{"name":"r","firstAvailable":[{"deviceClassName":"g","count":1,"allocationMode":"ExactCount"}]}"#,
        ),
        (
            r#"{"name":"r","deviceClassName":"","count":0}"#,
            r#"{"name":"r"}"#,
        ),
        (
            r#"{"name":"r","selectors":[]}"#,
            r#"{"name":"r","exactly":{"selectors":[]}}"#,
        ),
        (
            r#"{"name":"r","adminAccess":false}"#,
            r#"{"name":"r","exactly":{"adminAccess":false}}"#,
        ),
        ("7", "7"),
    ];
    for (request, expected) in table {
        for from in ["v1alpha3", "v1beta1"] {
            for to in ["v1beta2", "v1"] {
                let spec = |request: &str| format!(r#"{{"devices":{{"requests":[{request}]}}}}"#);
                let claim = |request: &str| format!(r#","spec":{}"#, spec(request));
                let template = |request: &str| format!(r#","spec":{{"spec":{}}}"#, spec(request));
                let to_version = format!("resource.k8s.io/{to}");
                let (kind, other) = ("ResourceClaim", "ResourceClaimTemplate");
                check(&[
                    (
                        &of(from, kind, &claim(request)),
                        &to_version,
                        &of(to, kind, &claim(expected)),
                    ),
                    (
                        &of(from, other, &template(request)),
                        &to_version,
                        &of(to, other, &template(expected)),
                    ),
                ]);
            }
        }
    }
}

#[test]
fn requests_downwards() {
    let flat = r#","spec":{"devices":{"requests":[{"name":"r","deviceClassName":"g","allocationMode":"ExactCount","count":1}]}}"#;
    let exact =
        r#","spec":{"devices":{"requests":[{"name":"r","exactly":{"deviceClassName":"g"}}]}}"#;
    let kind = "ResourceClaim";
    check(&[
        (
            &of("v1", kind, exact),
            "resource.k8s.io/v1beta1",
            &of("v1beta1", kind, flat),
        ),
        (
            &of("v1beta2", kind, exact),
            "resource.k8s.io/v1alpha3",
            &of("v1alpha3", kind, flat),
        ),
        (
            &of("v1beta1", kind, flat),
            "resource.k8s.io/v1alpha3",
            &of("v1alpha3", kind, flat),
        ),
    ]);
}

#[test]
fn slices() {
    let alpha = r#","spec":{"nodeName":"","allNodes":false,"devices":[{"name":"d","basic":{"attributes":{"a":{"int":1}},"capacity":{"m":"8Gi"}}}]}"#;
    let beta = r#","spec":{"devices":[{"name":"d","basic":{"attributes":{"a":{"int":1}},"capacity":{"m":{"value":"8Gi"}}}}]}"#;
    let flat = r#","spec":{"devices":[{"name":"d","attributes":{"a":{"int":1}},"capacity":{"m":{"value":"8Gi"}}}]}"#;
    let kind = "ResourceSlice";
    check(&[
        (
            &of("v1alpha3", kind, alpha),
            "resource.k8s.io/v1",
            &of("v1", kind, flat),
        ),
        (
            &of("v1alpha3", kind, alpha),
            "resource.k8s.io/v1beta1",
            &of("v1beta1", kind, beta),
        ),
        (
            &of("v1beta1", kind, beta),
            "resource.k8s.io/v1beta2",
            &of("v1beta2", kind, flat),
        ),
        (
            &of("v1", kind, flat),
            "resource.k8s.io/v1beta1",
            &of("v1beta1", kind, beta),
        ),
        (
            &of(
                "v1",
                kind,
                r#","spec":{"devices":[{"name":"d","capacity":{"m":{"value":"1","requestPolicy":{"default":"1"}}}},7]}"#,
            ),
            "resource.k8s.io/v1alpha3",
            &of(
                "v1alpha3",
                kind,
                r#","spec":{"devices":[{"name":"d","basic":{"capacity":{"m":"1"}}},7]}"#,
            ),
        ),
        (
            &of("v1", kind, r#","spec":{"devices":[{"name":"d"}]}"#),
            "resource.k8s.io/v1beta1",
            &of(
                "v1beta1",
                kind,
                r#","spec":{"devices":[{"name":"d","basic":{}}]}"#,
            ),
        ),
    ]);
}

#[test]
fn what_only_v1alpha3_had_is_lost() {
    check(&[
        (
            &of(
                "v1alpha3",
                "ResourceClaim",
                r#","spec":{"controller":"c"},"status":{"deallocationRequested":true,"allocation":{"controller":"c"}}"#,
            ),
            "resource.k8s.io/v1",
            &of(
                "v1",
                "ResourceClaim",
                r#","spec":{},"status":{"allocation":{}}"#,
            ),
        ),
        (
            &of(
                "v1alpha3",
                "DeviceClass",
                r#","spec":{"suitableNodes":{"nodeSelectorTerms":[]}}"#,
            ),
            "resource.k8s.io/v1beta1",
            &of("v1beta1", "DeviceClass", r#","spec":{}"#),
        ),
        (
            &of(
                "v1alpha3",
                "DeviceTaintRule",
                r#","spec":{"deviceSelector":{"driver":"d","selectors":[{"cel":1}]}}"#,
            ),
            "resource.k8s.io/v1beta2",
            &of(
                "v1beta2",
                "DeviceTaintRule",
                r#","spec":{"deviceSelector":{"driver":"d"}}"#,
            ),
        ),
    ]);
}

#[test]
fn the_first_design_has_no_way_out_and_none_in() {
    for (from, to) in [
        ("v1alpha1", "v1"),
        ("v1alpha2", "v1alpha3"),
        ("v1", "v1alpha2"),
    ] {
        let mut tree = Tree::parse(of(from, "ResourceClaim", "").as_bytes()).unwrap();
        let to = format!("resource.k8s.io/{to}").parse().unwrap();
        let error = faithful::convert(&mut tree, &to, &mut Log::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}
