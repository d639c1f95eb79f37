//! Pages, their tokens, and errors.

use super::{Pick, names, own, seed};
use crate::cluster::{
    ClusterFixture,
    conformance::{
        Verdict, Violation, demand, demand_kind,
        object::{config_map, config_maps, request},
    },
};
use csdr_core::{ErrorKind, Result, model::Object, port::Page};
use futures::{StreamExt, TryStreamExt};
use std::collections::BTreeSet;

/// Forty objects of 8 KiB.
async fn seed_large(fixture: &dyn ClusterFixture) -> Verdict {
    let data = format!(r#"{{"k":"{}"}}"#, "x".repeat(8 << 10));
    let objects: Vec<Object> = (0..40)
        .map(|i| config_map(fixture.namespace(), &format!("large-{i:02}"), &data))
        .collect::<Result<_>>()?;
    Ok(fixture.seed(&objects).await?)
}

pub(in crate::cluster::conformance) async fn pages_keep_to_their_size(
    fixture: &dyn ClusterFixture,
    pick: Pick,
) -> Verdict {
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

pub(in crate::cluster::conformance) async fn tokens_go_on_where_the_page_ended(
    fixture: &dyn ClusterFixture,
    pick: Pick,
) -> Verdict {
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
    demand!(
        unique.len() == found.len(),
        "objects come twice behind a token: {found:?}"
    );
    demand!(
        found.len() == 40,
        "{} of 40 objects come before and behind a token",
        found.len()
    );
    Ok(())
}

pub(in crate::cluster::conformance) async fn expired_tokens_go_on_and_say_so(
    fixture: &dyn ClusterFixture,
    pick: Pick,
) -> Verdict {
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
    let mut found: BTreeSet<&str> = names(&own(std::slice::from_ref(&first)))
        .into_iter()
        .collect();
    found.extend(names(&own(&rest)));
    demand!(
        found.len() == 40,
        "{} of 40 objects come before and behind an expired token",
        found.len()
    );
    Ok(())
}

pub(in crate::cluster::conformance) async fn what_is_not_served_is_not_found(
    fixture: &dyn ClusterFixture,
    pick: Pick,
) -> Verdict {
    let reader = pick(fixture.adapters());
    for (resource, version, kind) in [
        ("nothings.conformance.csdr.io", "v1", "Nothing"),
        ("configmaps", "v9", "ConfigMap"),
    ] {
        let request = request(resource, version, kind, Some(fixture.namespace()))?;
        let answer = reader.list(request).try_next().await;
        demand_kind(
            answer,
            ErrorKind::NotFound,
            &format!("list of {resource} in {version}"),
        )?;
    }
    Ok(())
}

pub(in crate::cluster::conformance) async fn an_error_ends_the_list(
    fixture: &dyn ClusterFixture,
    pick: Pick,
) -> Verdict {
    let request = request("nothings.conformance.csdr.io", "v1", "Nothing", None)?;
    let mut list = pick(fixture.adapters()).list(request);
    if matches!(list.next().await, Some(Err(_))) {
        demand!(list.next().await.is_none(), "something follows an error");
    }
    Ok(())
}

pub(in crate::cluster::conformance) async fn without_rights_a_list_is_permission_denied(
    fixture: &dyn ClusterFixture,
    pick: Pick,
) -> Verdict {
    seed(fixture, &["a"]).await?;
    let Some(adapters) = fixture.restricted() else {
        return Ok(());
    };
    let answer = pick(adapters)
        .list(config_maps(Some(fixture.namespace()))?)
        .try_next()
        .await;
    demand_kind(answer, ErrorKind::PermissionDenied, "list without rights")
}
