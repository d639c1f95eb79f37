//! The rules of what is read, for collectors and targets alike.

use super::{Verdict, Violation, demand, demand_kind, object::*};
use crate::cluster::{Adapters, ClusterFixture};
use csdr_core::{
    ErrorKind, Result,
    model::{Discovery, Object, ObjectId},
    port::{ListRequest, Page, ResourceCollector, ResourceTarget},
};
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
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

pub(super) async fn discovery_is_sorted_and_whole(fixture: &dyn ClusterFixture, pick: Pick) -> Verdict {
    let discovery = pick(fixture.adapters()).discover().await?;
    let rows = &discovery.resources;
    demand!(
        rows.is_sorted_by(|a, b| a.resource < b.resource),
        "rows are not in the order of (resource, group), each once"
    );
    for row in rows {
        let versions: BTreeSet<&str> = row.versions.iter().map(|row| row.version.as_str()).collect();
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
            row.is_some_and(|row| row.namespaced == namespaced && row.serves("v1") && row.can(&["get", "list"])),
            "{kind} is missing, has the wrong scope or cannot be listed"
        );
    }
    Ok(())
}

pub(super) async fn discovery_has_every_version(fixture: &dyn ClusterFixture, pick: Pick) -> Verdict {
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

pub(super) async fn list_is_complete(fixture: &dyn ClusterFixture, pick: Pick) -> Verdict {
    let expected = ["a", "a-b", "a.b", "z"];
    seed(fixture, &expected).await?;
    let request = config_maps(Some(fixture.namespace()))?;
    let pages = pick(fixture.adapters()).pages(request).await?;
    let found: BTreeSet<&str> = names(&own(&pages)).into_iter().collect();
    demand!(found == BTreeSet::from(expected), "listed {found:?} instead of {expected:?}");
    demand!(
        own(&pages).iter().all(|object| object.meta().kind.to_string() == "v1/ConfigMap"),
        "an item does not carry its apiVersion and kind"
    );
    demand!(
        pages.last().is_some_and(|page| page.next.is_none()),
        "the last page names a next one"
    );
    Ok(())
}

pub(super) async fn list_is_in_order(fixture: &dyn ClusterFixture, pick: Pick) -> Verdict {
    seed(fixture, &["zz", "b", "a.b", "a-b", "aaa", "a0", "a"]).await?;
    let request = config_maps(Some(fixture.namespace()))?;
    let pages = pick(fixture.adapters()).pages(request).await?;
    let found = names(&own(&pages));
    demand!(found.is_sorted(), "names are not in the order of their bytes: {found:?}");
    Ok(())
}

pub(super) async fn list_keeps_to_its_namespace(fixture: &dyn ClusterFixture, pick: Pick) -> Verdict {
    let (here, there) = (fixture.namespace(), format!("{}-b", fixture.namespace()));
    fixture
        .seed(&[namespace(&there)?, config_map(&there, "there", "{}")?, config_map(here, "here", "{}")?])
        .await?;
    for (namespace, expected) in [(here, "here"), (there.as_str(), "there")] {
        let pages = pick(fixture.adapters()).pages(config_maps(Some(namespace))?).await?;
        let found = names(&own(&pages));
        demand!(found == [expected], "namespace {namespace} lists {found:?} instead of {expected}");
    }
    Ok(())
}

pub(super) async fn list_of_all_namespaces_is_in_order(fixture: &dyn ClusterFixture, pick: Pick) -> Verdict {
    let label = format!(r#"{{"conformance.csdr.io/of":"{}"}}"#, fixture.namespace());
    let mut objects = Vec::new();
    for end in ["", "-b", "0"] {
        let place = format!("{}{end}", fixture.namespace());
        objects.push(namespace(&place)?);
        for name in ["b", "a"] {
            objects.push(labelled(&place, name, &label, "{}")?);
        }
    }
    fixture.seed(&objects).await?;
    let mut request = config_maps(None)?;
    request.selector = format!("conformance.csdr.io/of={}", fixture.namespace()).parse()?;
    let pages = pick(fixture.adapters()).pages(request).await?;
    let found: Vec<(&str, &str)> = own(&pages)
        .iter()
        .map(|object| (object.id().namespace().unwrap_or_default(), object.id().name()))
        .collect();
    // An API server orders by the text of its store's keys, in which `shop-b/` stands before `shop/`: both are one order.
    let texts = found.iter().map(|(namespace, name)| format!("{namespace}/{name}"));
    demand!(
        found.len() == 6 && (found.is_sorted() || texts.is_sorted()),
        "objects of several namespaces are missing or not in order: {found:?}"
    );
    Ok(())
}

pub(super) async fn list_keeps_to_its_selector(fixture: &dyn ClusterFixture, pick: Pick) -> Verdict {
    let place = fixture.namespace();
    fixture
        .seed(&[
            labelled(place, "a", r#"{"app":"shop","tier":"web"}"#, "{}")?,
            labelled(place, "b", r#"{"app":"shop"}"#, "{}")?,
            labelled(place, "c", r#"{"tier":"db"}"#, "{}")?,
        ])
        .await?;
    for (selector, expected) in [
        ("app=shop", &["a", "b"][..]),
        ("app=shop,tier=web", &["a"]),
        ("tier in (web,db)", &["a", "c"]),
        ("app=shop,!tier", &["b"]),
        ("tier notin (web),app", &["b"]),
        ("app=none", &[]),
    ] {
        let mut request = config_maps(Some(place))?;
        request.selector = selector.parse()?;
        let pages = pick(fixture.adapters()).pages(request).await?;
        let found = names(&own(&pages));
        demand!(found == expected, "`{selector}` lists {found:?} instead of {expected:?}");
    }
    Ok(())
}

pub(super) async fn reads_answer_in_the_asked_version(fixture: &dyn ClusterFixture, pick: Pick) -> Verdict {
    if !fixture.promises().converts {
        return Ok(());
    }
    let resource = "horizontalpodautoscalers.autoscaling";
    let json = format!(
        r#"{{"apiVersion":"autoscaling/v1","kind":"HorizontalPodAutoscaler","metadata":{{"name":"a","namespace":"{}"}},"spec":{{"maxReplicas":2,"minReplicas":1,"scaleTargetRef":{{"apiVersion":"apps/v1","kind":"Deployment","name":"none"}}}}}}"#,
        fixture.namespace()
    );
    let asked = Object::parse(resource.parse()?, json)?;
    fixture.seed(std::slice::from_ref(&asked)).await?;
    let reader = pick(fixture.adapters());
    let discovery = reader.discover().await?;
    let row = discovery.kind("autoscaling", "HorizontalPodAutoscaler");
    let row = row.ok_or_else(|| Violation::new("horizontalpodautoscalers.autoscaling is not served"))?;
    for served in &row.versions {
        let version = served.version.as_str();
        let request = request(resource, version, &row.kind, Some(fixture.namespace()))?;
        let pages = reader.pages(request).await?;
        let listed = own(&pages);
        demand!(
            listed.len() == 1 && listed.iter().all(|object| object.meta().kind.api_version.version() == version),
            "the list of version {version} has objects of another version, or none"
        );
        let found = reader.get(asked.id(), version).await?;
        demand!(
            found.is_some_and(|object| object.meta().kind.api_version.version() == version),
            "the object is not got in version {version}"
        );
    }
    Ok(())
}

/// Forty objects of 8 KiB.
async fn seed_large(fixture: &dyn ClusterFixture) -> Verdict {
    let data = format!(r#"{{"k":"{}"}}"#, "x".repeat(8 << 10));
    let objects: Vec<Object> = (0..40)
        .map(|i| config_map(fixture.namespace(), &format!("large-{i:02}"), &data))
        .collect::<Result<_>>()?;
    Ok(fixture.seed(&objects).await?)
}

pub(super) async fn pages_keep_to_their_size(fixture: &dyn ClusterFixture, pick: Pick) -> Verdict {
    seed_large(fixture).await?;
    for page_bytes in [1, 64 << 10] {
        let mut request = config_maps(Some(fixture.namespace()))?;
        request.page_bytes = page_bytes;
        let pages = pick(fixture.adapters()).pages(request).await?;
        for page in &pages {
            let bytes: usize = page.objects.iter().map(|object| object.json().len()).sum();
            demand!(
                page.objects.len() <= 1 || bytes <= 2 * page_bytes,
                "a page of {bytes} bytes where {page_bytes} were asked for"
            );
        }
    }
    Ok(())
}

pub(super) async fn tokens_go_on_where_the_page_ended(fixture: &dyn ClusterFixture, pick: Pick) -> Verdict {
    seed_large(fixture).await?;
    let reader = pick(fixture.adapters());
    let mut request = config_maps(Some(fixture.namespace()))?;
    request.page_bytes = 64 << 10;
    let Some(first) = reader.list(request.clone()).try_next().await? else {
        return Err(Violation::new("the list has no page"));
    };
    request.from.clone_from(&first.next);
    if request.from.is_none() {
        // How large pages are is another rule's.
        return Ok(());
    }
    let rest = reader.pages(request).await?;
    let mut found = names(&own(std::slice::from_ref(&first)));
    found.extend(names(&own(&rest)));
    let unique: BTreeSet<&&str> = found.iter().collect();
    demand!(unique.len() == found.len(), "objects come twice behind a token: {found:?}");
    demand!(found.len() == 40, "{} of 40 objects come before and behind a token", found.len());
    Ok(())
}

pub(super) async fn expired_tokens_go_on_and_say_so(fixture: &dyn ClusterFixture, pick: Pick) -> Verdict {
    seed_large(fixture).await?;
    let reader = pick(fixture.adapters());
    let mut request = config_maps(Some(fixture.namespace()))?;
    request.page_bytes = 64 << 10;
    let mut list = reader.list(request);
    let Some(first) = list.try_next().await? else {
        return Err(Violation::new("the list has no page"));
    };
    if first.next.is_none() || !fixture.expire_tokens().await? {
        return Ok(());
    }
    demand!(!first.inconsistent, "the first page is called inconsistent");
    let rest: Vec<Page> = list.try_collect().await?;
    demand!(
        rest.iter().any(|page| page.inconsistent),
        "the page behind an expired token is not called inconsistent"
    );
    let mut found: BTreeSet<&str> = names(&own(std::slice::from_ref(&first))).into_iter().collect();
    found.extend(names(&own(&rest)));
    demand!(found.len() == 40, "{} of 40 objects come before and behind an expired token", found.len());
    Ok(())
}

pub(super) async fn what_is_not_served_is_not_found(fixture: &dyn ClusterFixture, pick: Pick) -> Verdict {
    let reader = pick(fixture.adapters());
    for (resource, version, kind) in [
        ("nothings.conformance.csdr.io", "v1", "Nothing"),
        ("configmaps", "v9", "ConfigMap"),
    ] {
        let request = request(resource, version, kind, Some(fixture.namespace()))?;
        let answer = reader.list(request).try_next().await;
        demand_kind(answer, ErrorKind::NotFound, &format!("list of {resource} in {version}"))?;
    }
    Ok(())
}

pub(super) async fn an_error_ends_the_list(fixture: &dyn ClusterFixture, pick: Pick) -> Verdict {
    let request = request("nothings.conformance.csdr.io", "v1", "Nothing", None)?;
    let mut list = pick(fixture.adapters()).list(request);
    if matches!(list.next().await, Some(Err(_))) {
        demand!(list.next().await.is_none(), "something follows an error");
    }
    Ok(())
}

pub(super) async fn a_missing_namespace_lists_nothing(fixture: &dyn ClusterFixture, pick: Pick) -> Verdict {
    let missing = format!("{}-missing", fixture.namespace());
    let pages = pick(fixture.adapters()).pages(config_maps(Some(&missing))?).await?;
    demand!(
        pages.iter().all(|page| page.objects.is_empty()),
        "a missing namespace has objects"
    );
    Ok(())
}

pub(super) async fn cluster_scoped_objects_have_no_namespace(fixture: &dyn ClusterFixture, pick: Pick) -> Verdict {
    let reader = pick(fixture.adapters());
    let pages = reader.pages(request("namespaces", "v1", "Namespace", None)?).await?;
    let found = pages
        .iter()
        .flat_map(|page| &page.objects)
        .find(|object| object.id().name() == fixture.namespace());
    demand!(
        found.is_some_and(|object| object.id().namespace().is_none()),
        "the list of namespaces lacks {}, or puts it into a namespace",
        fixture.namespace()
    );
    Ok(())
}

pub(super) async fn get_and_list_agree(fixture: &dyn ClusterFixture, pick: Pick) -> Verdict {
    let place = fixture.namespace();
    let asked = labelled(place, "a", r#"{"app":"shop"}"#, r#"{"k":"v","é":"\n\u0001"}"#);
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

pub(super) async fn without_rights_a_list_is_permission_denied(fixture: &dyn ClusterFixture, pick: Pick) -> Verdict {
    seed(fixture, &["a"]).await?;
    let Some(adapters) = fixture.restricted() else {
        return Ok(());
    };
    let answer = pick(adapters).list(config_maps(Some(fixture.namespace()))?).try_next().await;
    demand_kind(answer, ErrorKind::PermissionDenied, "list without rights")
}
