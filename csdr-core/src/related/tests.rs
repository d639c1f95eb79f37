use super::*;
use crate::{model::Object, port::ItemAction};

fn object(id: &str, rest: &str) -> Object {
    let id: crate::model::ObjectId = id.parse().unwrap();
    let namespace = id
        .namespace()
        .map(|namespace| format!(r#","namespace":"{namespace}""#))
        .unwrap_or_default();
    let (metadata, rest) = rest.split_once('|').unwrap_or(("", rest));
    let json = format!(
        r#"{{"apiVersion":"v1","kind":"X","metadata":{{"name":"{}"{namespace}{metadata}}}{rest}}}"#,
        id.name()
    );
    Object::parse(id.resource().clone(), json).unwrap()
}

/// `+` before what it needs, `^` before whom it serves.
fn said(action: &dyn ItemAction, object: &Object) -> String {
    let related = action.related(object).unwrap();
    let said = related.iter().map(|related| match related {
        Related::Needs(target) => format!("+{target}"),
        Related::Serves(target) => format!("^{target}"),
    });
    said.collect::<Vec<_>>().join(" ")
}

const POD: &str = r#","spec":{"serviceAccountName":"web","priorityClassName":"high","runtimeClassName":"box",
  "imagePullSecrets":[{"name":"pull"}],
  "volumes":[
    {"name":"data","persistentVolumeClaim":{"claimName":"data-0"}},
    {"name":"tmp","ephemeral":{"volumeClaimTemplate":{}}},
    {"name":"conf","configMap":{"name":"conf"}},
    {"name":"cert","secret":{"secretName":"cert"}},
    {"name":"all","projected":{"sources":[{"configMap":{"name":"ca"}},{"secret":{"name":"token"}},{"serviceAccountToken":{}}]}},
    {"name":"oss","csi":{"driver":"x","nodePublishSecretRef":{"name":"oss"}}},
    {"name":"none"}],
  "initContainers":[{"env":[{"name":"A","valueFrom":{"secretKeyRef":{"name":"init","key":"a"}}}]}],
  "containers":[{"envFrom":[{"configMapRef":{"name":"env"}},{"secretRef":{"name":"envsecret"}}],"env":[{"name":"B","value":"x"},{"name":"C","valueFrom":{"configMapKeyRef":{"name":"key","key":"k"}}}]}]}"#;

#[test]
fn velero_2_7_what_objects_need() {
    let claims = "+persistentvolumeclaims/a/data-0";
    let needs = "+serviceaccounts/a/web +priorityclasses.scheduling.k8s.io/high +runtimeclasses.node.k8s.io/box";
    let configuration = "+secrets/a/pull +configmaps/a/conf +secrets/a/cert +configmaps/a/ca +secrets/a/token +secrets/a/oss +secrets/a/init +configmaps/a/env +secrets/a/envsecret +configmaps/a/key";
    let template = format!(
        r#","spec":{{"replicas":2,"template":{{{}}},"volumeClaimTemplates":[{{"metadata":{{"name":"disk"}}}}]}}"#,
        POD.trim_start_matches(',')
    );
    let cron = format!(
        r#","spec":{{"jobTemplate":{{"spec":{{"template":{{{}}}}}}}}}"#,
        POD.trim_start_matches(',')
    );
    let rows: &[(&dyn ItemAction, &str, &str, String)] = &[
        (&Pods, "pods/a/p", POD, format!("{claims} +persistentvolumeclaims/a/p-tmp {needs}")),
        (&Configuration, "pods/a/p", POD, configuration.to_owned()),
        (&Pods, "pods/a/p", r#","spec":null"#, String::new()),
        (&Pods, "pods/a/p", r#","spec":{"volumes":{"a":1},"serviceAccountName":7,"priorityClassName":""}"#, String::new()),
        (&Pods, "pods.other.io/a/p", POD, String::new()),
        (
            &Templates,
            "statefulsets.apps/a/db",
            &template,
            format!("{claims} {needs} {configuration} +persistentvolumeclaims/a/disk-db-0 +persistentvolumeclaims/a/disk-db-1"),
        ),
        (&Templates, "cronjobs.batch/a/c", &cron, format!("{claims} {needs} {configuration}")),
        (&Templates, "services/a/c", &template, String::new()),
        (
            &Claims,
            "persistentvolumeclaims/a/c",
            r#","spec":{"volumeName":"pv-1","storageClassName":"fast","dataSource":{"apiGroup":"snapshot.storage.k8s.io","kind":"VolumeSnapshot","name":"snap"},"dataSourceRef":{"apiGroup":"snapshot.storage.k8s.io","kind":"VolumeSnapshot","name":"snap"}}"#,
            "+persistentvolumes/pv-1 +storageclasses.storage.k8s.io/fast +volumesnapshots.snapshot.storage.k8s.io/a/snap".to_owned(),
        ),
        (
            &Claims,
            "persistentvolumeclaims/a/c",
            r#","annotations":{"volume.beta.kubernetes.io/storage-class":"old"}|,"spec":{}"#,
            "+storageclasses.storage.k8s.io/old".to_owned(),
        ),
        // R163: the Secret with the AccessKey pair of an OSS volume.
        (
            &Volumes,
            "persistentvolumes/pv-1",
            r#","spec":{"storageClassName":"","csi":{"driver":"ossplugin.csi.alibabacloud.com","nodePublishSecretRef":{"name":"oss","namespace":"a"},"nodeStageSecretRef":{"name":"oss","namespace":"a"},"controllerExpandSecretRef":{"name":"x","namespace":"b"}}}"#,
            "+secrets/a/oss +secrets/b/x".to_owned(),
        ),
        (
            &Volumes,
            "persistentvolumes/pv-1",
            r#","spec":{"storageClassName":"fast","claimRef":{"namespace":"a","name":"c"},"flexVolume":{"driver":"alicloud/oss","secretRef":{"name":"oss"}}}"#,
            "+storageclasses.storage.k8s.io/fast +secrets/a/oss".to_owned(),
        ),
        (
            &Volumes,
            "storageclasses.storage.k8s.io/fast",
            r#","parameters":{"csi.storage.k8s.io/node-publish-secret-name":"key","csi.storage.k8s.io/node-publish-secret-namespace":"a","csi.storage.k8s.io/provisioner-secret-name":"${pvc.name}","csi.storage.k8s.io/provisioner-secret-namespace":"a"}"#,
            "+secrets/a/key".to_owned(),
        ),
        (
            &ServiceAccounts,
            "serviceaccounts/a/web",
            r#","imagePullSecrets":[{"name":"pull"}],"secrets":[{"name":"web-token-abcde"}]"#,
            "+secrets/a/pull".to_owned(),
        ),
        (
            &Bindings,
            "clusterrolebindings.rbac.authorization.k8s.io/b",
            r#","roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"reader"},"subjects":[{"kind":"ServiceAccount","name":"web","namespace":"a"},{"kind":"User","name":"ann"},{"kind":"User","name":"system:serviceaccount:b:api"},{"kind":"Group","name":"system:serviceaccounts:c"},{"kind":"Group","name":"system:serviceaccounts"}]"#,
            "+clusterroles.rbac.authorization.k8s.io/reader ^serviceaccounts/a/web ^serviceaccounts/b/api ^namespaces/c".to_owned(),
        ),
        (
            &Bindings,
            "rolebindings.rbac.authorization.k8s.io/a/b",
            r#","roleRef":{"kind":"Role","name":"reader"},"subjects":[{"kind":"ServiceAccount","name":"web"}]"#,
            "+roles.rbac.authorization.k8s.io/a/reader ^serviceaccounts/a/web".to_owned(),
        ),
        (
            &Ingresses,
            "ingresses.networking.k8s.io/a/i",
            r#","annotations":{"kubernetes.io/ingress.class":"nginx"}|,"spec":{"ingressClassName":"alb"}"#,
            "+ingressclasses.networking.k8s.io/alb +ingressclasses.networking.k8s.io/nginx".to_owned(),
        ),
        (
            &network::Backends,
            "ingresses.networking.k8s.io/a/i",
            r#","spec":{"tls":[{"secretName":"cert"}],"defaultBackend":{"service":{"name":"web"}},"rules":[{"http":{"paths":[{"backend":{"service":{"name":"api"}}},{"backend":{"service":{"name":"web"}}}]}}]}"#,
            "+secrets/a/cert +services/a/web +services/a/api".to_owned(),
        ),
        (
            &network::Backends,
            "httproutes.gateway.networking.k8s.io/a/r",
            r#","spec":{"parentRefs":[{"name":"gw","namespace":"infra"}],"rules":[{"backendRefs":[{"name":"web"},{"kind":"Other","name":"x"}]}]}"#,
            "+gateways.gateway.networking.k8s.io/infra/gw +services/a/web".to_owned(),
        ),
        (
            &Gateways,
            "gateways.gateway.networking.k8s.io/a/gw",
            r#","spec":{"gatewayClassName":"envoy"}"#,
            "+gatewayclasses.gateway.networking.k8s.io/envoy".to_owned(),
        ),
        (
            &Autoscalers,
            "horizontalpodautoscalers.autoscaling/a/h",
            r#","spec":{"scaleTargetRef":{"apiVersion":"extensions/v1beta1","kind":"Deployment","name":"web"}}"#,
            "+Deployment.apps/a/web".to_owned(),
        ),
    ];
    for (action, id, rest, expected) in rows {
        assert_eq!(
            said(*action, &object(id, rest)),
            *expected,
            "{} {id}",
            action.name()
        );
    }
}

#[test]
fn velero_2_7_a_custom_resource_needs_its_definition() {
    for (resource, expected) in [
        (
            "widgets.shop.io",
            Some("customresourcedefinitions.apiextensions.k8s.io/widgets.shop.io"),
        ),
        ("pods", None),
        ("deployments.apps", None),
        ("ingresses.extensions", None),
    ] {
        let said = match Definitions.interest(&resource.parse().unwrap()) {
            Interest::Kind(needs) => needs.iter().find_map(|need| match need {
                Related::Needs(target) => Some(target.to_string()),
                Related::Serves(_) => None,
            }),
            _ => None,
        };
        assert_eq!(said.as_deref(), expected, "{resource}");
    }
}

#[test]
fn an_action_only_answers_for_kinds_that_it_has_an_interest_in() {
    let kinds = [
        "pods",
        "secrets",
        "services",
        "statefulsets.apps",
        "persistentvolumeclaims",
        "persistentvolumes",
        "serviceaccounts",
        "rolebindings.rbac.authorization.k8s.io",
        "ingresses.networking.k8s.io",
        "gateways.gateway.networking.k8s.io",
        "horizontalpodautoscalers.autoscaling",
        "widgets.shop.io",
    ];
    for action in needed() {
        for kind in kinds {
            let resource = kind.parse().unwrap();
            let asked = matches!(
                action.interest(&resource),
                Interest::Captured(_) | Interest::All
            );
            let related = action
                .related(&object(&format!("{kind}/a/x"), POD))
                .unwrap();
            assert!(asked || related.is_empty(), "{} {kind}", action.name());
        }
    }
}
