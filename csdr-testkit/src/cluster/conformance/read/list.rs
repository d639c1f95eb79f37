//! What a list holds, and in which order.

use super::{Pick, names, own, seed};
use crate::cluster::{
    ClusterFixture,
    conformance::{
        Verdict, Violation, demand,
        object::{config_map, config_maps, labelled, namespace, request},
    },
};
use csdr_core::model::Object;
use std::collections::BTreeSet;

pub(in crate::cluster::conformance) async fn list_is_complete(
    fixture: &dyn ClusterFixture,
    pick: Pick,
) -> Verdict {
    let expected = ["a", "a-b", "a.b", "z"];
    seed(fixture, &expected).await?;
    let request = config_maps(Some(fixture.namespace()))?;
    let pages = pick(fixture.adapters()).pages(request).await?;
    let found: BTreeSet<&str> = names(&own(&pages)).into_iter().collect();
    demand!(
        found == BTreeSet::from(expected),
        "listed {found:?} instead of {expected:?}"
    );
    demand!(
        own(&pages)
            .iter()
            .all(|object| object.meta().kind.to_string() == "v1/ConfigMap"),
        "an item does not carry its apiVersion and kind"
    );
    demand!(
        pages.last().is_some_and(|page| page.next.is_none()),
        "the last page names a next one"
    );
    Ok(())
}

pub(in crate::cluster::conformance) async fn list_is_in_order(
    fixture: &dyn ClusterFixture,
    pick: Pick,
) -> Verdict {
    seed(fixture, &["zz", "b", "a.b", "a-b", "aaa", "a0", "a"]).await?;
    let request = config_maps(Some(fixture.namespace()))?;
    let pages = pick(fixture.adapters()).pages(request).await?;
    let found = names(&own(&pages));
    demand!(
        found.is_sorted(),
        "names are not in the order of their bytes: {found:?}"
    );
    Ok(())
}

pub(in crate::cluster::conformance) async fn list_keeps_to_its_namespace(
    fixture: &dyn ClusterFixture,
    pick: Pick,
) -> Verdict {
    let (here, there) = (fixture.namespace(), format!("{}-b", fixture.namespace()));
    fixture
        .seed(&[
            namespace(&there)?,
            config_map(&there, "there", "{}")?,
            config_map(here, "here", "{}")?,
        ])
        .await?;
    for (namespace, expected) in [(here, "here"), (there.as_str(), "there")] {
        let pages = pick(fixture.adapters())
            .pages(config_maps(Some(namespace))?)
            .await?;
        let found = names(&own(&pages));
        demand!(
            found == [expected],
            "namespace {namespace} lists {found:?} instead of {expected}"
        );
    }
    Ok(())
}

pub(in crate::cluster::conformance) async fn list_of_all_namespaces_is_in_order(
    fixture: &dyn ClusterFixture,
    pick: Pick,
) -> Verdict {
    let label = format!(r#"{{"conformance.csdr.io/of":"{}"}}"#, fixture.namespace());
    let mut objects = Vec::new();
    for end in ["", "-b", "z"] {
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
        .map(|object| {
            (
                object.id().namespace().unwrap_or_default(),
                object.id().name(),
            )
        })
        .collect();
    // An API server orders by the text of its store's keys, in which `shop-b/` stands before `shop/`: both are one order.
    let texts = found
        .iter()
        .map(|(namespace, name)| format!("{namespace}/{name}"));
    demand!(
        found.len() == 6 && (found.is_sorted() || texts.is_sorted()),
        "objects of several namespaces are missing or not in order: {found:?}"
    );
    Ok(())
}

pub(in crate::cluster::conformance) async fn list_keeps_to_its_selector(
    fixture: &dyn ClusterFixture,
    pick: Pick,
) -> Verdict {
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
        demand!(
            found == expected,
            "`{selector}` lists {found:?} instead of {expected:?}"
        );
    }
    Ok(())
}

pub(in crate::cluster::conformance) async fn reads_answer_in_the_asked_version(
    fixture: &dyn ClusterFixture,
    pick: Pick,
) -> Verdict {
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
    let row =
        row.ok_or_else(|| Violation::new("horizontalpodautoscalers.autoscaling is not served"))?;
    for served in &row.versions {
        let version = served.version.as_str();
        let request = request(resource, version, &row.kind, Some(fixture.namespace()))?;
        let pages = reader.pages(request).await?;
        let listed = own(&pages);
        demand!(
            listed.len() == 1
                && listed
                    .iter()
                    .all(|object| object.meta().kind.api_version.version() == version),
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

pub(in crate::cluster::conformance) async fn a_missing_namespace_lists_nothing(
    fixture: &dyn ClusterFixture,
    pick: Pick,
) -> Verdict {
    let missing = format!("{}-missing", fixture.namespace());
    let pages = pick(fixture.adapters())
        .pages(config_maps(Some(&missing))?)
        .await?;
    demand!(
        pages.iter().all(|page| page.objects.is_empty()),
        "a missing namespace has objects"
    );
    Ok(())
}

pub(in crate::cluster::conformance) async fn cluster_scoped_objects_have_no_namespace(
    fixture: &dyn ClusterFixture,
    pick: Pick,
) -> Verdict {
    let reader = pick(fixture.adapters());
    let pages = reader
        .pages(request("namespaces", "v1", "Namespace", None)?)
        .await?;
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
