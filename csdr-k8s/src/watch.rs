//! Watching: a list, and then the changes since.

use crate::{
    ClusterClient,
    error::{self, Failure, Status, malformed},
    list,
    path::{collection, push_query},
    transport::{Answer, Call, Effect},
};
use bytes::{Buf, BytesMut};
use csdr_core::{
    Result,
    model::{GroupResource, GroupVersionKind, LabelSelector, Object},
    port::{ListRequest, WatchEvent, WatchRequest},
};
use futures::{StreamExt, stream::BoxStream};
use memchr::memchr;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::time::Duration;
use tokio::{sync::mpsc, task::JoinHandle};

/// Bytes of a page of the first list.
const PAGE_BYTES: usize = 1 << 20;

/// What the server may take to end the watch after its time, before the client does.
const GRACE: Duration = Duration::from_secs(5);

type Sender = mpsc::Sender<Result<WatchEvent>>;

/// One line of a watch.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    object: &'a RawValue,
}

/// Why a watch ended.
enum Stop {
    /// The consumer is gone.
    Gone,
    Failed(Failure),
}

impl<F: Into<Failure>> From<F> for Stop {
    fn from(failure: F) -> Self {
        Self::Failed(failure.into())
    }
}

/// Present objects, then changes, until the server ends the watch.
pub(crate) fn watch(
    client: &ClusterClient,
    request: WatchRequest,
) -> BoxStream<'static, Result<WatchEvent>> {
    /// Ends the task with the stream.
    struct Task(JoinHandle<()>);
    impl Drop for Task {
        fn drop(&mut self) {
            self.0.abort();
        }
    }

    let client = client.clone();
    futures::stream::once(async move {
        let (sender, events) = mpsc::channel(64);
        let task = Task(tokio::spawn(async move {
            if let Err(Stop::Failed(failure)) = run(&client, &request, &sender).await {
                let error = client
                    .explain(failure)
                    .with_operation("watch objects")
                    .with_context("resource", &request.resource);
                // A consumer that is gone needs no error.
                let _ = sender.send(Err(error)).await;
            }
        }));
        futures::stream::unfold((events, task), |(mut events, task)| async move {
            let event = events.recv().await?;
            Some((event, (events, task)))
        })
    })
    .flatten()
    .boxed()
}

async fn run(
    client: &ClusterClient,
    request: &WatchRequest,
    events: &Sender,
) -> std::result::Result<(), Stop> {
    let mut path = collection(&request.resource, request.namespace.as_deref())?;
    if let Some(name) = &request.name {
        push_query(&mut path, "fieldSelector", &format!("metadata.name={name}"));
    }
    let since = present(client, request, path.clone(), events).await?;
    push_query(&mut path, "watch", "true");
    push_query(&mut path, "allowWatchBookmarks", "true");
    push_query(&mut path, "resourceVersion", &since);
    let patience = client.limits.watch_timeout;
    push_query(
        &mut path,
        "timeoutSeconds",
        &patience.as_secs().max(1).to_string(),
    );
    let call = Call::get(path);
    let mut repeats = client.repeats(Effect::Read);
    let answer = loop {
        match client.open(&call, client.limits.body_bytes).await {
            Ok(answer) => break answer.unhurried(patience + GRACE),
            Err(failure) => repeats.pause(failure).await?,
        }
    };
    changes(
        answer,
        client.limits.body_bytes,
        &request.resource.group_resource(),
        events,
    )
    .await
}

/// Yields what is there, and answers the version to watch from: that of the first page, so that nothing is missed.
async fn present(
    client: &ClusterClient,
    request: &WatchRequest,
    path: String,
    events: &Sender,
) -> std::result::Result<String, Stop> {
    let api_version = request.resource.api_version().parse()?;
    let listed = ListRequest {
        resource: request.resource.clone(),
        // The list's own kind is taken.
        kind: GroupVersionKind {
            api_version,
            kind: String::new(),
        },
        namespace: request.namespace.clone(),
        selector: LabelSelector::default(),
        page_bytes: PAGE_BYTES,
        from: None,
    };
    let mut pages = list::unordered(client, path, listed);
    let mut since = None;
    while let Some(page) = pages.next().await {
        let page = page?;
        since.get_or_insert(page.resource_version);
        if let Some(item) = page.unreadable.first() {
            return Err(malformed("holds an object that cannot be read")
                .with_context("object", &item.at)
                .into());
        }
        for object in page.objects {
            send(events, WatchEvent::Applied(object)).await?;
        }
    }
    Ok(since.unwrap_or_default())
}

async fn send(events: &Sender, event: WatchEvent) -> std::result::Result<(), Stop> {
    events.send(Ok(event)).await.map_err(|_| Stop::Gone)
}

async fn changes(
    mut answer: Answer,
    longest: usize,
    resource: &GroupResource,
    events: &Sender,
) -> std::result::Result<(), Stop> {
    let mut buffer = BytesMut::new();
    loop {
        let searched = buffer.len();
        match answer.chunk().await {
            Ok(Some(chunk)) => buffer.extend_from_slice(&chunk),
            Ok(None) => return Ok(()),
            // A watch may end at any time; its consumer begins anew.
            Err(Failure::Broken(error)) if error.retry() != csdr_core::Retry::Never => {
                return Ok(());
            }
            Err(failure) => return Err(failure.into()),
        }
        let mut from = searched;
        while let Some(end) = memchr(b'\n', &buffer[from..]).map(|at| from + at) {
            let line = buffer.split_to(end);
            buffer.advance(1);
            from = 0;
            if let Some(event) = event(resource, &line)? {
                send(events, event).await?;
            }
        }
        if buffer.len() > longest {
            return Err(Failure::TooLarge(longest).into());
        }
    }
}

/// One line's event; a bookmark is none.
fn event(resource: &GroupResource, line: &[u8]) -> Result<Option<WatchEvent>> {
    let line: Line<'_> = serde_json::from_slice(line)
        .map_err(|_| malformed("to a watch holds a line that is not an event"))?;
    let text = line.object.get();
    let object = || Object::parse(resource.clone(), text.as_bytes().to_vec());
    match line.kind.as_str() {
        "ADDED" | "MODIFIED" => Ok(Some(WatchEvent::Applied(object()?))),
        "DELETED" => Ok(Some(WatchEvent::Deleted(object()?))),
        "BOOKMARK" => Ok(None),
        "ERROR" => {
            let status: Status = serde_json::from_str(text).unwrap_or_default();
            Err(error::from_watch_status(status))
        }
        other => Err(malformed("to a watch holds an event of an unknown type")
            .with_context("type", other.escape_debug())),
    }
}
