use super::*;
use crate::{
    memory::MemoryVault,
    model::{ApiVersion, GroupVersionKind, LabelSelector, ServedVersion, builtin},
    port::{ApplyOptions, DeleteOptions, PutMode, ResourceApplier, VaultBackendExt, WriteOptions},
};
use bytes::Bytes;
use futures::TryStreamExt;

async fn folder(files: &[(&str, &str)]) -> (Arc<MemoryVault>, ManifestDir) {
    let vault = Arc::new(MemoryVault::new());
    for (key, text) in files {
        let key = VaultKey::parse(format!("app/{key}")).unwrap();
        vault
            .put(&key, (*text).to_owned().into(), PutMode::CreateNew)
            .await
            .unwrap();
    }
    let dir = ManifestDir::new(vault.clone(), VaultKey::parse("app").unwrap());
    (vault, dir)
}

fn request(resource: &str, version: &str) -> ListRequest {
    let resource: GroupResource = resource.parse().unwrap();
    let kind = builtin::resource(&resource).map_or("Widget", |row| row.kind);
    ListRequest {
        kind: GroupVersionKind {
            api_version: ApiVersion::new(resource.group(), version).unwrap(),
            kind: kind.to_owned(),
        },
        resource: resource.with_version(version),
        namespace: None,
        selector: LabelSelector::default(),
        page_bytes: 1 << 20,
        from: None,
    }
}

async fn list(dir: &ManifestDir, request: ListRequest) -> Vec<Page> {
    ResourceCollector::list(dir, request)
        .try_collect()
        .await
        .unwrap()
}

fn ids(pages: &[Page]) -> Vec<String> {
    pages
        .iter()
        .flat_map(|page| &page.objects)
        .map(|object| object.id().to_string())
        .collect()
}

fn options() -> WriteOptions {
    WriteOptions {
        field_manager: "csdr-1".into(),
        dry_run: false,
    }
}

fn config_map(name: &str, data: &str) -> Object {
    let json = format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","namespace":"shop"}},"data":{data}}}"#
    );
    Object::parse("configmaps".parse().unwrap(), json).unwrap()
}

const CRD: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.shop.io}
spec:
  group: shop.io
  scope: Namespaced
  names: {plural: widgets, kind: Widget}
  versions: [{name: v1, served: true, storage: true, subresources: {status: {}}}]
"#;

#[tokio::test]
async fn a_folder_is_read_in_order_and_nothing_is_silently_left_out() {
    let (_, dir) = folder(&[
        ("z/all.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: shop}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop, labels: {x: z}}\n---\nkind: List\napiVersion: v1\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: c}}\n- {apiVersion: v1, kind: ClusterRole, metadata: {name: no}}\n"),
        ("one.json", r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"r","namespace":"stray"},"n":1e3}"#),
        ("widget.yml", "apiVersion: shop.io/v1\nkind: Widget\nmetadata: {name: w}\n---\napiVersion: shop.io/v9\nkind: Widget\nmetadata: {name: late}\n"),
        ("crd.yaml", CRD),
        ("template.yaml", "a: {{ .Values.x }}: [\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"),
        ("values.yaml", "replicas: 3\n"),
        ("anonymous.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: x-, namespace: shop}\n"),
        ("bytes.yaml", "k: \u{0}"),
        (".git/config.yaml", "a: b: c"),
        ("README.md", "# no manifest"),
    ])
    .await;
    let discovery = ResourceCollector::discover(&dir).await.unwrap();
    let gaps: Vec<String> = discovery
        .gaps
        .iter()
        .map(|gap| format!("{} {}", gap.group, gap.reason))
        .collect();
    assert_eq!(gaps.len(), 5, "{gaps:#?}");
    for part in [
        "app/template.yaml line 1: cannot be read",
        "app/values.yaml line 1: is not a Kubernetes object",
        "app/bytes.yaml line 1: cannot be read",
        "shop.io app/widget.yml line 4: kind Widget of shop.io/v9 is neither built in nor defined",
        "app/z/all.yaml line 8: kind ClusterRole of v1 is neither built in nor defined",
    ] {
        assert!(
            gaps.iter().any(|gap| gap.contains(part)),
            "{part}: {gaps:#?}"
        );
    }
    assert!(discovery.server_version.is_empty());
    assert!(discovery.kind("shop.io", "Widget").is_some());

    let pages = list(&dir, request("configmaps", "v1")).await;
    assert_eq!(
        ids(&pages),
        [
            "configmaps/default/c",
            "configmaps/shop/a",
            "configmaps/shop/b"
        ]
    );
    assert_eq!(pages[0].unreadable[0].at, "app/anonymous.yaml line 1");
    let labelled = ListRequest {
        selector: "x=z".parse().unwrap(),
        ..request("configmaps", "v1")
    };
    assert_eq!(ids(&list(&dir, labelled).await), ["configmaps/shop/a"]);
    let elsewhere = ListRequest {
        namespace: Some("default".into()),
        ..request("configmaps", "v1")
    };
    let pages = list(&dir, elsewhere).await;
    assert_eq!(ids(&pages), ["configmaps/default/c"]);
    assert!(
        pages[0].unreadable.is_empty(),
        "the nameless one is of another namespace"
    );
    assert_eq!(
        ids(&list(&dir, request("widgets.shop.io", "v1")).await),
        ["widgets.shop.io/default/w"]
    );
    let role = list(
        &dir,
        request("clusterroles.rbac.authorization.k8s.io", "v1"),
    )
    .await;
    assert!(
        role[0].objects[0]
            .text()
            .ends_with(r#""metadata":{"name":"r"},"n":1e3}"#)
    );
}

#[tokio::test]
async fn gap_of_a_file_that_is_too_large_and_errors_of_a_folder_that_is() {
    let (_, dir) = folder(&[
        (
            "a.yaml",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n",
        ),
        ("b.yaml", &"# x\n".repeat(100)),
    ])
    .await;
    let small = ManifestLimits {
        file_bytes: 100,
        ..Default::default()
    };
    let discovery = ResourceCollector::discover(&dir.clone().with_limits(small))
        .await
        .unwrap();
    assert!(discovery.gaps[0].reason.contains("app/b.yaml"));
    for limits in [
        ManifestLimits {
            files: 1,
            ..Default::default()
        },
        ManifestLimits {
            total_bytes: 100,
            ..Default::default()
        },
    ] {
        let error = ResourceCollector::discover(&dir.clone().with_limits(limits))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exhausted);
    }
}

#[tokio::test]
async fn two_objects_of_one_name_are_an_error_that_names_both_files() {
    let (vault, dir) = folder(&[
        (
            "a.yaml",
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n",
        ),
        (
            "b.yaml",
            "{kind: Namespace, apiVersion: v1, metadata: {name: shop}}\n",
        ),
    ])
    .await;
    ResourceCollector::discover(&dir).await.unwrap();
    let other = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {a: b}}\n";
    vault
        .put(
            &VaultKey::parse("app/c.yaml").unwrap(),
            other.into(),
            PutMode::CreateNew,
        )
        .await
        .unwrap();
    let error = ResourceCollector::discover(&dir).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let line = error.to_string();
    assert!(
        line.contains("first=app/a.yaml")
            && line.contains("second=app/c.yaml")
            && line.contains("namespaces/shop"),
        "{line}"
    );
}

#[tokio::test]
async fn versions_are_those_in_which_objects_are_written() {
    let hpa = |version: &str, name: &str| {
        format!(
            "apiVersion: autoscaling/{version}\nkind: HorizontalPodAutoscaler\nmetadata: {{name: {name}}}\n"
        )
    };
    let (_, dir) = folder(&[
        ("a.yaml", &hpa("v1", "a")),
        (
            "i.yaml",
            "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: i}\n",
        ),
    ])
    .await;
    let versions = |discovery: &Discovery| -> Vec<String> {
        discovery
            .kind("autoscaling", "HorizontalPodAutoscaler")
            .unwrap()
            .versions
            .iter()
            .map(|row| row.version.clone())
            .collect()
    };
    let source = ResourceCollector::discover(&dir).await.unwrap();
    assert_eq!(versions(&source), ["v1"]);
    assert_eq!(
        source
            .kind("extensions", "Ingress")
            .unwrap()
            .preferred()
            .version,
        "v1beta1"
    );
    assert!(source.kind("extensions", "Deployment").is_none());
    assert_eq!(
        versions(&ResourceTarget::discover(&dir).await.unwrap()),
        ["v2", "v1"]
    );

    let (_, dir) = folder(&[
        ("a.yaml", &hpa("v1", "a")),
        ("b.yaml", &hpa("v2", "b")),
        ("c.yaml", &hpa("v2beta1", "c")),
    ])
    .await;
    assert_eq!(
        versions(&ResourceCollector::discover(&dir).await.unwrap()),
        ["v2", "v1", "v2beta1"]
    );
    let pages = list(&dir, request("horizontalpodautoscalers.autoscaling", "v2")).await;
    assert_eq!(
        ids(&pages),
        ["horizontalpodautoscalers.autoscaling/default/b"]
    );
    let pages = list(&dir, request("horizontalpodautoscalers.autoscaling", "v1")).await;
    assert_eq!((ids(&pages).len(), pages[0].unreadable.len()), (1, 0));
    let id = "horizontalpodautoscalers.autoscaling/default/a"
        .parse()
        .unwrap();
    let error = ResourceTarget::get(&dir, &id, "v2").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incompatible);
}

#[tokio::test]
async fn pages_go_on_where_they_stood() {
    let names = ["a", "b", "c", "d", "e"];
    let yaml: String = names
        .map(|name| format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"))
        .concat();
    let (_, dir) = folder(&[("a.yaml", &yaml)]).await;
    let pages = list(
        &dir,
        ListRequest {
            page_bytes: 200,
            ..request("configmaps", "v1")
        },
    )
    .await;
    assert_eq!(
        pages
            .iter()
            .map(|page| page.objects.len())
            .collect::<Vec<_>>(),
        [2, 2, 1]
    );
    assert_eq!(
        pages.iter().map(|page| page.remaining).collect::<Vec<_>>(),
        [Some(3), Some(1), None]
    );
    let from = ListRequest {
        from: pages[0].next.clone(),
        ..request("configmaps", "v1")
    };
    assert_eq!(
        ids(&list(&dir, from).await),
        ["c", "d", "e"].map(|name| format!("configmaps/default/{name}"))
    );
    let bad = ListRequest {
        from: Some("x".into()),
        ..request("configmaps", "v1")
    };
    assert_eq!(
        ResourceCollector::list(&dir, bad)
            .try_next()
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::InvalidInput
    );
    let unknown = request("nothings.shop.io", "v1");
    assert_eq!(
        ResourceCollector::list(&dir, unknown)
            .try_next()
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::NotFound
    );
}

#[tokio::test]
async fn one_file_and_declared_kinds() {
    let (vault, dir) = folder(&[(
        "w.yaml",
        "apiVersion: shop.io/v1\nkind: Widget\nmetadata: {name: w}\n",
    )])
    .await;
    assert_eq!(
        ResourceCollector::discover(&dir).await.unwrap().gaps.len(),
        1
    );
    let row = ApiResource {
        resource: "widgets.shop.io".parse().unwrap(),
        kind: "Widget".into(),
        namespaced: true,
        versions: vec![ServedVersion {
            version: "v1".into(),
            verbs: Vec::new(),
        }],
        short_names: Vec::new(),
    };
    let file = VaultKey::parse("app/w.yaml").unwrap();
    let dir = ManifestDir::new(vault, file.clone())
        .with_resource(row)
        .with_default_namespace("shop")
        .unwrap();
    assert!(
        ResourceCollector::discover(&dir)
            .await
            .unwrap()
            .gaps
            .is_empty()
    );
    let id = "widgets.shop.io/shop/w".parse().unwrap();
    assert_eq!(dir.file_of(&id).await.unwrap(), Some(file));
    assert!(dir.with_default_namespace("a/b").is_err());
}

#[tokio::test]
async fn rendering_gives_one_clean_file_an_object() {
    let (vault, dir) = folder(&[]).await;
    let json = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop","uid":"u","creationTimestamp":null,"managedFields":[],"annotations":{"a":"yes"}},"spec":{"replicas":2,"big":18446744073709551617},"status":{"x":1}}"#;
    let web = Object::parse("deployments.apps".parse().unwrap(), json).unwrap();
    let dry = WriteOptions {
        dry_run: true,
        ..options()
    };
    dir.create(&web, &dry).await.unwrap();
    let file = VaultKey::parse("app/shop/deployments.apps/web.yaml").unwrap();
    assert!(!vault.exists(&file).await.unwrap());
    let made = dir.create(&web, &options()).await.unwrap();
    let text = vault.read(&file, 1000).await.unwrap();
    assert_eq!(
        std::str::from_utf8(&text).unwrap(),
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: shop\n  annotations:\n    a: \"yes\"\nspec:\n  replicas: 2\n  big: 18446744073709551617\n"
    );
    for again in [
        &dir,
        &ManifestDir::new(vault.clone(), VaultKey::parse("app").unwrap()),
    ] {
        assert_eq!(
            ResourceTarget::get(again, web.id(), "v1").await.unwrap(),
            Some(made.clone())
        );
        assert_eq!(
            again.create(&web, &options()).await.unwrap_err().kind(),
            ErrorKind::AlreadyExists
        );
        assert_eq!(
            again.create(&web, &dry).await.unwrap_err().kind(),
            ErrorKind::AlreadyExists
        );
    }
    let namespace = Object::parse(
        "namespaces".parse().unwrap(),
        r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}"#,
    )
    .unwrap();
    dir.create(&namespace, &options()).await.unwrap();
    assert!(
        vault
            .exists(&VaultKey::parse("app/_cluster/namespaces/shop.yaml").unwrap())
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn custom_kinds_come_with_their_definition() {
    let (_, dir) = folder(&[]).await;
    let widget = Object::parse("widgets.shop.io".parse().unwrap(), r#"{"apiVersion":"shop.io/v1","kind":"Widget","metadata":{"name":"w","namespace":"shop"},"status":{"x":1}}"#).unwrap();
    assert_eq!(
        dir.create(&widget, &options()).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let tree = super::super::yaml::documents(CRD, &Default::default())
        .remove(0)
        .tree
        .unwrap();
    let crd = Object::from_tree(
        "customresourcedefinitions.apiextensions.k8s.io"
            .parse()
            .unwrap(),
        &tree,
    )
    .unwrap();
    dir.create(&crd, &options()).await.unwrap();
    assert!(
        !dir.create(&widget, &options())
            .await
            .unwrap()
            .text()
            .contains("status")
    );
    assert!(
        ResourceTarget::discover(&dir)
            .await
            .unwrap()
            .kind("shop.io", "Widget")
            .unwrap()
            .can(&["create"])
    );
}

#[tokio::test]
async fn own_files_can_be_changed_and_others_cannot() {
    let (vault, dir) = folder(&[(
        "hand.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hand, namespace: shop}\n",
    )])
    .await;
    let made = dir
        .create(&config_map("a", r#"{"k":"1","l":"x"}"#), &options())
        .await
        .unwrap();
    let patched = dir
        .merge_patch(
            made.id(),
            "v1",
            Bytes::from_static(br#"{"data":{"l":null}}"#),
            &options(),
        )
        .await
        .unwrap();
    assert!(patched.text().ends_with(r#""data":{"k":"1"}}"#));
    let replaced = dir
        .replace(&config_map("a", r#"{"k":"2"}"#), &options())
        .await
        .unwrap();
    assert_eq!(
        ResourceTarget::get(&dir, made.id(), "v1").await.unwrap(),
        Some(replaced)
    );
    let demanded = Object::parse("configmaps".parse().unwrap(), r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"shop","resourceVersion":"7"}}"#).unwrap();
    assert_eq!(
        dir.replace(&demanded, &options()).await.unwrap_err().kind(),
        ErrorKind::Conflict
    );
    let rename = Bytes::from_static(br#"{"metadata":{"name":"b"}}"#);
    assert_eq!(
        dir.merge_patch(made.id(), "v1", rename, &options())
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::InvalidInput
    );

    let hand = config_map("hand", "{}");
    for error in [
        dir.replace(&hand, &options()).await.unwrap_err(),
        dir.delete(hand.id(), "v1", &DeleteOptions::default())
            .await
            .unwrap_err(),
        dir.merge_patch(hand.id(), "v1", Bytes::from_static(b"{}"), &options())
            .await
            .unwrap_err(),
        dir.apply(&hand, &ApplyOptions::default())
            .await
            .unwrap_err(),
        dir.replace_status(&hand, &options()).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
    assert_eq!(
        dir.replace(&config_map("none", "{}"), &options())
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::NotFound
    );
    let wrong = DeleteOptions {
        uid: Some("u".into()),
        ..Default::default()
    };
    assert_eq!(
        dir.delete(made.id(), "v1", &wrong)
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::Conflict
    );
    dir.delete(made.id(), "v1", &DeleteOptions::default())
        .await
        .unwrap();
    assert!(
        !vault
            .exists(&dir.place_of(made.id()).unwrap())
            .await
            .unwrap()
    );
    assert_eq!(
        ResourceTarget::get(&dir, made.id(), "v1").await.unwrap(),
        None
    );
}

#[tokio::test]
async fn long_names_fit_into_a_file_system_and_stay_apart() {
    let (_, dir) = folder(&[]).await;
    let long = "a".repeat(250);
    let places: Vec<VaultKey> = ["b", "c"]
        .map(|end| {
            dir.place_of(config_map(&format!("{long}{end}"), "{}").id())
                .unwrap()
        })
        .to_vec();
    assert_ne!(places[0], places[1]);
    assert!(places.iter().all(|place| place.name().len() < 255));
}

#[tokio::test]
async fn a_watch_yields_what_stands_and_ends() {
    let (_, dir) = folder(&[(
        "a.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n",
    )])
    .await;
    let request = WatchRequest {
        resource: request("secrets", "v1").resource,
        namespace: Some("default".into()),
        name: None,
    };
    let events: Vec<WatchEvent> = dir.watch(request).try_collect().await.unwrap();
    assert!(matches!(&events[..], [WatchEvent::Applied(object)] if object.id().name() == "s"));
}
