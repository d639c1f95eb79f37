//! The function, and what it saw.

use bytes::Bytes;
use csdr_k8s::{ClusterClient, ClusterLimits, RepeatPolicy};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use kube::client::Body;
use std::{
    collections::BTreeMap,
    convert::Infallible,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::Notify;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    pub(crate) fn query(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    pub(crate) fn limit(&self) -> usize {
        self.query("limit").parse().unwrap()
    }
}

/// A piece of an answer's body.
pub(crate) enum Piece {
    Data(String),
    /// Goes on when this is notified.
    Wait(Arc<Notify>),
    /// The connection breaks.
    Break,
    /// Nothing more comes; the value is dropped with the body.
    Hang(Box<dyn Send>),
}

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) pieces: Vec<Piece>,
}

impl Reply {
    pub(crate) fn pieces(pieces: Vec<Piece>) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            pieces,
        }
    }

    pub(crate) fn json(body: impl ToString) -> Self {
        Self::pieces(vec![Piece::Data(body.to_string())])
    }

    /// A `Status`.
    pub(crate) fn status(code: u16, reason: &str, more: serde_json::Value) -> Self {
        let mut body = serde_json::json!({
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code,
            "message": format!("the server says {reason}"),
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        Self {
            status: code,
            ..Self::json(body)
        }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    fn into_response(
        self,
    ) -> Response<http_body_util::combinators::UnsyncBoxBody<Bytes, io::Error>> {
        let pieces = stream::iter(self.pieces).then(|piece| async move {
            match piece {
                Piece::Data(text) => Ok(Frame::data(Bytes::from(text))),
                Piece::Wait(notify) => {
                    notify.notified().await;
                    Ok(Frame::data(Bytes::new()))
                }
                Piece::Break => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
                Piece::Hang(held) => {
                    std::future::pending::<()>().await;
                    drop(held);
                    Ok(Frame::data(Bytes::new()))
                }
            }
        });
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        let body = StreamBody::new(Box::pin(pieces));
        response.body(BodyExt::boxed_unsync(body)).unwrap()
    }
}

pub(crate) type Log = Arc<Mutex<Vec<Seen>>>;

/// Small bounds, so that tests need not wait even on a real clock.
pub(crate) fn limits() -> ClusterLimits {
    ClusterLimits {
        request_timeout: Duration::from_secs(10),
        repeat: RepeatPolicy {
            attempts: 3,
            ..RepeatPolicy::default()
        },
        ..ClusterLimits::default()
    }
}

/// A client of `answer`, and the requests in the order in which they came.
pub(crate) fn serve<F>(limits: ClusterLimits, answer: F) -> (ClusterClient, Log)
where
    F: Fn(Seen) -> Reply + Send + Sync + 'static,
{
    serve_async(limits, move |seen| {
        let reply = answer(seen);
        async { reply }.boxed()
    })
}

/// As [`serve`], for answers that wait.
pub(crate) fn serve_async<F>(limits: ClusterLimits, answer: F) -> (ClusterClient, Log)
where
    F: Fn(Seen) -> BoxFuture<'static, Reply> + Send + Sync + 'static,
{
    let log = Log::default();
    let (answer, seen_by) = (Arc::new(answer), Arc::clone(&log));
    let service = tower::service_fn(move |request: Request<Body>| {
        let (answer, log) = (Arc::clone(&answer), Arc::clone(&seen_by));
        async move {
            let (head, body) = request.into_parts();
            let seen = Seen {
                method: head.method,
                path: head.uri.path().to_owned(),
                query: query(head.uri.query().unwrap_or_default()),
                headers: head.headers,
                body: body.collect().await.unwrap().to_bytes(),
            };
            log.lock().unwrap().push(seen.clone());
            let reply = answer(seen).await;
            Ok::<_, Infallible>(reply.into_response())
        }
    });
    let client = kube::Client::new(service, "default");
    (ClusterClient::from_client(client, limits), log)
}

fn query(text: &str) -> BTreeMap<String, String> {
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), decoded(value)))
        .collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            let digits = std::str::from_utf8(&digits).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}
