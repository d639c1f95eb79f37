//! Admission webhooks whose server is not there yet: they are created so that they let everything pass, and armed at the end.
//!
//! A webhook with `failurePolicy: Fail` refuses all that it looks at while nobody answers for it: the restore's own objects, and those
//! that would start its server. Source: `admissionregistration.k8s.io`; velero.md section 3.2 (Velero's #4847, #5068, #2443).

use super::backend::Backend;
use crate::{
    Error, Result,
    model::{Object, ObjectId, Tree},
    port::{VaultBackend, VaultBackendExt, VaultKey},
    vault::{MAX_DOCUMENT, RestoreLayout, decode_document, encode_document, put_once},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Most files that are looked through.
const MAX_FILES: usize = 1_000_000;

const OPEN: &str = "Ignore";
const ARMED: &str = "Fail";

/// A webhook configuration that is, or may be, in the target with webhooks that let everything pass. Stored as
/// `csdr/<operation>/disarmed/<row>.json` before the object is created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Disarmed {
    /// The configuration in the target.
    pub(super) object: String,
    /// Its API version.
    pub(super) version: String,
    /// Names of the webhooks that refuse when they are not answered.
    pub(super) webhooks: BTreeSet<String>,
}

impl Disarmed {
    pub(super) fn id(&self) -> Result<ObjectId> {
        self.object.parse()
    }
}

/// Whether a resource is one of webhook configurations.
pub(super) fn is_webhooks(id: &ObjectId) -> bool {
    id.resource().group() == "admissionregistration.k8s.io"
        && matches!(
            id.resource().resource(),
            "validatingwebhookconfigurations" | "mutatingwebhookconfigurations"
        )
}

/// The configuration with those webhooks open that a Service answers for, and what was done; `None` if there are none. One with a URL is
/// as it is: whether its server is there does not depend on the restore.
pub(super) fn disarm(configuration: &Object) -> Result<Option<(Object, Disarmed)>> {
    let version = configuration.meta().kind.api_version.version().to_owned();
    let mut tree = configuration.tree()?;
    let mut webhooks = BTreeSet::new();
    let list = tree.at_mut(&["webhooks"]).and_then(Tree::as_array_mut);
    for webhook in list.into_iter().flatten() {
        // Source: the default of `failurePolicy` is `Fail` in v1 and `Ignore` in v1beta1.
        let refuses = match webhook.text_at(&["failurePolicy"]) {
            Some(policy) => policy == ARMED,
            None => version == "v1",
        };
        let name = webhook.text_at(&["name"]).map(str::to_owned);
        if let (true, Some(name), Some(_)) = (refuses, name, service(webhook)) {
            webhook.set(&["failurePolicy"], OPEN.into());
            webhooks.insert(name);
        }
    }
    if webhooks.is_empty() {
        return Ok(None);
    }
    let open = Object::from_tree(configuration.id().resource().clone(), &tree)?;
    let disarmed = Disarmed {
        object: configuration.id().to_string(),
        version,
        webhooks,
    };
    Ok(Some((open, disarmed)))
}

fn service(webhook: &Tree) -> Option<Backend> {
    Backend::of(webhook.at(&["clientConfig", "service"])?)
}

/// The merge patch that arms what is open, and the Services that then must answer; `None` if nothing is open.
pub(super) fn arm(live: &Object, disarmed: &Disarmed) -> Result<Option<(Tree, BTreeSet<Backend>)>> {
    let tree = live.tree()?;
    let mut backends = BTreeSet::new();
    let mut list = match tree.at(&["webhooks"]) {
        Some(Tree::Array(list)) => list.clone(),
        _ => return Ok(None),
    };
    for webhook in &mut list {
        let ours = webhook
            .text_at(&["name"])
            .is_some_and(|name| disarmed.webhooks.contains(name));
        if ours && webhook.text_at(&["failurePolicy"]) == Some(OPEN) {
            webhook.set(&["failurePolicy"], ARMED.into());
            backends.extend(service(webhook));
        }
    }
    if list.as_slice()
        == tree
            .at(&["webhooks"])
            .and_then(Tree::as_array)
            .unwrap_or_default()
    {
        return Ok(None);
    }
    let mut patch: Tree = [("webhooks", Tree::Array(list))].into_iter().collect();
    let version = &live.meta().resource_version;
    if !version.is_empty() {
        patch.set(&["metadata", "resourceVersion"], version.as_str().into());
    }
    Ok(Some((patch, backends)))
}

/// Notes in the vault what will be created open; to be called before that.
pub(super) async fn note(
    backend: &dyn VaultBackend,
    layout: &RestoreLayout,
    operation: Uuid,
    row: usize,
    disarmed: &Disarmed,
) -> Result<()> {
    let key = layout.attempt(operation, &format!("disarmed/{row:06}.json"))?;
    let about = |error: Error| error.with_operation("note a webhook that is created open");
    put_once(backend, &key, encode_document(disarmed)?)
        .await
        .map_err(about)
}

/// Whether a path inside a restore's folder is that of such a note.
pub(crate) fn is_note(path: &str) -> bool {
    let mut parts = path.split('/');
    parts.next() == Some("csdr") && parts.nth(1) == Some("disarmed")
}

/// What operations of a restore have noted: the files, and what stands in them, oldest first.
pub(super) async fn noted(
    backend: &dyn VaultBackend,
    layout: &RestoreLayout,
) -> Result<Vec<(VaultKey, Disarmed)>> {
    let mut noted = Vec::new();
    for meta in backend.keys(layout.folder(), MAX_FILES).await? {
        if meta.key.below(layout.folder()).is_some_and(is_note) {
            let body = backend.read(&meta.key, MAX_DOCUMENT).await?;
            let disarmed = decode_document(&meta.key, &body)?;
            noted.push((meta.key, disarmed));
        }
    }
    Ok(noted)
}

/// By the configuration: what several operations have noted of one is one.
pub(super) fn by_object(noted: impl IntoIterator<Item = Disarmed>) -> Vec<Disarmed> {
    let mut all: BTreeMap<String, Disarmed> = BTreeMap::new();
    for own in noted {
        match all.get_mut(&own.object) {
            Some(there) => there.webhooks.extend(own.webhooks),
            None => {
                all.insert(own.object.clone(), own);
            }
        }
    }
    all.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(webhooks: &str, version: &str) -> Object {
        let yaml = format!(
            "{{apiVersion: admissionregistration.k8s.io/{version}, kind: ValidatingWebhookConfiguration, metadata: {{name: a, resourceVersion: '7'}}, webhooks: [{webhooks}]}}"
        );
        let value: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
        let resource = "validatingwebhookconfigurations.admissionregistration.k8s.io";
        Object::parse(resource.parse().unwrap(), value.to_string()).unwrap()
    }

    const SERVICE: &str = "clientConfig: {service: {namespace: ns, name: s}}";

    #[test]
    fn webhooks_that_refuse_and_have_a_service_are_opened_and_armed_again() {
        for (version, webhooks, opened) in [
            ("v1", format!("{{name: x, {SERVICE}}}"), "x"),
            (
                "v1",
                format!(
                    "{{name: x, failurePolicy: Fail, {SERVICE}}}, {{name: z, failurePolicy: Ignore, {SERVICE}}}"
                ),
                "x",
            ),
            (
                "v1",
                "{name: x, clientConfig: {url: 'https://x'}}".to_owned(),
                "",
            ),
            (
                "v1",
                format!("{{name: x, failurePolicy: Ignore, {SERVICE}}}"),
                "",
            ),
            ("v1beta1", format!("{{name: x, {SERVICE}}}"), ""),
            (
                "v1beta1",
                format!("{{name: x, failurePolicy: Fail, {SERVICE}}}"),
                "x",
            ),
            ("v1", String::new(), ""),
        ] {
            let armed = configuration(&webhooks, version);
            let found = disarm(&armed).unwrap();
            let Some((open, disarmed)) = found else {
                assert_eq!(opened, "", "{webhooks}");
                continue;
            };
            assert_eq!(Vec::from_iter(&disarmed.webhooks), [opened], "{webhooks}");
            assert!(open.text().contains(r#""failurePolicy":"Ignore""#));
            let (patch, backends) = arm(&open, &disarmed).unwrap().unwrap();
            assert_eq!(backends.len(), 1);
            assert_eq!(patch.text_at(&["metadata", "resourceVersion"]), Some("7"));
            let mut tree = open.tree().unwrap();
            tree.merge(&patch);
            let again = Object::from_tree(open.id().resource().clone(), &tree).unwrap();
            assert!(arm(&again, &disarmed).unwrap().is_none());
            assert!(again.text().contains(r#""failurePolicy":"Fail""#));
            let z_stays = !webhooks.contains("name: z")
                || again.text().contains(r#""failurePolicy":"Ignore""#);
            assert!(z_stays, "{}", again.text());
        }
    }

    #[test]
    fn a_note_is_known_by_its_path_and_notes_of_one_object_are_put_together() {
        assert!(is_note("csdr/0190/disarmed/000001.json"));
        assert!(!is_note("csdr/0190/plan.json") && !is_note("disarmed/000001.json"));
        let note = |webhook: &str| Disarmed {
            object: "a/b".to_owned(),
            version: "v1".to_owned(),
            webhooks: BTreeSet::from([webhook.to_owned()]),
        };
        let all = by_object([note("x"), note("y"), note("x")]);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].webhooks.len(), 2);
    }
}
