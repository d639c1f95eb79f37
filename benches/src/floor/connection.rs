//! HTTP/1.1 over TLS to the API server: what hyper and rustls give, and nothing around it.

use crate::Result;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{
    Method, Request, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, HOST},
};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http1::SendRequest};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use serde::Deserialize;
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Connections to one API server, kept for the next request.
pub(super) struct Connections {
    address: String,
    name: ServerName<'static>,
    tls: TlsConnector,
    idle: Mutex<Vec<Connection>>,
}

/// One connection.
pub(super) struct Connection {
    host: String,
    sender: SendRequest<Full<Bytes>>,
}

/// The parts of a kubeconfig that testenv writes.
#[derive(Deserialize)]
struct Kubeconfig {
    clusters: Vec<NamedCluster>,
    users: Vec<NamedUser>,
}

#[derive(Deserialize)]
struct NamedCluster {
    cluster: Cluster,
}

#[derive(Deserialize)]
struct NamedUser {
    user: User,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Cluster {
    server: String,
    certificate_authority_data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct User {
    client_certificate_data: String,
    client_key_data: String,
}

impl Connections {
    /// Reads where the server is and who we are.
    pub(super) fn open(kubeconfig: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(kubeconfig)?;
        let parsed: Kubeconfig = serde_saphyr::from_str(&text)?;
        let (Some(cluster), Some(user)) = (parsed.clusters.first(), parsed.users.first()) else {
            return Err("the kubeconfig names no cluster or no user".into());
        };
        let (cluster, user) = (&cluster.cluster, &user.user);
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(
            &STANDARD.decode(&cluster.certificate_authority_data)?,
        )?)?;
        let certificate =
            CertificateDer::from_pem_slice(&STANDARD.decode(&user.client_certificate_data)?)?;
        let key = PrivateKeyDer::from_pem_slice(&STANDARD.decode(&user.client_key_data)?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![certificate], key)?;
        let uri: http::Uri = cluster.server.parse()?;
        let host = uri.host().ok_or("the kubeconfig's server has no host")?;
        Ok(Self {
            address: format!("{host}:{}", uri.port_u16().unwrap_or(443)),
            name: ServerName::try_from(host.to_owned())?,
            tls: TlsConnector::from(Arc::new(config)),
            idle: Mutex::default(),
        })
    }

    /// An idle connection, or a new one.
    pub(super) async fn take(&self) -> Result<Connection> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        if let Some(connection) = idle {
            return Ok(connection);
        }
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let stream = self.tls.connect(self.name.clone(), stream).await?;
        let (sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            // A broken connection shows in the request that needs it.
            let _ = driver.await;
        });
        Ok(Connection {
            host: self.address.clone(),
            sender,
        })
    }

    /// Keeps a connection whose last answer was read to its end.
    pub(super) fn give_back(&self, connection: Connection) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(connection);
    }
}

impl Connection {
    /// Sends a GET; the body is still to be read.
    pub(super) async fn get(&mut self, path: &str) -> Result<Incoming> {
        let request = self.request(Method::GET, path).body(Full::default())?;
        self.send(request, StatusCode::OK).await
    }

    /// Creates an object, and reads the answer to its end.
    pub(super) async fn create(&mut self, path: &str, body: Bytes) -> Result<()> {
        let request = self
            .request(Method::POST, path)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))?;
        let mut answer = self.send(request, StatusCode::CREATED).await?;
        while let Some(frame) = answer.frame().await {
            frame?;
        }
        Ok(())
    }

    fn request(&self, method: Method, path: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host)
            .header(ACCEPT, "application/json")
    }

    async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        wanted: StatusCode,
    ) -> Result<Incoming> {
        self.sender.ready().await?;
        let what = format!("{} {}", request.method(), request.uri());
        let (head, body) = self.sender.send_request(request).await?.into_parts();
        if head.status == wanted {
            return Ok(body);
        }
        let said = body.collect().await?.to_bytes();
        let said = String::from_utf8_lossy(&said[..said.len().min(400)]);
        Err(format!("{what} was answered {}: {said}", head.status).into())
    }
}
