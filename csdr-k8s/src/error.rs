//! Translation of what the cluster, its client and the kubeconfig answer into [`csdr_core::Error`]: the one place for it.
//!
//! Messages come from the server's `Status`, on one line, without the object's content (`error/scrub.rs`).

mod scrub;
mod status;

pub(crate) use status::{Refusal, Status};

use csdr_core::{Error, ErrorKind, Retry};
use http::StatusCode;
use kube::{client::AuthError, config::KubeconfigError};
use std::{error::Error as StdError, io, time::Duration};

/// Why a call has no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server answered, and not with a success.
    Refused(Box<Refusal>),
    /// There is no whole answer.
    Broken(Error),
    /// The answer is larger than this many bytes.
    TooLarge(usize),
}

impl Failure {
    /// As the error that a caller sees.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Refused(refusal) => from_refusal(&refusal),
            Self::Broken(error) => error,
            Self::TooLarge(limit) => Error::new(
                ErrorKind::Exhausted,
                format!("the answer is larger than {limit} bytes; raise ClusterLimits::body_bytes"),
            ),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

/// The error of an answer that is not a success. The reason decides, and the code where there is none.
pub(crate) fn from_refusal(refusal: &Refusal) -> Error {
    let (kind, retry) = classify(refusal);
    let message = match message(refusal) {
        said if said.is_empty() => format!("the server answered {}", refusal.code),
        said => said,
    };
    let message = match kind {
        ErrorKind::Unauthenticated => format!(
            "the server does not accept these credentials ({message}); they may have expired: renew the kubeconfig"
        ),
        _ => message,
    };
    Error::new(kind, message)
        .with_retry(retry)
        .with_context("status", refusal.code.as_u16())
}

/// Source: `k8s.io/apimachinery/pkg/api/errors` and `meta/v1` StatusReason.
fn classify(refusal: &Refusal) -> (ErrorKind, Retry) {
    let later = Retry::After(refusal.retry_after);
    let said = refusal.status.message.as_deref().unwrap_or_default();
    match (refusal.reason(), refusal.code.as_u16()) {
        ("NotFound", _) => (ErrorKind::NotFound, Retry::Never),
        ("AlreadyExists", _) => (ErrorKind::AlreadyExists, Retry::Never),
        ("Conflict", _) => (ErrorKind::Conflict, Retry::Never),
        ("Forbidden", _) | ("", 403)
            if refusal.has_cause("NamespaceTerminating")
                || said.contains("because it is being terminated") =>
        {
            (ErrorKind::Conflict, later)
        }
        ("Forbidden", _) | ("", 403) if said.contains("exceeded quota") => {
            (ErrorKind::Exhausted, Retry::Never)
        }
        ("Forbidden", _) => (ErrorKind::PermissionDenied, Retry::Never),
        ("Unauthorized", _) => (ErrorKind::Unauthenticated, Retry::Never),
        ("Invalid" | "BadRequest" | "RequestEntityTooLarge", _) => {
            (ErrorKind::InvalidInput, Retry::Never)
        }
        ("Gone" | "Expired", _) => (ErrorKind::Expired, Retry::Never),
        ("TooManyRequests", _) => (ErrorKind::RateLimited, later),
        ("Timeout" | "ServerTimeout", _) => (ErrorKind::Timeout, later),
        ("StoreReadError", _) => (ErrorKind::Corrupt, Retry::Never),
        ("MethodNotAllowed" | "NotAcceptable" | "UnsupportedMediaType", _) => {
            (ErrorKind::Unsupported, Retry::Never)
        }
        // A webhook that does not answer: its backend may still be starting.
        ("InternalError", _) if said.contains("failed calling webhook") => {
            (ErrorKind::Unavailable, later)
        }
        (_, code) => by_code(code, refusal.retry_after),
    }
}

fn by_code(code: u16, retry_after: Option<Duration>) -> (ErrorKind, Retry) {
    let later = Retry::After(retry_after);
    match code {
        400 | 413 | 422 => (ErrorKind::InvalidInput, Retry::Never),
        401 => (ErrorKind::Unauthenticated, Retry::Never),
        403 => (ErrorKind::PermissionDenied, Retry::Never),
        404 => (ErrorKind::NotFound, Retry::Never),
        405 | 406 | 415 | 501 => (ErrorKind::Unsupported, Retry::Never),
        409 | 412 => (ErrorKind::Conflict, Retry::Never),
        410 => (ErrorKind::Expired, Retry::Never),
        429 => (ErrorKind::RateLimited, later),
        503 if retry_after.is_some() => (ErrorKind::RateLimited, later),
        502 | 503 => (ErrorKind::Unavailable, later),
        408 | 504 => (ErrorKind::Timeout, later),
        507 => (ErrorKind::Exhausted, Retry::Never),
        _ => (ErrorKind::Unexpected, Retry::Never),
    }
}

/// The server's words and those causes that they do not hold already.
fn message(refusal: &Refusal) -> String {
    let mut line = scrub::scrubbed(refusal.status.message.as_deref().unwrap_or_default());
    let causes = refusal
        .status
        .details
        .as_ref()
        .and_then(|details| details.causes.as_deref())
        .unwrap_or_default();
    for cause in causes.iter().take(8) {
        let said = scrub::scrubbed(cause.message.as_deref().unwrap_or_default());
        if said.is_empty() || line.contains(&said) {
            continue;
        }
        let field = cause.field.as_deref().unwrap_or_default();
        line.push_str("; ");
        if !field.is_empty() {
            line.push_str(&format!("{}: ", scrub::scrubbed(field)));
        }
        line.push_str(&said);
    }
    line
}

/// An answer that is not what the API promises.
pub(crate) fn malformed(what: &str) -> Error {
    Error::corrupt(format!("the server's answer {what}"))
}

/// The error of a call without an answer.
pub(crate) fn from_kube(error: kube::Error) -> Error {
    if let kube::Error::Auth(auth) = &error {
        return from_auth(auth);
    }
    let unusable = match &error {
        kube::Error::ProxyProtocolUnsupported { .. }
        | kube::Error::ProxyProtocolDisabled { .. } => Some(
            "the proxy's address has an unknown scheme; use http, https or socks5 in proxy-url or HTTPS_PROXY",
        ),
        kube::Error::RustlsTls(_) => Some(
            "the kubeconfig's certificates or key cannot be used for TLS; check its user and cluster entries",
        ),
        _ => None,
    };
    if let Some(message) = unusable {
        return Error::invalid(message);
    }
    let (kind, message, retry) = broken(&error);
    Error::new(kind, message)
        .with_retry(retry)
        .with_source(error)
}

/// What broke, as far as the chain of sources tells.
fn broken(error: &(dyn StdError + 'static)) -> (ErrorKind, String, Retry) {
    let soon = Retry::After(None);
    let mut layer = Some(error);
    while let Some(error) = layer {
        if let Some(tls) = tls_of(error) {
            return from_tls(tls);
        }
        if let Some(auth) = error.downcast_ref::<AuthError>() {
            let error = from_auth(auth);
            return (error.kind(), error.message().to_owned(), error.retry());
        }
        let io = error.downcast_ref::<io::Error>();
        if let Some(kind) = io.map(io::Error::kind) {
            let found = match kind {
                io::ErrorKind::ConnectionRefused => Some((
                    ErrorKind::Unavailable,
                    "nothing listens at the API server's address; check the address in the kubeconfig and that the server runs",
                )),
                io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Some((
                    ErrorKind::Unavailable,
                    "the API server's network cannot be reached; check the address in the kubeconfig, VPN and firewall",
                )),
                io::ErrorKind::TimedOut => Some((
                    ErrorKind::Timeout,
                    "the API server does not answer in time; check the network and the server's load",
                )),
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof => Some((
                    ErrorKind::Unavailable,
                    "the connection to the API server broke",
                )),
                _ => None,
            };
            if let Some((kind, message)) = found {
                return (kind, message.to_owned(), soon);
            }
        }
        if error.to_string().starts_with("dns error")
            || error.to_string().contains("failed to lookup address")
        {
            return (
                ErrorKind::Unavailable,
                "the API server's name cannot be resolved; check the address in the kubeconfig and DNS".to_owned(),
                soon,
            );
        }
        layer = error.source().or_else(|| {
            let inner = io?.get_ref()?;
            Some(inner as &(dyn StdError + 'static))
        });
    }
    (
        ErrorKind::Unavailable,
        "the call to the API server broke off".to_owned(),
        soon,
    )
}

/// A TLS error hides inside of an I/O error, whose `source` skips it.
fn tls_of<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    error.downcast_ref::<rustls::Error>().or_else(|| {
        error
            .downcast_ref::<io::Error>()?
            .get_ref()?
            .downcast_ref::<rustls::Error>()
    })
}

fn from_tls(error: &rustls::Error) -> (ErrorKind, String, Retry) {
    use rustls::{AlertDescription as Alert, CertificateError as Bad, Error as Tls};
    let message = match error {
        Tls::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
            "the API server's certificate has expired; renew it, or check this machine's clock"
        }
        Tls::InvalidCertificate(Bad::NotValidYet | Bad::NotValidYetContext { .. }) => {
            "the API server's certificate is not valid yet; check this machine's clock"
        }
        Tls::InvalidCertificate(Bad::UnknownIssuer | Bad::BadSignature) => {
            "the API server's certificate is not signed by the kubeconfig's certificate authority; check that address and authority belong together"
        }
        Tls::InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => {
            "the API server's certificate is for another name; check the address in the kubeconfig, or set tls-server-name"
        }
        Tls::InvalidCertificate(_) => {
            "the API server's certificate cannot be trusted; check the kubeconfig's certificate authority"
        }
        Tls::AlertReceived(
            Alert::CertificateExpired
            | Alert::BadCertificate
            | Alert::CertificateUnknown
            | Alert::CertificateRevoked
            | Alert::UnknownCA
            | Alert::CertificateRequired,
        ) => {
            "the API server refuses the client certificate; it may have expired: renew the kubeconfig"
        }
        _ => {
            return (
                ErrorKind::Unavailable,
                "TLS with the API server failed; check that the address is that of a Kubernetes API server".to_owned(),
                Retry::Never,
            );
        }
    };
    (ErrorKind::Unauthenticated, message.to_owned(), Retry::Never)
}

/// The source is left out: it may hold what a credential plugin wrote, a token too.
fn from_auth(error: &AuthError) -> Error {
    let message = match error {
        AuthError::AuthExecStart(_) => {
            "the kubeconfig's credential plugin cannot be started; check that its command is installed".to_owned()
        }
        AuthError::AuthExecRun { out, .. } => format!(
            "the kubeconfig's credential plugin failed ({}); run its command by hand to see why",
            out.status
        ),
        AuthError::ReadTokenFile(_, path) => {
            format!("the token file {} cannot be read", path.display())
        }
        _ => "credentials could not be made from the kubeconfig; check its user entry".to_owned(),
    };
    Error::new(ErrorKind::Unauthenticated, message)
}

/// The error of a kubeconfig. The source is kept only where it cannot hold a part of the file.
pub(crate) fn from_kubeconfig(error: KubeconfigError) -> Error {
    use KubeconfigError as Bad;
    let (kind, message) = match &error {
        Bad::CurrentContextNotSet => (
            ErrorKind::InvalidInput,
            "the kubeconfig has no current-context; name a context".to_owned(),
        ),
        Bad::LoadContext(name) => (
            ErrorKind::NotFound,
            format!("the kubeconfig has no context {name:?}"),
        ),
        Bad::LoadClusterOfContext(name) => (
            ErrorKind::InvalidInput,
            format!("the kubeconfig's context names the cluster {name:?}, which it does not have"),
        ),
        Bad::FindPath => (
            ErrorKind::NotFound,
            "there is no kubeconfig; set KUBECONFIG or name a file".to_owned(),
        ),
        Bad::ReadConfig(source, path) if source.kind() == io::ErrorKind::NotFound => (
            ErrorKind::NotFound,
            format!(
                "there is no kubeconfig at {}; set KUBECONFIG or name another file",
                path.display()
            ),
        ),
        Bad::ReadConfig(source, path) => (
            ErrorKind::PermissionDenied,
            format!("the kubeconfig {} cannot be read: {source}", path.display()),
        ),
        Bad::Parse(source) => {
            let at = source
                .location()
                .map(|at| format!(" (line {}, column {})", at.line(), at.column()));
            let at = at.unwrap_or_default();
            (
                ErrorKind::InvalidInput,
                format!("the kubeconfig is not YAML of the expected shape{at}"),
            )
        }
        Bad::MissingClusterUrl | Bad::ParseClusterUrl(_) => (
            ErrorKind::InvalidInput,
            "the kubeconfig's cluster has no usable server address".to_owned(),
        ),
        Bad::ParseProxyUrl(_) => (
            ErrorKind::InvalidInput,
            "the proxy's address is not a URL; check proxy-url in the kubeconfig and HTTPS_PROXY"
                .to_owned(),
        ),
        Bad::ParseNoProxy(_) => (
            ErrorKind::InvalidInput,
            "NO_PROXY is not a list of hosts and networks separated by commas; correct or unset it"
                .to_owned(),
        ),
        Bad::LoadCertificateAuthority(_) | Bad::ParseCertificates(_) => (
            ErrorKind::InvalidInput,
            "the kubeconfig's certificate authority cannot be read".to_owned(),
        ),
        Bad::LoadClientCertificate(_) | Bad::LoadClientKey(_) => (
            ErrorKind::InvalidInput,
            "the kubeconfig's client certificate or key cannot be read".to_owned(),
        ),
        _ => (
            ErrorKind::InvalidInput,
            "the kubeconfig cannot be used".to_owned(),
        ),
    };
    Error::new(kind, message).with_operation("read kubeconfig")
}

/// The status code of a `Status` that came inside of a watch.
pub(crate) fn from_watch_status(status: Status) -> Error {
    let code = status
        .code
        .and_then(|code| StatusCode::from_u16(code).ok())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    from_refusal(&Refusal::from_status(status, code))
}

#[cfg(test)]
mod tests;
