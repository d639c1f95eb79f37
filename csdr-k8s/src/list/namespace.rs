//! Lists over all namespaces, in the order (namespace, name).
//!
//! The server lists in the order of its storage keys, `<namespace>/<name>`. That is another order where one namespace's name
//! begins with another's: `-` stands before `/`, so `a-b/x` comes before `a/x`. Such a cluster is listed namespace by namespace.
//!
//! A page's token says which of both ways it belongs to: `all/<server's token>` or `ns/<namespace>/<server's token>`.

use super::{
    Lane, Stop,
    channel::{Sender, channel},
    source,
};
use crate::{ClusterClient, error::Failure};
use csdr_core::{
    Error, ErrorKind, Result,
    model::{GroupVersionKind, GroupVersionResource, Object},
    port::{ListRequest, Page, UnreadableItem},
};
use http::StatusCode;
use std::collections::BTreeSet;

/// Where a list over all namespaces begins.
enum From {
    Start,
    All(String),
    Namespace { name: String, token: String },
}

impl From {
    fn parse(from: Option<&str>) -> Result<Self> {
        let Some(text) = from else {
            return Ok(Self::Start);
        };
        match text.split_once('/') {
            Some(("all", token)) => Ok(Self::All(token.to_owned())),
            Some(("ns", rest)) if rest.contains('/') => {
                let (name, token) = rest.split_once('/').unwrap_or_default();
                Ok(Self::Namespace {
                    name: name.to_owned(),
                    token: token.to_owned(),
                })
            }
            _ => Err(Error::invalid(
                "not a token of a list over all namespaces; begin the list again",
            )),
        }
    }
}

/// Lists what `request` asks for in all namespaces, or what has none.
pub(super) async fn everywhere(
    client: &ClusterClient,
    request: &ListRequest,
    pages: &Sender,
) -> Result<(), Stop> {
    let (start, token) = match From::parse(request.from.as_deref())? {
        From::Start => (None, None),
        From::All(token) => (None, Some(token)),
        From::Namespace { name, token } => (Some(name), Some(token)),
    };
    if let Some(name) = start {
        let names = names(client).await?;
        return one_by_one(client, request, pages, &names, &name, token).await;
    }

    let mut fresh = token.is_none();
    let mut lane = Lane::new(source(client, request, None)?, token);
    // The order is looked at here, once it is known whether this is the way to list.
    let mut order = lane.order.take().unwrap_or_default();
    // Namespaces that exist or that something was listed of.
    let mut known = BTreeSet::new();
    while let Some((place, mut page)) = lane.next(pages).await? {
        // A list that goes on behind a page was judged before.
        let first = std::mem::replace(&mut fresh, false);
        let only = first && page.next.is_none();
        if first && let Some(names) = existing(client, &page).await? {
            known.clone_from(&names);
            known.extend(namespaces_of(&page));
            if is_ambiguous(&known) {
                drop((place, lane));
                return one_by_one(client, request, pages, &names, "", None).await;
            }
        }
        if !only && (brings_ambiguity(&known, &page) || !order.holds(&page.objects)) {
            take_out_deleted(client, &mut page).await?;
        }
        known.extend(namespaces_of(&page));
        order.check(&mut page.objects, only)?;
        page.next = page.next.map(|token| format!("all/{token}"));
        place.send(Ok(page));
    }
    Ok(())
}

/// The namespaces, if the order of a list that begins with `page` hangs on them.
async fn existing(
    client: &ClusterClient,
    page: &Page,
) -> Result<Option<BTreeSet<String>>, Failure> {
    // A single page was sorted, and objects without a namespace have only one order.
    let scoped = |object: &Object| object.id().namespace().is_none();
    let cluster_scoped = !page.objects.is_empty() && page.objects.iter().all(scoped);
    if page.next.is_none() || cluster_scoped {
        return Ok(None);
    }
    names_if_allowed(client).await
}

/// The names of all namespaces. Who may not list them gets the server's order, which every page is held to.
async fn names_if_allowed(client: &ClusterClient) -> Result<Option<BTreeSet<String>>, Failure> {
    match names(client).await {
        Ok(names) => Ok(Some(names)),
        Err(Failure::Refused(refusal)) if refusal.code == StatusCode::FORBIDDEN => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn namespaces_of(page: &Page) -> BTreeSet<String> {
    let all = page.objects.iter();
    let names: BTreeSet<&str> = all.filter_map(|object| object.id().namespace()).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// Whether `page` has a namespace that is not known yet, and with which both orders can differ.
fn brings_ambiguity(known: &BTreeSet<String>, page: &Page) -> bool {
    let here = namespaces_of(page);
    !here.is_subset(known) && is_ambiguous(&known.union(&here).cloned().collect())
}

/// Takes out what lies in namespaces that were deleted since the list began, which still shows them: those that exist were
/// looked at for their order, these were not. No list that begins now would have them.
async fn take_out_deleted(client: &ClusterClient, page: &mut Page) -> Result<(), Failure> {
    let Some(names) = names_if_allowed(client).await? else {
        return Ok(());
    };
    let objects = std::mem::take(&mut page.objects).into_iter();
    let (kept, deleted): (Vec<Object>, Vec<Object>) = objects.partition(|object| {
        let namespace = object.id().namespace();
        namespace.is_none_or(|namespace| names.contains(namespace))
    });
    page.objects = kept;
    page.inconsistent |= !deleted.is_empty();
    page.unreadable.extend(deleted.iter().map(|object| {
        UnreadableItem {
            at: [
                object.id().namespace().unwrap_or_default(),
                object.id().name(),
            ]
            .join("/"),
            reason: "its namespace was deleted while the list ran".to_owned(),
        }
    }));
    Ok(())
}

/// Whether the order of keys and that of (namespace, name) can differ: only `-` of a name's characters stands before `/`.
fn is_ambiguous(names: &BTreeSet<String>) -> bool {
    names.iter().any(|name| {
        let prefix = format!("{name}-");
        let next = names.range(prefix.clone()..).next();
        next.is_some_and(|next| next.starts_with(&prefix))
    })
}

/// Lists the namespaces from `start` on, each to its end; `token` goes on inside of the first.
async fn one_by_one(
    client: &ClusterClient,
    request: &ListRequest,
    pages: &Sender,
    names: &BTreeSet<String>,
    start: &str,
    token: Option<String>,
) -> Result<(), Stop> {
    let mut token = token;
    let mut ended = false;
    let mut left = names.range(start.to_owned()..).peekable();
    while let Some(name) = left.next() {
        let token = token.take().filter(|_| name == start);
        let following = left.peek().map(|next| format!("ns/{next}/"));
        ended = following.is_none();
        let mut lane = Lane::new(source(client, request, Some(name))?, token);
        while let Some((place, mut page)) = lane.next(pages).await? {
            page.next = match page.next {
                Some(token) => Some(format!("ns/{name}/{token}")),
                None => following.clone(),
            };
            // What follows in other namespaces is not known.
            page.remaining = None;
            // Namespaces without such objects are no pages.
            if page.next.is_none() || !(page.objects.is_empty() && page.unreadable.is_empty()) {
                place.send(Ok(page));
            }
        }
    }
    if !ended {
        // No namespace is left from there on.
        pages.send(Ok(Page::default())).await?;
    }
    Ok(())
}

/// The names of all namespaces.
async fn names(client: &ClusterClient) -> Result<BTreeSet<String>, Failure> {
    let resource = GroupVersionResource {
        group: String::new(),
        version: "v1".to_owned(),
        resource: "namespaces".to_owned(),
    };
    let request = ListRequest {
        kind: GroupVersionKind {
            api_version: "v1".parse()?,
            kind: "Namespace".to_owned(),
        },
        resource,
        namespace: None,
        selector: Default::default(),
        page_bytes: 1 << 20,
        from: None,
    };
    let source = source(client, &request, None)?;
    let (sender, mut pages) = channel();
    // Each side drops its end of the channel when it stops, so that the other stops too.
    let listing = async move { Lane::new(source, None).send_all(&sender).await };
    let collecting = async move {
        let mut names = BTreeSet::new();
        while let Some(Ok(page)) = pages.recv().await {
            if !page.unreadable.is_empty() {
                return Err(Error::new(
                    ErrorKind::Incomplete,
                    "a namespace cannot be read, so that its objects cannot be listed",
                ));
            }
            names.extend(
                page.objects
                    .iter()
                    .map(|object| object.id().name().to_owned()),
            );
            if page.next.is_none() {
                break;
            }
        }
        Ok(names)
    };
    let (listed, names) = futures::future::join(listing, collecting).await;
    match listed {
        Err(Stop::Failed(failure)) => Err(failure),
        Ok(()) | Err(Stop::Gone) => Ok(names?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_begin_another_make_the_order_ambiguous() {
        for (names, expected) in [
            (["a", "b", "c"], false),
            (["a", "a-b", "b"], true),
            (["a", "a0", "ab"], false),
            (["a-b", "a-c", "a0"], false),
            (["x", "a", "a0-b"], false),
            (["a", "a-", "z"], true),
        ] {
            let names = names.map(str::to_owned).into();
            assert_eq!(is_ambiguous(&names), expected, "{names:?}");
        }
    }
}
