use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::Error;
use crate::pki::Identity;

/// A call that takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the API server answered to [`ControlPlane::call`](crate::ControlPlane::call).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status code.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// The smallest client that can ask an API server: one connection a call, HTTP/1.0.
///
/// It is the harness's own, so that tests of a client library do not rest on that library.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    port: u16,
    tls: Arc<ClientConfig>,
}

impl Client {
    pub(crate) fn new(port: u16, ca: &str, user: &Identity) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(ca.as_bytes()).map_err(failed)?)
            .map_err(failed)?;
        let certificate =
            CertificateDer::from_pem_slice(user.certificate.as_bytes()).map_err(failed)?;
        let key = PrivateKeyDer::from_pem_slice(user.key.as_bytes()).map_err(failed)?;
        // The provider is named: a process-wide default is the test's to choose.
        let tls =
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(failed)?
                .with_root_certificates(roots)
                .with_client_auth_cert(vec![certificate], key)
                .map_err(failed)?;
        Ok(Self {
            port,
            tls: Arc::new(tls),
        })
    }

    pub(crate) fn call(&self, method: &str, path: &str, body: &str) -> Result<Reply, Error> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let socket = TcpStream::connect_timeout(&address, PATIENCE).map_err(failed)?;
        socket.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        socket.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
        let name = ServerName::IpAddress(Ipv4Addr::LOCALHOST.into());
        let session = ClientConnection::new(Arc::clone(&self.tls), name).map_err(failed)?;
        let mut stream = StreamOwned::new(session, socket);
        // HTTP/1.0: the body ends with the connection, so there are no chunks to decode.
        let kind = if method == "PATCH" {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\
             Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).map_err(failed)?;
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            // Some servers close without a TLS goodbye; the length is checked below.
            Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(failed(error)),
            _ => parse(&answer),
        }
    }
}

fn parse(answer: &[u8]) -> Result<Reply, Error> {
    let text = String::from_utf8_lossy(answer);
    let torn = || Error::new("the API server closed the connection in the middle of its answer");
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(torn)?;
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .ok_or_else(torn)?;
    let promised = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    if promised.is_some_and(|length| length > body.len()) {
        return Err(torn());
    }
    Ok(Reply {
        status,
        body: body.to_owned(),
    })
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::caused_by("cannot call the API server of the tests", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_whole_or_refused() {
        let reply = parse(b"HTTP/1.0 404 Not Found\r\nContent-Length: 2\r\n\r\n{}").unwrap();
        assert_eq!(
            reply,
            Reply {
                status: 404,
                body: "{}".into()
            }
        );
        for torn in [
            "",
            "HTTP/1.0 200 OK\r\n",
            "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n{}",
        ] {
            assert!(parse(torn.as_bytes()).is_err(), "{torn:?}");
        }
    }
}
