//! Back up something that is no cluster: a source of your own.
//!
//! ```text
//! cargo run --example own_collector
//! ```
//!
//! [`ResourceCollector`] is the port that a backup reads through. Here it serves the settings of a program, one ConfigMap each; it could
//! as well read a database, an API of yours, or the answers that a cluster gave last week. `csdr_testkit::cluster::conformance` has the
//! suite that proves an implementation.

#![expect(
    clippy::print_stdout,
    reason = "an example tells its reader what it does"
)]

use async_trait::async_trait;
use csdr_core::{
    Error, ErrorKind, Result,
    backup::Backup,
    memory::MemoryVault,
    model::{Discovery, Object, ObjectId, builtin},
    port::{ListRequest, Page, ResourceCollector},
    report::RunOptions,
    spec::BackupSpec,
    vault::Vault,
};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use std::collections::BTreeMap;

/// The settings of a program, by name.
#[derive(Debug)]
pub(crate) struct Settings(BTreeMap<String, String>);

/// The only namespace of this source.
const NAMESPACE: &str = "settings";

impl Settings {
    fn object(&self, name: &str) -> Result<Option<Object>> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        let json = serde_json::json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "name": name, "namespace": NAMESPACE },
            "data": { "value": value },
        });
        Object::parse("configmaps".parse()?, json.to_string()).map(Some)
    }
}

#[async_trait]
impl ResourceCollector for Settings {
    /// What it serves: config maps, and the namespaces that hold them.
    async fn discover(&self) -> Result<Discovery> {
        let mut discovery = builtin::discovery();
        discovery.resources.retain(|row| {
            ["configmaps", "namespaces"].contains(&row.resource.to_string().as_str())
        });
        Ok(discovery)
    }

    /// One page: a few settings. A source with more asks `request.page_bytes` how much a page may hold, and goes on at `request.from`.
    fn list(&self, request: ListRequest) -> BoxStream<'static, Result<Page>> {
        if request.resource.to_string() == "v1/namespaces" {
            let json = format!(
                r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{NAMESPACE}"}}}}"#
            );
            let page = "namespaces"
                .parse()
                .and_then(|resource| Object::parse(resource, json))
                .map(|object| page(vec![object]));
            return stream::once(async { page }).boxed();
        }
        if request.resource.to_string() != "v1/configmaps" {
            let error = Error::new(ErrorKind::NotFound, "there are only config maps here")
                .with_context("resource", &request.resource);
            return stream::once(async { Err(error) }).boxed();
        }
        let ours = request
            .namespace
            .as_deref()
            .is_none_or(|name| name == NAMESPACE);
        let names = self.0.keys().filter(|_| ours);
        let objects: Result<Vec<Option<Object>>> = names.map(|name| self.object(name)).collect();
        let page = objects.map(|objects| {
            let selected = |object: &Object| request.selector.matches(&object.meta().labels);
            page(objects.into_iter().flatten().filter(selected).collect())
        });
        stream::once(async { page }).boxed()
    }

    async fn get(&self, id: &ObjectId, _version: &str) -> Result<Option<Object>> {
        match (id.resource().to_string().as_str(), id.namespace()) {
            ("configmaps", Some(NAMESPACE)) => self.object(id.name()),
            _ => Ok(None),
        }
    }
}

fn page(objects: Vec<Object>) -> Page {
    Page {
        objects,
        ..Page::default()
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    back_up_settings().await.map(drop)
}

/// Backs the settings up; comes back with the vault.
pub(crate) async fn back_up_settings() -> Result<Vault> {
    let settings = [("color", "blue"), ("size", "12")];
    let settings = Settings(
        settings
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    );
    let vault = Vault::create(MemoryVault::new()).await?;
    let backup = Backup::new(settings, vault.clone());
    let plan = backup.plan(&BackupSpec::named("settings-1")).await?;
    print!("{plan}");
    let report = backup.run(plan, &RunOptions::default()).await?;
    println!("{report}");
    report.require_complete()?;
    Ok(vault)
}
