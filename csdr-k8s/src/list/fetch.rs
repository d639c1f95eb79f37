//! Fetches one page, and tells its successor's token while the page is still arriving.

use super::{
    body::{self, Head},
    page::{self, Items},
};
use crate::{
    ClusterClient,
    error::{Failure, malformed},
    path::push_query,
    transport::{Answer, Call, Effect},
};
use bytes::Bytes;
use csdr_core::{
    Error,
    model::{GroupResource, GroupVersionKind},
};
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};
use tokio::{sync::oneshot, task::JoinHandle};

/// Bodies up to this size are parsed where they are; larger ones on a thread that may block.
const INLINE_BYTES: usize = 32 << 10;

/// How often a page goes on after a 410 before that is an error.
const RESUMPTIONS: u32 = 5;

/// One list, whichever its page.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) client: ClusterClient,
    /// Path and query without `limit` and `continue`.
    pub(super) path: String,
    pub(super) resource: GroupResource,
    pub(super) kind: Option<GroupVersionKind>,
    pub(super) page_bytes: usize,
}

/// A page that arrived.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) items: Items,
    /// It was asked for with another token than the list's own.
    pub(super) inconsistent: bool,
    /// How many objects were asked for in the end.
    pub(super) limit: usize,
}

/// A page on its way, in a task of its own that ends when this is dropped.
#[derive(Debug)]
pub(super) struct Fetch {
    /// What was asked for.
    pub(super) token: Option<String>,
    /// The next page's token, if the page tells it before its end.
    pub(super) early: oneshot::Receiver<String>,
    page: JoinHandle<Result<Fetched, Failure>>,
}

impl Fetch {
    /// Asks for the page behind `token`.
    pub(super) fn start(source: &Arc<Source>, token: Option<String>, limit: usize) -> Self {
        let (tell, early) = oneshot::channel();
        let (source, from) = (Arc::clone(source), token.clone());
        Self {
            token,
            early,
            page: tokio::spawn(async move { source.fetch(from, limit, tell).await }),
        }
    }
}

impl Future for Fetch {
    type Output = Result<Fetched, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.page).poll(context).map(|ended| {
            ended.unwrap_or_else(|error| {
                Err(Error::new(
                    csdr_core::ErrorKind::Unexpected,
                    "the task that fetched a page of a list broke off",
                )
                .with_source(error)
                .into())
            })
        })
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        self.page.abort();
    }
}

impl Source {
    /// The first page's limit: objects count as 4 KiB until it is known better.
    pub(super) fn first_limit(&self) -> usize {
        (self.page_bytes / 4096).clamp(1, 500.min(self.most()))
    }

    /// Whether pages are so small that this is a look, as a count is, of which more may not be wanted.
    pub(super) fn is_look(&self) -> bool {
        self.first_limit() == 1
    }

    /// The next page's limit after one of `bytes` and `count` items that was asked for with `limit`.
    pub(super) fn next_limit(&self, limit: usize, items: &Items) -> usize {
        let fitting = match items.count {
            0 => limit * 2,
            count => self.page_bytes.saturating_mul(count) / items.bytes.max(1),
        };
        fitting.clamp(1, (limit * 4).min(self.most()))
    }

    fn most(&self) -> usize {
        self.client.limits.page_objects.max(1)
    }

    async fn fetch(
        self: Arc<Self>,
        mut token: Option<String>,
        mut limit: usize,
        tell: oneshot::Sender<String>,
    ) -> Result<Fetched, Failure> {
        let tell = Arc::new(Mutex::new(Some(tell)));
        let mut resumptions = 0;
        let body = loop {
            let failure = match self.request(token.as_deref(), limit, &tell).await {
                Ok(body) => break body,
                Err(failure) => failure,
            };
            match failure {
                // The page holds larger objects than those before it.
                Failure::TooLarge(_) if limit > 1 => limit = (limit / 4).max(1),
                Failure::Refused(refusal)
                    if refusal.code == http::StatusCode::GONE && resumptions < RESUMPTIONS =>
                {
                    resumptions += 1;
                    match refusal.next() {
                        Some(next) => token = Some(next.to_owned()),
                        // Nothing was listed yet, so beginning again repeats nothing.
                        None if token.is_none() => {}
                        None => return Err(Failure::Refused(refusal)),
                    }
                }
                failure => return Err(failure),
            }
        };
        let inconsistent = resumptions > 0 && token.is_some();
        let items = self.parse(body).await?;
        Ok(Fetched {
            items,
            inconsistent,
            limit,
        })
    }

    async fn request(
        &self,
        token: Option<&str>,
        limit: usize,
        tell: &Mutex<Option<oneshot::Sender<String>>>,
    ) -> Result<Bytes, Failure> {
        let mut path = self.path.clone();
        push_query(&mut path, "limit", &limit.to_string());
        if let Some(token) = token {
            push_query(&mut path, "continue", token);
        }
        // A page of several objects may hold twice what it should before it is asked for again, smaller.
        let largest = match limit {
            1 => self.client.limits.body_bytes,
            _ => (2 * self.page_bytes).min(self.client.limits.body_bytes),
        };
        let call = Call::get(path);
        let mut repeats = self.client.repeats(Effect::Read);
        loop {
            let received = match self.client.open(&call, largest).await {
                Ok(answer) => self.receive(answer, tell).await,
                Err(failure) => Err(failure),
            };
            match received {
                Ok(body) => return Ok(body),
                Err(failure) => repeats.pause(failure).await?,
            }
        }
    }

    async fn receive(
        &self,
        mut answer: Answer,
        tell: &Mutex<Option<oneshot::Sender<String>>>,
    ) -> Result<Bytes, Failure> {
        let mut body = Vec::new();
        let mut looking = true;
        while let Some(chunk) = answer.chunk().await? {
            if body.capacity() - body.len() < chunk.len() && !looking {
                body.reserve(self.page_bytes);
            }
            body.extend_from_slice(&chunk);
            if looking {
                match body::head(&body) {
                    Head::More => continue,
                    Head::Items => {}
                    Head::Meta(meta) => {
                        let tell = tell.lock().unwrap_or_else(PoisonError::into_inner).take();
                        if let (Some(tell), Some(token)) = (tell, meta.token()) {
                            // Nobody listens if the page is read for its own sake.
                            let _ = tell.send(token.to_owned());
                        }
                    }
                }
                looking = false;
            }
        }
        Ok(body.into())
    }

    async fn parse(self: Arc<Self>, body: Bytes) -> Result<Items, Failure> {
        let small = body.len() <= INLINE_BYTES;
        let read = move || page::read(&self.resource, self.kind.as_ref(), &body);
        if small {
            return Ok(read()?);
        }
        match tokio::task::spawn_blocking(read).await {
            Ok(items) => Ok(items?),
            Err(error) => Err(malformed("to a list request could not be read")
                .with_source(error)
                .into()),
        }
    }
}
