//! What selected objects need, on a real API server: claims and volumes, roles of service accounts, definitions of custom resources.

use crate::world::{Cluster, bucket};
use csdr_core::{
    backup::Backup,
    report::{Outcome, RunOptions},
    restore::ObjectOutcome,
    spec::{BackupSpec, FieldMask, RestoreSpec},
};
use csdr_k8s::KubeCollector;
use futures::TryStreamExt;
use std::collections::BTreeSet;

const DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.shop.example.com}
spec:
  group: shop.example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

const SHOP: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: private, labels: {velero.io/exclude-from-backup: 'true'}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: secrets-of-others, namespace: private}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast}
provisioner: disk.example.com
volumeBindingMode: WaitForFirstConsumer
---
apiVersion: v1
kind: Secret
metadata: {name: oss, namespace: shop}
stringData: {akId: canary}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv-shop}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteMany]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: fast
  claimRef: {namespace: shop, name: data}
  csi: {driver: ossplugin.csi.alibabacloud.com, volumeHandle: pv-shop, nodePublishSecretRef: {name: oss, namespace: shop}}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv-other}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteMany]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: fast
  csi: {driver: ossplugin.csi.alibabacloud.com, volumeHandle: pv-other}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec:
  accessModes: [ReadWriteMany]
  resources: {requests: {storage: 1Gi}}
  storageClassName: fast
  volumeName: pv-shop
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: shop-high}
value: 1000
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: shop-reader}
rules: [{apiGroups: [''], resources: [nodes], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: shop-unused}
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: shop-web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: shop-reader}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: alb}
spec: {controller: example.com/alb}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec:
  ingressClassName: alb
  defaultBackend: {service: {name: web, port: {number: 80}}}
";

/// What needs the rest to be there.
const WORK: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: shop}}
spec:
  serviceAccountName: web
  priorityClassName: shop-high
  containers: [{name: web, image: 'example.invalid/web:1'}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
---
apiVersion: shop.example.com/v1
kind: Widget
metadata: {name: tea, namespace: shop, labels: {app: shop}}
";

const LABELLED: [&str; 12] = [
    "clusterrolebindings.rbac.authorization.k8s.io/shop-web",
    "clusterroles.rbac.authorization.k8s.io/shop-reader",
    "customresourcedefinitions.apiextensions.k8s.io/widgets.shop.example.com",
    "namespaces/shop",
    "persistentvolumeclaims/shop/data",
    "persistentvolumes/pv-shop",
    "pods/shop/web",
    "priorityclasses.scheduling.k8s.io/shop-high",
    "secrets/shop/oss",
    "serviceaccounts/shop/web",
    "storageclasses.storage.k8s.io/fast",
    "widgets.shop.example.com/shop/tea",
];

#[tokio::test]
async fn velero_2_6_r163_what_selected_objects_need_is_backed_up_and_restored() {
    let source = Cluster::start().await;
    // What is there already stays; a folder with a custom resource needs the definition beside it.
    let work = format!("{DEFINITION}---{WORK}");
    for yaml in [DEFINITION, SHOP, &work] {
        source.apply_yaml(yaml).await;
    }

    let (_server, vault) = bucket().await;
    // By label, with the volume's Secret masked.
    let spec = BackupSpec::named("labelled")
        .with_selector("app=shop".parse().unwrap())
        .with_masked_field(FieldMask::of("secrets", "/data"));
    let backup = Backup::new(KubeCollector::new(source.client().await), vault.clone());
    let plan = backup.plan(&spec).await.unwrap();
    let text = plan.to_string();
    assert!(
        text.contains("persistentvolumes (needed by claims)"),
        "{text}"
    );
    let said = backup
        .explain(&plan, &"secrets/shop/oss".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(
        said.to_string(),
        "secrets/shop/oss: in: needed by persistentvolumes/pv-shop (volumes); masked: /data emptied"
    );
    let report = backup.run(plan, &RunOptions::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    let stored = vault.backup("labelled").await.unwrap();
    assert_eq!(ids(&stored).await, LABELLED, "{report}");
    let secret = stored.object(&"secrets/shop/oss".parse().unwrap()).await;
    let secret = secret.unwrap().unwrap();
    assert!(secret.text().contains(r#""akId":"""#), "masked");

    // By namespace: the class of the Ingress as well, and no cluster-scoped object that nothing here needs.
    let spec = BackupSpec::named("whole").with_namespace("shop");
    let report = source.back_up(&vault, &spec).await;
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    let whole = ids(&vault.backup("whole").await.unwrap()).await;
    for id in LABELLED
        .iter()
        .chain(&["ingressclasses.networking.k8s.io/alb"])
    {
        assert!(whole.iter().any(|own| own == id), "{id}: {whole:?}");
    }
    for id in [
        "persistentvolumes/pv-other",
        "clusterroles.rbac.authorization.k8s.io/shop-unused",
        "clusterroles.rbac.authorization.k8s.io/cluster-admin",
    ] {
        assert!(!whole.iter().any(|own| own == id), "{id}: {whole:?}");
    }

    // A namespace whose owner opted out is in no backup.
    let report = source.back_up(&vault, &BackupSpec::named("all")).await;
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    let all = ids(&vault.backup("all").await.unwrap()).await;
    assert!(!all.iter().any(|id| id.contains("private")), "{all:?}");
    source.plane.stop().await;

    // One pod and all that it needs, into another cluster.
    let target = Cluster::start().await;
    let spec = RestoreSpec::from_backup("whole").with_roots(["pods/shop/web".parse().unwrap()]);
    let report = target.restore(&vault, &spec).await;
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert!(report.count(ObjectOutcome::Created) >= 9, "{report}");
    for path in [
        "/api/v1/namespaces/shop/pods/web",
        "/api/v1/persistentvolumes/pv-shop",
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/shop-web",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles/shop-reader",
    ] {
        assert!(target.get(path).await.is_some(), "{path}");
    }
    assert!(
        target
            .get("/apis/networking.k8s.io/v1/ingressclasses/alb")
            .await
            .is_none()
    );
    target.plane.stop().await;
}

async fn ids(backup: &csdr_core::vault::StoredBackup) -> Vec<String> {
    let rows: Vec<_> = backup.rows().try_collect().await.unwrap();
    let ids: BTreeSet<String> = rows.iter().map(|row| row.id.to_string()).collect();
    ids.into_iter().collect()
}
