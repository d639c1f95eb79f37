use super::*;
use crate::{
    model::{Object, Tree},
    modifier::ResourceModifiers,
};

fn mapping() -> NamespaceMapping {
    let pairs = [("shop", "copy"), ("a", "b"), ("b", "a"), ("same", "same")];
    NamespaceMapping::new(pairs.map(|(from, to)| (from.to_owned(), to.to_owned())))
}

/// An object of a resource with these further members.
fn object(resource: &str, members: &str) -> Object {
    let group = resource
        .split_once('.')
        .map_or(String::new(), |(_, group)| format!("{group}/"));
    let json = format!(
        r#"{{"apiVersion":"{group}v1","kind":"X","metadata":{{"name":"x","namespace":"shop"}},{members}}}"#
    );
    Object::parse(resource.parse().unwrap(), json.into_bytes()).unwrap()
}

fn item(stored: &Object) -> TransformItem<'_> {
    TransformItem::new(stored, stored.id().clone(), stored.tree().unwrap())
}

/// The members after the transform, and what was told.
fn mapped(resource: &str, members: &str) -> (String, Vec<String>) {
    let stored = object(resource, members);
    let mut item = item(&stored);
    mapping().transform(&mut item).unwrap();
    let told = item.losses().iter().map(ToString::to_string).collect();
    let mut tree = item.tree().clone();
    for field in ["apiVersion", "kind", "metadata"] {
        tree.remove(&[field]);
    }
    let text = tree.to_string();
    (text[1..text.len() - 1].to_owned(), told)
}

#[test]
fn references_follow_their_namespace() {
    for (resource, before, after) in [
        // velero_3_9: subjects; and what Velero leaves.
        (
            "rolebindings.rbac.authorization.k8s.io",
            r#""subjects":[{"kind":"ServiceAccount","name":"w","namespace":"shop"},{"kind":"ServiceAccount","name":"w","namespace":"other"},{"kind":"Group","name":"system:serviceaccounts:shop"},{"kind":"Group","name":"system:serviceaccounts"},{"kind":"User","name":"system:serviceaccount:shop:w"},{"kind":"User","name":"shop"}]"#,
            r#""subjects":[{"kind":"ServiceAccount","name":"w","namespace":"copy"},{"kind":"ServiceAccount","name":"w","namespace":"other"},{"kind":"Group","name":"system:serviceaccounts:copy"},{"kind":"Group","name":"system:serviceaccounts"},{"kind":"User","name":"system:serviceaccount:copy:w"},{"kind":"User","name":"shop"}]"#,
        ),
        (
            "clusterrolebindings.rbac.authorization.k8s.io",
            r#""subjects":[{"kind":"ServiceAccount","name":"w","namespace":"a"},{"kind":"ServiceAccount","name":"w","namespace":"b"}]"#,
            r#""subjects":[{"kind":"ServiceAccount","name":"w","namespace":"b"},{"kind":"ServiceAccount","name":"w","namespace":"a"}]"#,
        ),
        (
            "clusterroles.rbac.authorization.k8s.io",
            r#""rules":[{"apiGroups":[""],"resources":["namespaces"],"resourceNames":["shop","x"]},{"apiGroups":[""],"resources":["namespaces","pods"],"resourceNames":["shop"]},{"apiGroups":["apps"],"resources":["deployments"],"resourceNames":["shop"]}]"#,
            r#""rules":[{"apiGroups":[""],"resources":["namespaces"],"resourceNames":["copy","x"]},{"apiGroups":[""],"resources":["namespaces","pods"],"resourceNames":["shop"]},{"apiGroups":["apps"],"resources":["deployments"],"resourceNames":["shop"]}]"#,
        ),
        (
            "flowschemas.flowcontrol.apiserver.k8s.io",
            r#""spec":{"rules":[{"subjects":[{"kind":"ServiceAccount","serviceAccount":{"name":"*","namespace":"shop"}},{"kind":"Group","group":{"name":"system:serviceaccounts:shop"}}],"resourceRules":[{"namespaces":["shop","*"]}]}]}"#,
            r#""spec":{"rules":[{"subjects":[{"kind":"ServiceAccount","serviceAccount":{"name":"*","namespace":"copy"}},{"kind":"Group","group":{"name":"system:serviceaccounts:copy"}}],"resourceRules":[{"namespaces":["copy","*"]}]}]}"#,
        ),
        (
            "networkpolicies.networking.k8s.io",
            r#""spec":{"ingress":[{"from":[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"shop","name":"shop"}}},{"namespaceSelector":{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"In","values":["shop","other","a"]},{"key":"team","operator":"In","values":["shop"]}]}}]}],"egress":[{"to":[{"namespaceSelector":{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["b"]}]}},{"podSelector":{"matchLabels":{"kubernetes.io/metadata.name":"shop"}}}]}]}"#,
            r#""spec":{"ingress":[{"from":[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"copy","name":"shop"}}},{"namespaceSelector":{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"In","values":["copy","other","b"]},{"key":"team","operator":"In","values":["shop"]}]}}]}],"egress":[{"to":[{"namespaceSelector":{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["a"]}]}},{"podSelector":{"matchLabels":{"kubernetes.io/metadata.name":"shop"}}}]}]}"#,
        ),
        (
            "validatingwebhookconfigurations.admissionregistration.k8s.io",
            r#""webhooks":[{"clientConfig":{"service":{"name":"w","namespace":"shop"}},"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"a"}}}]"#,
            r#""webhooks":[{"clientConfig":{"service":{"name":"w","namespace":"copy"}},"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"b"}}}]"#,
        ),
        (
            "validatingadmissionpolicybindings.admissionregistration.k8s.io",
            r#""spec":{"paramRef":{"name":"p","namespace":"shop"},"matchResources":{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"shop"}}}}"#,
            r#""spec":{"paramRef":{"name":"p","namespace":"copy"},"matchResources":{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"copy"}}}}"#,
        ),
        (
            "validatingadmissionpolicies.admissionregistration.k8s.io",
            r#""spec":{"matchConstraints":{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"shop"}}}}"#,
            r#""spec":{"matchConstraints":{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"copy"}}}}"#,
        ),
        (
            "apiservices.apiregistration.k8s.io",
            r#""spec":{"service":{"name":"s","namespace":"shop"}}"#,
            r#""spec":{"service":{"name":"s","namespace":"copy"}}"#,
        ),
        (
            "customresourcedefinitions.apiextensions.k8s.io",
            r#""spec":{"conversion":{"webhook":{"clientConfig":{"service":{"namespace":"shop"}}}}}"#,
            r#""spec":{"conversion":{"webhook":{"clientConfig":{"service":{"namespace":"copy"}}}}}"#,
        ),
        (
            "services",
            r#""spec":{"type":"ExternalName","externalName":"db.shop.svc.cluster.local"}"#,
            r#""spec":{"type":"ExternalName","externalName":"db.copy.svc.cluster.local"}"#,
        ),
        (
            "persistentvolumes",
            r#""spec":{"claimRef":{"name":"c","namespace":"shop"},"csi":{"nodeStageSecretRef":{"name":"s","namespace":"shop"},"controllerExpandSecretRef":{"name":"s","namespace":"other"}},"azureFile":{"secretNamespace":"a"}}"#,
            r#""spec":{"claimRef":{"name":"c","namespace":"copy"},"csi":{"nodeStageSecretRef":{"name":"s","namespace":"copy"},"controllerExpandSecretRef":{"name":"s","namespace":"other"}},"azureFile":{"secretNamespace":"b"}}"#,
        ),
        (
            "storageclasses.storage.k8s.io",
            r#""parameters":{"csi.storage.k8s.io/provisioner-secret-namespace":"shop","csi.storage.k8s.io/node-publish-secret-namespace":"${pvc.namespace}","adminSecretNamespace":"a","pool":"shop"}"#,
            r#""parameters":{"csi.storage.k8s.io/provisioner-secret-namespace":"copy","csi.storage.k8s.io/node-publish-secret-namespace":"${pvc.namespace}","adminSecretNamespace":"b","pool":"shop"}"#,
        ),
        (
            "volumesnapshotclasses.snapshot.storage.k8s.io",
            r#""parameters":{"csi.storage.k8s.io/snapshotter-secret-namespace":"shop"}"#,
            r#""parameters":{"csi.storage.k8s.io/snapshotter-secret-namespace":"copy"}"#,
        ),
        (
            "volumesnapshotcontents.snapshot.storage.k8s.io",
            r#""spec":{"volumeSnapshotRef":{"name":"s","namespace":"shop"}}"#,
            r#""spec":{"volumeSnapshotRef":{"name":"s","namespace":"copy"}}"#,
        ),
        (
            "persistentvolumeclaims",
            r#""spec":{"dataSourceRef":{"kind":"VolumeSnapshot","name":"s","namespace":"shop"}}"#,
            r#""spec":{"dataSourceRef":{"kind":"VolumeSnapshot","name":"s","namespace":"copy"}}"#,
        ),
        (
            "statefulsets.apps",
            r#""spec":{"volumeClaimTemplates":[{"spec":{"dataSourceRef":{"namespace":"shop"}}}],"template":{"spec":{"affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"namespaces":["shop","x"]}],"preferredDuringSchedulingIgnoredDuringExecution":[{"podAffinityTerm":{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"shop"}}}}]}}}}}"#,
            r#""spec":{"volumeClaimTemplates":[{"spec":{"dataSourceRef":{"namespace":"copy"}}}],"template":{"spec":{"affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"namespaces":["copy","x"]}],"preferredDuringSchedulingIgnoredDuringExecution":[{"podAffinityTerm":{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"copy"}}}}]}}}}}"#,
        ),
        (
            "endpoints",
            r#""subsets":[{"addresses":[{"ip":"1.1.1.1","targetRef":{"kind":"Pod","namespace":"shop"}}]}]"#,
            r#""subsets":[{"addresses":[{"ip":"1.1.1.1","targetRef":{"kind":"Pod","namespace":"copy"}}]}]"#,
        ),
        (
            "endpointslices.discovery.k8s.io",
            r#""endpoints":[{"targetRef":{"namespace":"shop"}}]"#,
            r#""endpoints":[{"targetRef":{"namespace":"copy"}}]"#,
        ),
        (
            "ingressclasses.networking.k8s.io",
            r#""spec":{"parameters":{"scope":"Namespace","namespace":"shop"}}"#,
            r#""spec":{"parameters":{"scope":"Namespace","namespace":"copy"}}"#,
        ),
        (
            "httproutes.gateway.networking.k8s.io",
            r#""spec":{"parentRefs":[{"name":"g","namespace":"shop"}],"rules":[{"filters":[{"requestMirror":{"backendRef":{"namespace":"a"}}}],"backendRefs":[{"name":"s","namespace":"shop","filters":[{"requestMirror":{"backendRef":{"namespace":"b"}}}]}]}]}"#,
            r#""spec":{"parentRefs":[{"name":"g","namespace":"copy"}],"rules":[{"filters":[{"requestMirror":{"backendRef":{"namespace":"b"}}}],"backendRefs":[{"name":"s","namespace":"copy","filters":[{"requestMirror":{"backendRef":{"namespace":"a"}}}]}]}]}"#,
        ),
        (
            "gateways.gateway.networking.k8s.io",
            r#""spec":{"listeners":[{"tls":{"certificateRefs":[{"name":"c","namespace":"shop"}]},"allowedRoutes":{"namespaces":{"selector":{"matchLabels":{"kubernetes.io/metadata.name":"shop"}}}}}]}"#,
            r#""spec":{"listeners":[{"tls":{"certificateRefs":[{"name":"c","namespace":"copy"}]},"allowedRoutes":{"namespaces":{"selector":{"matchLabels":{"kubernetes.io/metadata.name":"copy"}}}}}]}"#,
        ),
        (
            "referencegrants.gateway.networking.k8s.io",
            r#""spec":{"from":[{"kind":"HTTPRoute","namespace":"shop"}],"to":[{"kind":"Service"}]}"#,
            r#""spec":{"from":[{"kind":"HTTPRoute","namespace":"copy"}],"to":[{"kind":"Service"}]}"#,
        ),
        // Odd types are left alone.
        (
            "rolebindings.rbac.authorization.k8s.io",
            r#""subjects":{"kind":"ServiceAccount","namespace":["shop"]}"#,
            r#""subjects":{"kind":"ServiceAccount","namespace":["shop"]}"#,
        ),
    ] {
        let (found, _) = mapped(resource, before);
        assert_eq!(found, after, "{resource}");
    }
}

#[test]
fn what_is_rewritten_is_recorded_and_not_told_as_text() {
    let stored = object(
        "apiservices.apiregistration.k8s.io",
        r#""spec":{"service":{"name":"s","namespace":"shop"}}"#,
    );
    let mut item = item(&stored);
    assert!(mapping().mentions(&item).is_empty());
    mapping().transform(&mut item).unwrap();
    let told: Vec<String> = item.changes().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["/spec/service/namespace replaced: the namespace is mapped"]
    );
    assert!(item.losses().is_empty());
    // Without a mapping nothing is looked at.
    let none = NamespaceMapping::new([("same".to_owned(), "same".to_owned())]);
    assert_eq!(none, NamespaceMapping::default());
}

#[test]
fn text_that_names_a_namespace_is_told_with_its_path() {
    let sure = "names namespace shop, which is restored as copy; text is not rewritten, a resource modifier can do it";
    let likely = "may name namespace shop, which is restored as copy; text is not rewritten, a resource modifier can do it";
    for (resource, members, expected) in [
        (
            "deployments.apps",
            r#""spec":{"template":{"metadata":{"annotations":{"inject":"shop/agent"}},"spec":{"containers":[{"name":"shop","args":["--namespace=shop","--name","shop","--db=db.shop.svc:1"],"env":[{"name":"HOST","value":"db.shop"},{"name":"shop","value":"x"}],"image":"shop"}]}}}"#,
            vec![
                format!("info: /spec/template/metadata/annotations/inject: {likely}"),
                format!("info: /spec/template/spec/containers/0/args/0: {likely}"),
                format!("info: /spec/template/spec/containers/0/args/2: {likely}"),
                format!("warning: /spec/template/spec/containers/0/args/3: {sure}"),
                format!("info: /spec/template/spec/containers/0/env/0/value: {likely}"),
            ],
        ),
        (
            "configmaps",
            r#""data":{"nginx.conf":"proxy_pass http://web.shop.svc.cluster.local;\n# the shop\n","ns":"shop","word":"a shop"},"binaryData":{"x":"c2hvcA=="}"#,
            vec![
                format!("warning: /data/nginx.conf: {sure}"),
                format!("info: /data/ns: {likely}"),
            ],
        ),
        // base64 of `postgres://u:p@db.shop.svc/x` and of `x`.
        (
            "secrets",
            r#""data":{"url":"cG9zdGdyZXM6Ly91OnBAZGIuc2hvcC5zdmMveA==","other":"eA=="},"stringData":{"ns":"shop"}"#,
            vec![
                format!("warning: /data/url: {sure}"),
                format!("info: /stringData/ns: {likely}"),
            ],
        ),
        // A custom resource is not rewritten.
        (
            "servicemonitors.monitoring.coreos.com",
            r#""spec":{"namespaceSelector":{"matchNames":["shop","other"]},"jobLabel":"shop"}"#,
            vec![format!(
                "info: /spec/namespaceSelector/matchNames/0: {likely}"
            )],
        ),
        (
            "certificates.cert-manager.io",
            r#""spec":{"dnsNames":["web.shop.svc","shop.example.com"],"secretTemplate":{"namespace":"shop"}},"status":{"x":"db.shop.svc"}"#,
            vec![
                format!("warning: /spec/dnsNames/0: {sure}"),
                format!("info: /spec/secretTemplate/namespace: {likely}"),
            ],
        ),
    ] {
        let (after, told) = mapped(resource, members);
        assert_eq!(told, expected, "{resource}");
        assert_eq!(after, members, "{resource}");
    }
}

#[test]
fn a_proposal_that_is_applied_does_the_replacement() {
    let long = "location / {\n  proxy_pass \"http://web.shop.svc\";\n}\n";
    let data = Tree::from_iter([
        ("a.b/c~d", Tree::from(long)),
        ("json", Tree::from(r#"{"namespace":"shop","n":1}"#)),
        ("quoted", Tree::from("\"shop.svc\" db.shop.svc \\")),
        ("ns", Tree::from("shop")),
        ("other", Tree::from("nothing")),
    ]);
    let stored = object("configmaps", &format!(r#""data":{data}"#));
    let mut one = item(&stored);
    let mentions = mapping().mentions(&one);
    assert_eq!(mentions.len(), 4);
    for mention in &mentions {
        let yaml = mention.proposal().unwrap().unwrap();
        ResourceModifiers::from_yaml(&yaml)
            .unwrap()
            .transform(&mut one)
            .unwrap();
    }
    assert!(one.losses().is_empty(), "{:?}", one.losses());
    let after = one.tree().at(&["data"]).unwrap().to_string();
    let expected = data
        .to_string()
        .replace("web.shop", "web.copy")
        .replace("db.shop", "db.copy");
    let expected = expected
        .replace(r#":\"shop\""#, r#":\"copy\""#)
        .replace(r#""ns":"shop""#, r#""ns":"copy""#);
    assert_eq!(after, expected);
    assert!(mapping().mentions(&one).is_empty());
    // It is for this object alone.
    let text = mentions[3].proposal().unwrap().unwrap();
    for line in [
        "groupResource: configmaps",
        "^x$",
        "- shop",
        "operation: test",
        "operation: replace",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn the_text_of_a_secret_is_never_shown() {
    let stored = object(
        "secrets",
        r#""data":{"url":"cG9zdGdyZXM6Ly91OnBAZGIuc2hvcC5zdmMveA=="},"stringData":{"pass":"hunter2.shop.svc x.shop.svc"}"#,
    );
    let mut item = item(&stored);
    let mentions = mapping().mentions(&item);
    assert_eq!(mentions.len(), 2);
    mapping().transform(&mut item).unwrap();
    let shown = format!(
        "{mentions:?} {:?} {}",
        item.losses(),
        serde_json::to_string(item.losses()).unwrap()
    );
    for secret in ["postgres", "hunter2", "cG9z"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(mentions.iter().all(|one| one.proposal().unwrap().is_none()));
}

#[test]
fn many_mentions_are_counted() {
    let args = vec![r#""db.shop.svc""#; 130].join(",");
    let (_, told) = mapped(
        "pods",
        &format!(r#""spec":{{"containers":[{{"args":[{args}]}}]}}"#),
    );
    assert_eq!(told.len(), 101);
    assert_eq!(
        told[100],
        "info: : 30 more texts may name a mapped namespace"
    );
}
