//! From a kubeconfig to a client.

mod certificate;
mod proxy;

use crate::{discovery, error, gate::Gate, limit::ClusterLimits};
use base64::{Engine, engine::general_purpose::STANDARD};
use csdr_core::Result;
use jiff::Timestamp;
use kube::{
    Config,
    config::{AuthInfo, KubeConfigOptions, Kubeconfig},
};
use std::{fmt, path::Path, sync::Arc, time::Duration};

/// How to connect.
///
/// ```
/// use csdr_k8s::{ClusterLimits, ConnectOptions};
/// let options = ConnectOptions {
///     context: Some("staging".into()),
///     limits: ClusterLimits { parallel: 16, ..ClusterLimits::default() },
///     ..ConnectOptions::default()
/// };
/// assert_eq!(options.connect_timeout.as_secs(), 10);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectOptions {
    /// The kubeconfig's context; `None` is its current one.
    pub context: Option<String>,
    /// Opening one connection, TLS included. Default 10 s.
    pub connect_timeout: Duration,
    /// Bounds of every call.
    pub limits: ClusterLimits,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            context: None,
            connect_timeout: Duration::from_secs(10),
            limits: ClusterLimits::default(),
        }
    }
}

/// A connection to one API server, under one identity: what every adapter of this crate is made of.
///
/// Cheap to clone; clones share connections and the bound on parallel requests. `Debug` shows no credentials.
///
/// ```
/// use csdr_k8s::{ClusterClient, ConnectOptions};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> csdr_core::Result<()> {
/// let kubeconfig = "
/// apiVersion: v1
/// kind: Config
/// current-context: test
/// clusters: [{name: test, cluster: {server: 'http://127.0.0.1:1'}}]
/// contexts: [{name: test, context: {cluster: test, user: nobody}}]
/// ";
/// let client = ClusterClient::from_yaml(kubeconfig, &ConnectOptions::default()).await?;
/// assert_eq!(client.server(), "http://127.0.0.1:1/");
///
/// let other = ConnectOptions { context: Some("prod".into()), ..ConnectOptions::default() };
/// let error = ClusterClient::from_yaml(kubeconfig, &other).await.unwrap_err();
/// assert_eq!(error.to_string(), "read kubeconfig: the kubeconfig has no context \"prod\" (contexts=test)");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct ClusterClient {
    pub(crate) client: kube::Client,
    pub(crate) limits: Arc<ClusterLimits>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) identity: Arc<Identity>,
}

/// What is known of both ends, for messages.
#[derive(Debug, Default)]
pub(crate) struct Identity {
    /// The server's address without credentials; empty if unknown.
    pub(crate) server: String,
    /// When the client certificate ends.
    pub(crate) not_after: Option<Timestamp>,
}

impl fmt::Debug for ClusterClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterClient")
            .field("server", &self.identity.server)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl ClusterClient {
    /// From a kubeconfig file; `None` is `$KUBECONFIG` (several files are merged), else `~/.kube/config`.
    ///
    /// Opens no connection yet: an unreachable server shows in the first call. Must be called inside of a tokio runtime.
    ///
    /// # Errors
    /// `NotFound` if there is no such file or context, `PermissionDenied` if it cannot be read, `InvalidInput` if it cannot be used.
    pub async fn from_kubeconfig(path: Option<&Path>, options: &ConnectOptions) -> Result<Self> {
        let kubeconfig = match path {
            Some(path) => Kubeconfig::read_from(path),
            None => Kubeconfig::read(),
        };
        Self::from_parsed(kubeconfig.map_err(error::from_kubeconfig)?, options).await
    }

    /// From a kubeconfig's text. Relative paths in it are relative to the working directory.
    ///
    /// # Errors
    /// As [`ClusterClient::from_kubeconfig`].
    pub async fn from_yaml(text: &str, options: &ConnectOptions) -> Result<Self> {
        let kubeconfig = Kubeconfig::from_yaml(text).map_err(error::from_kubeconfig)?;
        Self::from_parsed(kubeconfig, options).await
    }

    /// As the service account of the pod that this runs in. `options.context` says nothing here.
    ///
    /// # Errors
    /// `NotFound` outside of a pod.
    pub fn in_cluster(options: &ConnectOptions) -> Result<Self> {
        ensure_crypto_provider();
        let config = Config::incluster().map_err(|source| {
            csdr_core::Error::new(
                csdr_core::ErrorKind::NotFound,
                "not running as a pod with a service account; name a kubeconfig",
            )
            .with_source(source)
        })?;
        Self::from_config(config, options)
    }

    /// From a client that the caller has configured. Mind that kube's own default repeats POST requests (`Config::default_retry`)
    /// and sets no read timeout; each call of csdr is bounded by `limits` all the same.
    pub fn from_client(client: kube::Client, limits: ClusterLimits) -> Self {
        Self::assemble(client, limits, Identity::default())
    }

    /// The server's address, for messages; empty if the client came from outside.
    pub fn server(&self) -> &str {
        &self.identity.server
    }

    /// `gitVersion` of the server, as `v1.36.3`: one small request, and so the way to learn early that the server is there, is one
    /// of Kubernetes and lets this identity in.
    ///
    /// # Errors
    /// `Unavailable` or `Timeout` if it does not answer, `Unauthenticated` if certificates or credentials do not hold,
    /// `Incompatible` if it is something else.
    pub async fn server_version(&self) -> Result<String> {
        let version = discovery::version(self).await;
        version.map_err(|error| error.with_operation("connect to cluster"))
    }

    async fn from_parsed(kubeconfig: Kubeconfig, options: &ConnectOptions) -> Result<Self> {
        ensure_crypto_provider();
        let names: Vec<String> = kubeconfig
            .contexts
            .iter()
            .map(|context| context.name.clone())
            .collect();
        let direct = kubeconfig
            .clusters
            .iter()
            .all(|row| row.cluster.as_ref().is_none_or(|c| c.proxy_url.is_none()));
        let selected = KubeConfigOptions {
            context: options.context.clone().filter(|name| !name.is_empty()),
            ..KubeConfigOptions::default()
        };
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &selected)
            .await
            .map_err(|source| {
                error::from_kubeconfig(source).with_context("contexts", names.join(","))
            })?;
        // kube asks NO_PROXY about the proxy's host, not about the cluster's.
        let host = config.cluster_url.host().unwrap_or_default();
        if direct && proxy::is_excepted(host, &no_proxy()) {
            config.proxy_url = None;
        }
        Self::from_config(config, options)
    }

    fn from_config(mut config: Config, options: &ConnectOptions) -> Result<Self> {
        let limits = &options.limits;
        config.connect_timeout = Some(options.connect_timeout);
        // Longer than any silence that a call or a watch allows itself, so that its own bound speaks first.
        let silence = limits.request_timeout.max(limits.watch_timeout);
        config.read_timeout = Some(silence + Duration::from_secs(10));
        config.write_timeout = Some(limits.request_timeout);
        config.reset_reader_on_write = true;
        // kube would repeat POST after a 504, which may have been executed.
        config.default_retry = false;
        let identity = Identity {
            server: address(&config.cluster_url),
            not_after: certificate_of(&config.auth_info)
                .as_deref()
                .and_then(certificate::not_after),
        };
        let client = kube::Client::try_from(config)
            .map_err(|source| error::from_kube(source).with_operation("connect to cluster"))?;
        Ok(Self::assemble(client, limits.clone(), identity))
    }

    fn assemble(client: kube::Client, limits: ClusterLimits, identity: Identity) -> Self {
        Self {
            client,
            gate: Gate::new(limits.parallel),
            limits: Arc::new(limits),
            identity: Arc::new(identity),
        }
    }
}

/// Makes ring the process's TLS provider unless one is set: with two of them compiled in, rustls refuses to choose, and panics.
///
/// Every constructor of this crate calls it.
pub fn ensure_crypto_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Fails only if another thread was faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// Scheme, host, port and path; never the user part.
fn address(url: &http::Uri) -> String {
    let host = url.authority().map_or("", |authority| {
        let text = authority.as_str();
        text.rsplit_once('@').map_or(text, |(_, host)| host)
    });
    format!(
        "{}://{host}{}",
        url.scheme_str().unwrap_or("http"),
        url.path()
    )
}

/// The environment's exceptions from its proxy.
fn no_proxy() -> String {
    let names = ["NO_PROXY", "no_proxy"];
    let found = names.iter().find_map(|name| std::env::var(name).ok());
    found.unwrap_or_default()
}

/// The client certificate as PEM, if the identity has one in its file.
fn certificate_of(auth: &AuthInfo) -> Option<String> {
    if let Some(data) = &auth.client_certificate_data {
        return String::from_utf8(STANDARD.decode(data).ok()?).ok();
    }
    std::fs::read_to_string(auth.client_certificate.as_ref()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_hides_the_user_part() {
        let url = "https://admin:hunter2@example.invalid:6443"
            .parse()
            .unwrap();
        assert_eq!(address(&url), "https://example.invalid:6443/");
    }

    #[tokio::test]
    async fn kubeconfig_errors_say_what_to_do_and_show_no_secret() {
        let options = ConnectOptions::default();
        let missing = Path::new("/nonexistent/kubeconfig");
        let error = ClusterClient::from_kubeconfig(Some(missing), &options)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), csdr_core::ErrorKind::NotFound);
        assert_eq!(
            error.to_string(),
            "read kubeconfig: there is no kubeconfig at /nonexistent/kubeconfig; set KUBECONFIG or name another file"
        );
        let broken = "users:\n- name: a\n  user: {token: hunter2, token: [hunter2]}\n";
        let error = ClusterClient::from_yaml(broken, &options)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), csdr_core::ErrorKind::InvalidInput);
        assert!(!format!("{error:?} {}", error.chain()).contains("hunter2"));
    }

    #[tokio::test]
    async fn debug_shows_no_credentials() {
        let yaml = "
current-context: test
clusters: [{name: test, cluster: {server: 'https://127.0.0.1:1'}}]
contexts: [{name: test, context: {cluster: test, user: a}}]
users: [{name: a, user: {token: hunter2}}]
";
        let client = ClusterClient::from_yaml(yaml, &ConnectOptions::default())
            .await
            .unwrap();
        let shown = format!("{client:?}");
        assert!(
            shown.contains("127.0.0.1:1") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}
