//! Lists: page after page, the next one asked for while the last one is still arriving.
//!
//! One task a stream fetches, so that a consumer that works on a page does not keep the next one waiting. At most two pages of
//! a stream are under way or unread at a time; dropping the stream ends its requests. A list of very small pages is a look: its
//! next page is not asked for before the consumer comes for it.

mod body;
mod channel;
mod fetch;
mod namespace;
mod page;

use crate::{
    ClusterClient,
    error::Failure,
    path::{collection, push_query},
};
use channel::{Place, Receiver, Sender, channel};
use csdr_core::{
    Error, ErrorKind, Result,
    model::GroupVersionKind,
    port::{ListRequest, Page},
};
use fetch::{Fetch, Source};
use futures::{StreamExt, stream, stream::BoxStream};
use page::Order;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// The objects that `request` asks for, in order of (namespace, name).
pub(crate) fn list(
    client: &ClusterClient,
    request: ListRequest,
) -> BoxStream<'static, Result<Page>> {
    let client = client.clone();
    running(move |pages| async move {
        let listed = match request.namespace {
            Some(_) => one_collection(&client, &request, &pages).await,
            None => namespace::everywhere(&client, &request, &pages).await,
        };
        report(&client, &request, listed, &pages).await;
    })
}

/// Like [`list`], in the order in which the server lists, of one object if `name` is given, and of whatever kind it has.
pub(crate) fn unordered(
    client: &ClusterClient,
    path: String,
    request: ListRequest,
) -> BoxStream<'static, Result<Page>> {
    let client = client.clone();
    running(move |pages| async move {
        let source = Arc::new(Source {
            client: client.clone(),
            path,
            resource: request.resource.group_resource(),
            kind: None,
            page_bytes: request.page_bytes.max(1),
        });
        let mut lane = Lane::new(source, None);
        lane.order = None;
        let listed = lane.send_all(&pages).await;
        report(&client, &request, listed, &pages).await;
    })
}

async fn report(
    client: &ClusterClient,
    request: &ListRequest,
    listed: Result<(), Stop>,
    pages: &Sender,
) {
    let failure = match listed {
        Ok(()) | Err(Stop::Gone) => return,
        Err(Stop::Failed(failure)) => failure,
    };
    let mut error = client
        .explain(failure)
        .with_operation("list objects")
        .with_context("resource", &request.resource);
    if let Some(namespace) = &request.namespace {
        error = error.with_context("namespace", namespace.escape_debug());
    }
    // A consumer that is gone needs no error.
    let _ = pages.send(Err(error)).await;
}

/// Why a list did not go to its end.
enum Stop {
    /// The consumer is gone.
    Gone,
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

/// One namespace, or what has none.
async fn one_collection(
    client: &ClusterClient,
    request: &ListRequest,
    pages: &Sender,
) -> Result<(), Stop> {
    let source = source(client, request, request.namespace.as_deref())?;
    Lane::new(source, request.from.clone())
        .send_all(pages)
        .await
}

/// The list of one collection.
fn source(
    client: &ClusterClient,
    request: &ListRequest,
    namespace: Option<&str>,
) -> Result<Arc<Source>> {
    let mut path = collection(&request.resource, namespace)?;
    if !request.selector.is_empty() {
        request.selector.validate()?;
        push_query(&mut path, "labelSelector", &request.selector.to_string());
    }
    Ok(Arc::new(Source {
        client: client.clone(),
        path,
        resource: request.resource.group_resource(),
        kind: Some(GroupVersionKind::clone(&request.kind)),
        page_bytes: request.page_bytes.max(1),
    }))
}

/// A page that is not read yet.
enum Upcoming {
    UnderWay(Fetch),
    /// It is asked for when the consumer comes for it.
    Wanted(Option<String>),
}

/// Pages of one collection, one behind the other.
struct Lane {
    source: Arc<Source>,
    /// The page that comes next; `None` behind the last.
    upcoming: Option<Upcoming>,
    limit: usize,
    /// `None` takes any order.
    order: Option<Order>,
    /// Whether the next page is the list's first.
    first: bool,
}

impl Lane {
    fn new(source: Arc<Source>, from: Option<String>) -> Self {
        let from = from.filter(|token| !token.is_empty());
        let limit = source.first_limit();
        Self {
            first: from.is_none(),
            upcoming: Some(match source.is_look() {
                true => Upcoming::Wanted(from),
                false => Upcoming::UnderWay(Fetch::start(&source, from, limit)),
            }),
            limit,
            order: Some(Order::default()),
            source,
        }
    }

    /// Lists to the end.
    async fn send_all(mut self, pages: &Sender) -> Result<(), Stop> {
        while let Some((place, page)) = self.next(pages).await? {
            place.send(Ok(page));
        }
        Ok(())
    }

    /// The next page, and its place in the channel; the page behind it is on its way then.
    async fn next<'a>(&mut self, pages: &'a Sender) -> Result<Option<(Place<'a>, Page)>, Stop> {
        let mut fetch = match self.upcoming.take() {
            None => return Ok(None),
            Some(Upcoming::UnderWay(fetch)) => fetch,
            Some(Upcoming::Wanted(token)) => {
                pages.awaited().await?;
                Fetch::start(&self.source, token, self.limit)
            }
        };
        // The place is taken before the next page is asked for: two pages at a time, this one and the next.
        let early = (&mut fetch.early).await.ok();
        let place = pages.reserve().await?;
        let ahead = early
            .filter(|_| !self.source.is_look())
            .map(|token| Fetch::start(&self.source, Some(token), self.limit));

        let fetched = (&mut fetch).await?;
        self.limit = self.source.next_limit(fetched.limit, &fetched.items);
        let next = fetched.items.meta.token().map(str::to_owned);
        self.upcoming = match ahead {
            _ if next.is_none() => None,
            _ if self.source.is_look() => Some(Upcoming::Wanted(next.clone())),
            // A page that was asked for again may have another successor than its first answer told.
            Some(ahead) if ahead.token == next => Some(Upcoming::UnderWay(ahead)),
            _ => {
                let fetch = Fetch::start(&self.source, next.clone(), self.limit);
                Some(Upcoming::UnderWay(fetch))
            }
        };
        let first = std::mem::replace(&mut self.first, false);
        let mut page = Page {
            objects: fetched.items.objects,
            unreadable: fetched.items.unreadable,
            remaining: match next {
                Some(_) => fetched.items.meta.remaining_item_count,
                None => Some(0),
            },
            resource_version: fetched.items.meta.resource_version.unwrap_or_default(),
            inconsistent: fetched.inconsistent,
            next,
        };
        if let Some(order) = &mut self.order {
            order.check(&mut page.objects, first && page.next.is_none())?;
        }
        Ok(Some((place, page)))
    }
}

/// A driver's task, ended with the stream.
struct Driver {
    pages: Receiver,
    task: JoinHandle<()>,
    /// Whether the last page or an error was seen.
    over: bool,
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Runs `drive` in a task from the first poll on.
fn running<F>(drive: impl FnOnce(Sender) -> F + Send + 'static) -> BoxStream<'static, Result<Page>>
where
    F: Future<Output = ()> + Send + 'static,
{
    stream::once(async move {
        let (sender, pages) = channel();
        let driver = Driver {
            pages,
            task: tokio::spawn(drive(sender)),
            over: false,
        };
        stream::unfold(driver, |mut driver| async move {
            let page = match driver.pages.recv().await {
                None if driver.over => return None,
                // A list that merely stops would look whole.
                None => Err(Error::new(
                    ErrorKind::Unexpected,
                    "the task that lists ended before its last page",
                )),
                Some(page) => page,
            };
            driver.over = driver.over || page.as_ref().is_ok_and(|page| page.next.is_none());
            driver.over = driver.over || page.is_err();
            Some((page, driver))
        })
    })
    .flatten()
    .boxed()
}
