//! One request to the API server and its answer: bounded in time and size, repeated where that is certain to be safe.

use crate::{
    ClusterClient,
    error::{self, Failure, Refusal},
    gate::Place,
    limit::RepeatPolicy,
};
use bytes::{Bytes, BytesMut};
use csdr_core::{Error, ErrorKind, Retry};
use http::{
    HeaderValue, Method, Request, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, USER_AGENT},
};
use http_body_util::BodyExt;
use kube::client::Body;
use std::time::Duration;
use tokio::time::Instant;

/// The bytes of a refusal that are worth reading.
const REFUSAL_BYTES: usize = 1 << 20;

/// JSON, as every verb answers it.
pub(crate) const JSON: &str = "application/json";

const AGENT: &str = concat!("csdr/", env!("CARGO_PKG_VERSION"));

/// A request that can be made again.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) accept: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
}

impl Call {
    /// A read.
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            accept: JSON,
            content_type: "",
            body: Bytes::new(),
        }
    }

    /// A request with a body.
    pub(crate) fn with_body(
        method: Method,
        path: impl Into<String>,
        content_type: &'static str,
        body: Bytes,
    ) -> Self {
        Self {
            method,
            path: path.into(),
            accept: JSON,
            content_type,
            body,
        }
    }
}

/// What an unanswered or refused call allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Changes nothing: may be made again after every passing failure.
    Read,
    /// Changes something: may be made again only where the server says that it did not begin.
    Write,
}

/// An answer whose body is still to be read.
#[derive(Debug)]
pub(crate) struct Answer {
    body: Body,
    deadline: Instant,
    place: Option<Place>,
    received: usize,
    limit: usize,
}

impl Answer {
    /// The next piece of the body; `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let frame = match tokio::time::timeout_at(self.deadline, self.body.frame()).await {
                Err(_) => return Err(late().into()),
                Ok(None) => {
                    self.place = None;
                    return Ok(None);
                }
                Ok(Some(frame)) => frame.map_err(error::from_kube)?,
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            self.received += data.len();
            if self.received > self.limit {
                return Err(Failure::TooLarge(self.limit));
            }
            return Ok(Some(data));
        }
    }

    /// The whole body.
    pub(crate) async fn whole(mut self) -> Result<Bytes, Failure> {
        let Some(first) = self.chunk().await? else {
            return Ok(Bytes::new());
        };
        let Some(second) = self.chunk().await? else {
            return Ok(first);
        };
        let mut body = BytesMut::with_capacity(4 * (first.len() + second.len()));
        body.extend_from_slice(&first);
        body.extend_from_slice(&second);
        while let Some(next) = self.chunk().await? {
            body.extend_from_slice(&next);
        }
        Ok(body.freeze())
    }

    /// The same answer without its end in time and size, and without its place among the parallel requests: for watches,
    /// which the server ends.
    pub(crate) fn unhurried(mut self, patience: Duration) -> Self {
        self.place = None;
        self.limit = usize::MAX;
        self.deadline = Instant::now() + patience;
        self
    }
}

fn late() -> Error {
    Error::new(
        ErrorKind::Timeout,
        "the API server did not answer in time; check its load, or raise ClusterLimits::request_timeout",
    )
    .with_retry(Retry::After(None))
}

impl ClusterClient {
    /// Makes the call once: waits for a place, sends, and reads the head of the answer. A refusal's body is read whole.
    pub(crate) async fn open(&self, call: &Call, limit: usize) -> Result<Answer, Failure> {
        let place = self.gate.enter(self.limits.queue_timeout).await?;
        let deadline = Instant::now() + self.limits.request_timeout;
        let sent = tokio::time::timeout_at(deadline, self.client.send(request(call)?)).await;
        let response = match sent {
            Err(_) => return Err(late().into()),
            Ok(Err(source)) => return Err(error::from_kube(source).into()),
            Ok(Ok(response)) => response,
        };
        let (head, body) = response.into_parts();
        let mut answer = Answer {
            body,
            deadline,
            place: None,
            received: 0,
            limit,
        };
        if head.status.is_success() {
            place.taken();
            answer.place = Some(place);
            return Ok(answer);
        }
        answer.limit = REFUSAL_BYTES;
        let said = answer.whole().await.unwrap_or_default();
        let header = head.headers.get(RETRY_AFTER);
        let header = header.and_then(|value| value.to_str().ok());
        let refusal = Refusal::new(head.status, header, &said);
        if head.status == StatusCode::TOO_MANY_REQUESTS
            || (head.status == StatusCode::SERVICE_UNAVAILABLE && refusal.retry_after.is_some())
        {
            place.throttled();
        }
        Err(Failure::Refused(Box::new(refusal)))
    }

    /// Counts the attempts of one call.
    pub(crate) fn repeats(&self, effect: Effect) -> Repeats<'_> {
        Repeats {
            policy: &self.limits.repeat,
            effect,
            attempt: 0,
        }
    }

    /// The whole answer of a call that is repeated as the policy and `effect` allow.
    pub(crate) async fn bytes(&self, call: &Call, effect: Effect) -> Result<Bytes, Failure> {
        let mut repeats = self.repeats(effect);
        loop {
            let answered = match self.open(call, self.limits.body_bytes).await {
                Ok(answer) => answer.whole().await,
                Err(failure) => Err(failure),
            };
            match answered {
                Ok(body) => return Ok(body),
                Err(failure) => repeats.pause(failure).await?,
            }
        }
    }

    /// The failure as the caller's error, with what this client knows: where the server is, and that its certificate has ended.
    pub(crate) fn explain(&self, failure: Failure) -> Error {
        let error = failure.into_error();
        let identity = &self.identity;
        let ended = identity
            .not_after
            .filter(|end| *end < jiff::Timestamp::now())
            .filter(|_| error.kind() == ErrorKind::Unauthenticated);
        let error = match ended {
            Some(end) => Error::new(
                ErrorKind::Unauthenticated,
                format!(
                    "the kubeconfig's client certificate expired at {end}; get a new kubeconfig"
                ),
            )
            .with_source(error),
            None => error,
        };
        match identity.server.as_str() {
            "" => error,
            server => error.with_context("server", server),
        }
    }
}

/// The attempts of one call so far.
#[derive(Debug)]
pub(crate) struct Repeats<'a> {
    policy: &'a RepeatPolicy,
    effect: Effect,
    attempt: u32,
}

impl Repeats<'_> {
    /// Waits until the call may be made again.
    ///
    /// # Errors
    /// The failure, if it may not.
    pub(crate) async fn pause(&mut self, failure: Failure) -> Result<(), Failure> {
        self.attempt += 1;
        let Some(asked) = repeatable(&failure, self.effect) else {
            return Err(failure);
        };
        match self.policy.pause(self.attempt, asked) {
            Some(pause) => {
                tokio::time::sleep(pause).await;
                Ok(())
            }
            None if self.attempt > 1 => Err(exhausted(failure)),
            None => Err(failure),
        }
    }
}

/// Whether to make the call again, and after which pause the server asked for.
fn repeatable(failure: &Failure, effect: Effect) -> Option<Option<Duration>> {
    match (failure, effect) {
        (Failure::Refused(refusal), Effect::Read) => {
            let passing = matches!(refusal.code.as_u16(), 408 | 429 | 502 | 503 | 504)
                || refusal.reason() == "ServerTimeout";
            passing.then_some(refusal.retry_after)
        }
        // Source: priority and fairness answers 429 before a request is executed; every other answer leaves that open.
        (Failure::Refused(refusal), Effect::Write) => {
            (refusal.code == StatusCode::TOO_MANY_REQUESTS).then_some(refusal.retry_after)
        }
        (Failure::Broken(error), Effect::Read) => match error.retry() {
            Retry::After(asked) => Some(asked),
            Retry::Never | Retry::Exhausted => None,
        },
        (Failure::Broken(_), Effect::Write) | (Failure::TooLarge(_), _) => None,
    }
}

fn exhausted(failure: Failure) -> Failure {
    Failure::Broken(failure.into_error().with_retry(Retry::Exhausted))
}

fn request(call: &Call) -> Result<Request<Body>, Failure> {
    let mut request = Request::builder()
        .method(&call.method)
        .uri(&call.path)
        .header(ACCEPT, call.accept)
        .header(USER_AGENT, HeaderValue::from_static(AGENT));
    if !call.content_type.is_empty() {
        request = request.header(CONTENT_TYPE, call.content_type);
    }
    request
        .body(Body::from(call.body.clone()))
        .map_err(|source| {
            Error::invalid("not a request that HTTP can carry")
                .with_source(source)
                .into()
        })
}
