use super::*;
use crate::conversion::LossKind;

fn object(resource: &str, json: &str) -> Object {
    Object::parse(resource.parse().unwrap(), json.as_bytes().to_vec()).unwrap()
}

fn kubernetes(minor: u32) -> TargetApis {
    TargetApis::kubernetes(1, minor).unwrap()
}

#[test]
fn a_kind_that_moved_lies_in_its_new_group() {
    let old = object(
        "podsecuritypolicies.extensions",
        r#"{"apiVersion":"extensions/v1beta1","kind":"PodSecurityPolicy","metadata":{"name":"a"},"spec":{}}"#,
    );
    let Conversion::Converted { object, to, .. } = BuiltinConverter::new()
        .convert(&old, &kubernetes(24))
        .unwrap()
    else {
        panic!("not converted");
    };
    assert_eq!(to.to_string(), "policy/v1beta1");
    assert_eq!(object.id().to_string(), "podsecuritypolicies.policy/a");
}

#[test]
fn what_changes_its_version_loses_what_speaks_of_the_old_one() {
    let old = object(
        "clusterroles.rbac.authorization.k8s.io",
        r#"{"apiVersion":"rbac.authorization.k8s.io/v1beta1","kind":"ClusterRole","metadata":{"name":"a","selfLink":"/x","clusterName":"",
        "managedFields":[{"manager":"kubectl"}],"labels":{"k":"v"}},"rules":[],"rulez":[1]}"#,
    );
    let Conversion::Converted {
        object,
        changes,
        losses,
        ..
    } = BuiltinConverter::new()
        .convert(&old, &kubernetes(30))
        .unwrap()
    else {
        panic!("not converted");
    };
    assert_eq!(
        object.text(),
        r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"a","labels":{"k":"v"}},"rules":[],"rulez":[1]}"#
    );
    let removed: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
    for path in [
        "/metadata/managedFields",
        "/metadata/selfLink",
        "/metadata/clusterName",
        "/apiVersion",
    ] {
        assert!(removed.contains(&path), "{removed:?}");
    }
    assert!(
        losses
            .iter()
            .any(|loss| loss.kind == LossKind::UnknownField && loss.path == "/rulez")
    );
}

#[test]
fn custom_resources_change_their_version_alone() {
    let crd = Tree::parse(
        br#"{"metadata":{"name":"widgets.shop.io"},"spec":{"group":"shop.io","scope":"Namespaced","names":{"plural":"widgets","kind":"Widget"},
        "versions":[{"name":"v1","served":true,"storage":true}]}}"#,
    );
    let definition = crate::model::CustomKind::from_crd(&crd.unwrap()).unwrap();
    let target = kubernetes(30).with_definitions([&definition]);
    let old = object(
        "widgets.shop.io",
        r#"{"kind":"Widget","apiVersion":"shop.io/v1beta1","metadata":{"name":"a","namespace":"n"},"any":[1e3,null,{}]}"#,
    );
    let Conversion::Converted { object, losses, .. } =
        BuiltinConverter::new().convert(&old, &target).unwrap()
    else {
        panic!("not converted");
    };
    assert_eq!(
        object.text(),
        r#"{"kind":"Widget","apiVersion":"shop.io/v1","metadata":{"name":"a","namespace":"n"},"any":[1e3,null,{}]}"#
    );
    assert!(losses.is_empty());
}

#[test]
fn what_the_cluster_makes_by_itself_is_told_by_the_object() {
    let claim = |annotations: &str| {
        object(
            "resourceclaims.resource.k8s.io",
            &format!(
                r#"{{"apiVersion":"resource.k8s.io/v1beta2","kind":"ResourceClaim","metadata":{{"name":"a","namespace":"n","annotations":{annotations}}},
                "spec":{{}}}}"#
            ),
        )
    };
    let of_pod = claim(r#"{"resource.kubernetes.io/pod-claim-name":"gpu"}"#);
    let own = claim(r#"{"shop.io/x":"gpu"}"#);
    let converter = BuiltinConverter::new();
    let answer = |claim| converter.convert(claim, &kubernetes(36)).unwrap();
    assert!(matches!(
        answer(&of_pod),
        Conversion::Skipped {
            reason: SkipReason::MadeByCluster { .. }
        }
    ));
    assert!(matches!(answer(&own), Conversion::Converted { .. }));
}

#[test]
fn a_port_is_shared() {
    let converter: std::sync::Arc<dyn ApiVersionConverter> =
        std::sync::Arc::new(BuiltinConverter::new());
    let map = object(
        "configmaps",
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"n"}}"#,
    );
    let answer = ApiVersionConverter::convert(&converter, &map, &kubernetes(36));
    assert_eq!(answer.unwrap(), Conversion::Unchanged);
}
