//! The server's HTTP side: connections, the log, faults, session tokens.

use super::{
    S3Options,
    fault::{Faults, S3Failure},
    store::Store,
};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use s3s::{
    Body, HttpError, auth::SimpleAuth, host::SingleDomain, service::S3Service,
    service::S3ServiceBuilder,
};
use std::{convert::Infallible, future::pending, io, sync::Arc};
use tokio::{net::TcpListener, task::JoinSet};

/// A request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedRequest {
    /// `PUT`.
    pub method: String,
    /// Path and query as sent, percent-encoded: `/bucket/key?partNumber=1&uploadId=…`.
    pub target: String,
}

/// Everything a connection needs.
#[derive(Clone)]
pub(super) struct Service {
    s3: S3Service,
    faults: Arc<Faults>,
    token: Option<Arc<str>>,
}

impl Service {
    pub(super) fn new(options: &S3Options, store: Store, faults: Arc<Faults>) -> io::Result<Self> {
        let mut builder = S3ServiceBuilder::new(store);
        builder.set_auth(SimpleAuth::from_single(
            options.access_key_id.clone(),
            options.secret_access_key.as_str(),
        ));
        if let Some(domain) = &options.domain {
            let domain = SingleDomain::new(domain).map_err(io::Error::other)?;
            builder.set_host(PathOrDomain(domain));
        }
        Ok(Self {
            s3: builder.build(),
            faults,
            token: options.session_token.as_deref().map(Into::into),
        })
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, HttpError> {
        let target = request.uri().path_and_query();
        let failure = self.faults.arrive(LoggedRequest {
            method: request.method().to_string(),
            target: target.map(ToString::to_string).unwrap_or_default(),
        });
        match failure {
            None => self.serve(request).await,
            Some(S3Failure::Error(status, code)) => {
                // The body is read to its end: closing before makes some clients report a broken pipe instead of the answer.
                drain(request.into_body()).await;
                Ok(refusal(status, code))
            }
            Some(S3Failure::Hang) => pending().await,
            Some(S3Failure::Close) => Err(closed()),
            Some(S3Failure::LoseAnswer) => {
                let answer = self.serve(request).await?;
                drop(answer);
                Err(closed())
            }
            Some(S3Failure::CutBody(bytes)) => {
                let answer = self.serve(request).await?;
                Ok(answer.map(|body| cut(body, bytes)))
            }
        }
    }

    async fn serve(&self, request: Request<Incoming>) -> Result<Response<Body>, HttpError> {
        let token = request.headers().get("x-amz-security-token");
        match (&self.token, token.map(HeaderValue::as_bytes)) {
            (None, None) => {}
            (Some(expected), Some(token)) if expected.as_bytes() == token => {}
            (Some(_), None) => {
                drain(request.into_body()).await;
                return Ok(refusal(403, "AccessDenied"));
            }
            (_, Some(_)) => {
                drain(request.into_body()).await;
                return Ok(refusal(400, "InvalidToken"));
            }
        }
        self.s3.call(request.map(Body::from)).await
    }
}

/// Both styles on one server: hosts other than `bucket.<domain>` are path style.
struct PathOrDomain(SingleDomain);

impl s3s::host::S3Host for PathOrDomain {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> s3s::S3Result<s3s::host::VirtualHost<'a>> {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        match self.0.parse_host_header(name) {
            Ok(found) if found.bucket().is_some() => Ok(found),
            _ => Ok(s3s::host::VirtualHost::new(host)),
        }
    }
}

/// Accepts connections until it is dropped; they end with it.
pub(super) async fn serve(listener: TcpListener, service: Service) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A client that went away before it was accepted is no reason to stop.
                let Ok((stream, _)) = accepted else { continue };
                let _ = stream.set_nodelay(true);
                let service = service.clone();
                connections.spawn(async move {
                    let answer = service_fn(|request| {
                        let service = service.clone();
                        async move { service.answer(request).await }
                    });
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), answer)
                        .await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

fn closed() -> HttpError {
    HttpError::new(Box::new(io::Error::from(io::ErrorKind::ConnectionAborted)))
}

async fn drain(body: Incoming) {
    let mut body = body.into_data_stream();
    while let Some(Ok(_)) = body.next().await {}
}

/// An error document of S3.
fn refusal(status: u16, code: &str) -> Response<Body> {
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>made by csdr-testkit</Message></Error>"
    );
    let mut response = Response::new(Body::from(document));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/xml"),
    );
    response
}

/// The first bytes of a body, and then an error, at which hyper closes the connection.
fn cut(body: Body, bytes: usize) -> Body {
    let left = stream::unfold(
        (body.into_data_stream(), bytes),
        |(mut body, left)| async move {
            if left == 0 {
                return None;
            }
            let chunk: Bytes = body.next().await?.ok()?;
            let chunk = chunk.slice(..chunk.len().min(left));
            let left = left - chunk.len();
            Some((Ok::<_, Infallible>(Frame::data(chunk)), (body, left)))
        },
    );
    let end = stream::once(async { Err(io::Error::from(io::ErrorKind::ConnectionAborted)) });
    let frames = left.map_err(|never| match never {}).chain(end);
    Body::http_body_unsync(StreamBody::new(frames))
}
