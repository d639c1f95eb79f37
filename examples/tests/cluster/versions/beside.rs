//! What lies beside an object decides what becomes of it: the Service of an Ingress, the definition of a custom resource. What the plan
//! says of it is what the server then does.

use super::{
    assert_facts,
    manifest::{Manifest, archive, make, read, wait_for},
    restore,
};
use crate::world::Cluster;
use csdr_core::{
    conversion::{LossKind, Severity},
    restore::Action,
};
use std::collections::BTreeSet;

/// The target's own definition: it takes less than the source's did.
const DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: thingies.shop.example.com}
spec:
  group: shop.example.com
  names: {kind: Thingie, plural: thingies}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [size]
            properties: {size: {type: integer, minimum: 1}, colour: {type: string, enum: [red, blue]}, tags: {type: array, maxItems: 1, items: {type: string}}}
";

/// An Ingress as servers up to 1.21 took it.
const STORED: &str = "
apiVersion: networking.k8s.io/v1beta1
kind: Ingress
metadata: {name: beside, namespace: shop}
spec: {backend: {serviceName: beside, servicePort: metrics-of-the-shop}}
---
apiVersion: v1
kind: Service
metadata: {name: beside, namespace: shop}
spec: {ports: [{name: metrics-of-the-shop, port: 9090}]}
";

const THINGIES: [(&str, &str); 7] = [
    ("right", r#"{"size":3,"colour":"red","tags":["a"]}"#),
    ("text", r#"{"size":"3"}"#),
    ("small", r#"{"size":0}"#),
    ("without", r#"{"colour":"red"}"#),
    ("green", r#"{"size":3,"colour":"green"}"#),
    ("many", r#"{"size":3,"tags":["a","b"]}"#),
    ("more", r#"{"size":3,"weight":7,"tags":[]}"#),
];

/// Restores them into a control plane that is there already.
pub(super) async fn assert_what_lies_beside(target: &Cluster) {
    make(target, &read(DEFINITION)).await;
    wait_for(target, "/apis/shop.example.com/v1/thingies").await;
    let mut stored = read(STORED);
    for (name, spec) in THINGIES {
        let object = format!(
            r#"{{"apiVersion":"shop.example.com/v1","kind":"Thingie","metadata":{{"name":"{name}","namespace":"shop"}},"spec":{spec}}}"#
        );
        stored.extend(read(&object));
    }
    let stored: Vec<(&Manifest, String)> = stored
        .iter()
        .map(|manifest| (manifest, manifest.tree.to_string()))
        .collect();
    let vault = archive("beside", &stored).await;
    let (plan, report) = restore(target, &vault, "beside", "beside").await;
    let story = format!("{plan}\n{report}");
    assert_eq!(plan.count(Action::Create), plan.len() as u64, "{story}");

    let told = |severity, loss| -> BTreeSet<String> {
        let notes = plan.losses();
        let notes = notes.filter(|(_, note)| note.severity == severity && note.loss == Some(loss));
        notes.map(|(id, _)| id.to_string()).collect()
    };
    let refused = told(Severity::Error, LossKind::Refused);
    let failed: BTreeSet<String> = report
        .errors
        .iter()
        .map(|note| note.about.clone())
        .collect();
    let pruned = told(Severity::Warning, LossKind::UnknownField);
    let more = "thingies.shop.example.com/shop/more";
    assert_eq!(pruned, BTreeSet::from([more.to_owned()]), "{story}");
    // The applier asks for strict validation.
    assert_eq!(&refused | &pruned, failed, "{story}");
    assert_eq!(failed.len(), 6, "{story}");
    assert_facts(
        target,
        &[(
            "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/beside",
            "/spec/defaultBackend/service/port",
            r#"{"number":9090}"#,
        )],
        "beside",
    )
    .await;
}
