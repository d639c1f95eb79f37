//! The rules of what is read, for collectors and targets alike.

mod list;
mod page;

pub(super) use list::{
    a_missing_namespace_lists_nothing, cluster_scoped_objects_have_no_namespace, list_is_complete,
    list_is_in_order, list_keeps_to_its_namespace, list_keeps_to_its_selector,
    list_of_all_namespaces_is_in_order, reads_answer_in_the_asked_version,
};
pub(super) use page::{
    an_error_ends_the_list, expired_tokens_go_on_and_say_so, pages_keep_to_their_size,
    tokens_go_on_where_the_page_ended, what_is_not_served_is_not_found,
    without_rights_a_list_is_permission_denied,
};

use super::{
    Verdict, Violation, demand,
    object::{config_map, config_maps, labelled},
};
use crate::cluster::{Adapters, ClusterFixture};
use csdr_core::{
    Result,
    model::{Discovery, Object, ObjectId},
    port::{ListRequest, Page, ResourceCollector, ResourceTarget},
};
use futures::{TryStreamExt, stream::BoxStream};
use std::{collections::BTreeSet, sync::Arc};

/// The port whose reading verbs a rule looks at.
#[derive(Clone, Debug)]
pub(super) enum Reader {
    /// A collector.
    Collector(Arc<dyn ResourceCollector>),
    /// A target.
    Target(Arc<dyn ResourceTarget>),
}

/// Which of a stack's ports.
pub(super) type Pick = fn(Adapters) -> Reader;

pub(super) fn collector(adapters: Adapters) -> Reader {
    Reader::Collector(adapters.collector)
}

pub(super) fn target(adapters: Adapters) -> Reader {
    Reader::Target(adapters.target)
}

impl Reader {
    async fn discover(&self) -> Result<Discovery> {
        match self {
            Self::Collector(port) => port.discover().await,
            Self::Target(port) => port.discover().await,
        }
    }

    fn list(&self, request: ListRequest) -> BoxStream<'static, Result<Page>> {
        match self {
            Self::Collector(port) => port.list(request),
            Self::Target(port) => port.list(request),
        }
    }

    async fn get(&self, id: &ObjectId, version: &str) -> Result<Option<Object>> {
        match self {
            Self::Collector(port) => port.get(id, version).await,
            Self::Target(port) => port.get(id, version).await,
        }
    }

    async fn pages(&self, request: ListRequest) -> Result<Vec<Page>, Violation> {
        Ok(self.list(request).try_collect().await?)
    }
}

/// The rule's own objects: a controller puts `kube-root-ca.crt` into every namespace.
fn own(pages: &[Page]) -> Vec<&Object> {
    pages
        .iter()
        .flat_map(|page| &page.objects)
        .filter(|object| object.id().name() != "kube-root-ca.crt")
        .collect()
}

fn names<'a>(objects: &[&'a Object]) -> Vec<&'a str> {
    objects.iter().map(|object| object.id().name()).collect()
}

async fn seed(fixture: &dyn ClusterFixture, names: &[&str]) -> Verdict {
    let namespace = fixture.namespace();
    let objects: Vec<Object> = names
        .iter()
        .map(|name| config_map(namespace, name, r#"{"k":"v"}"#))
        .collect::<Result<_>>()?;
    Ok(fixture.seed(&objects).await?)
}

pub(super) async fn discovery_is_sorted_and_whole(
    fixture: &dyn ClusterFixture,
    pick: Pick,
) -> Verdict {
    let discovery = pick(fixture.adapters()).discover().await?;
    let rows = &discovery.resources;
    demand!(
        rows.is_sorted_by(|a, b| a.resource < b.resource),
        "rows are not in the order of (resource, group), each once"
    );
    for row in rows {
        let versions: BTreeSet<&str> = row
            .versions
            .iter()
            .map(|row| row.version.as_str())
            .collect();
        demand!(
            !row.versions.is_empty() && versions.len() == row.versions.len(),
            "{}: versions are missing or come twice",
            row.resource
        );
    }
    for (group, kind, namespaced) in [
        ("", "ConfigMap", true),
        ("", "Namespace", false),
        ("apps", "Deployment", true),
        ("rbac.authorization.k8s.io", "ClusterRole", false),
    ] {
        let row = discovery.kind(group, kind);
        demand!(
            row.is_some_and(|row| row.namespaced == namespaced
                && row.serves("v1")
                && row.can(&["get", "list"])),
            "{kind} is missing, has the wrong scope or cannot be listed"
        );
    }
    Ok(())
}

pub(super) async fn discovery_has_every_version(
    fixture: &dyn ClusterFixture,
    pick: Pick,
) -> Verdict {
    if !fixture.promises().converts {
        return Ok(());
    }
    let discovery = pick(fixture.adapters()).discover().await?;
    let row = discovery.kind("autoscaling", "HorizontalPodAutoscaler");
    // Every server since 1.6 serves autoscaling/v1 beside a newer version.
    demand!(
        row.is_some_and(|row| row.serves("v1") && row.versions.len() > 1),
        "horizontalpodautoscalers.autoscaling has not all of its served versions"
    );
    Ok(())
}

pub(super) async fn get_and_list_agree(fixture: &dyn ClusterFixture, pick: Pick) -> Verdict {
    let place = fixture.namespace();
    let asked = labelled(
        place,
        "a",
        r#"{"app":"shop"}"#,
        r#"{"k":"v","é":"\n\u0001"}"#,
    );
    // A key of a ConfigMap is ASCII on a server: only the value is strange.
    let asked = match fixture.promises().server {
        true => labelled(place, "a", r#"{"app":"shop"}"#, r#"{"k":"é\n\u0001"}"#),
        false => asked,
    }?;
    fixture.seed(std::slice::from_ref(&asked)).await?;
    let reader = pick(fixture.adapters());
    let pages = reader.pages(config_maps(Some(place))?).await?;
    let got = reader.get(asked.id(), "v1").await?;
    let (Some(listed), Some(got)) = (own(&pages).first().copied(), &got) else {
        return Err(Violation::new("the object is not listed or not got"));
    };
    demand!(
        listed.id() == got.id() && listed.meta() == got.meta() && listed.tree()? == got.tree()?,
        "get and list show different objects"
    );
    for path in [&["data"][..], &["metadata", "labels"]] {
        demand!(
            got.tree()?.at(path) == asked.tree()?.at(path),
            "{} is not what was written",
            path.join(".")
        );
    }
    Ok(())
}

pub(super) async fn a_missing_object_is_none(fixture: &dyn ClusterFixture, pick: Pick) -> Verdict {
    let reader = pick(fixture.adapters());
    let missing = format!("{}-missing", fixture.namespace());
    for place in [fixture.namespace(), &missing] {
        let id = config_map(place, "missing", "{}")?;
        demand!(
            reader.get(id.id(), "v1").await?.is_none(),
            "an object that does not exist is got"
        );
    }
    Ok(())
}
