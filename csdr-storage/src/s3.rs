//! Vaults in a bucket that speaks Amazon's S3.

use crate::{StorageLimits, ensure_crypto_provider, error, operator::OperatorStore};
use csdr_core::{Error, Result, port::VaultKey};
use opendal::{
    HttpTransporter, OperationContext, Operator,
    layers::{RetryLayer, TimeoutLayer},
    services,
};
use opendal_http_transport_reqwest::ReqwestTransport;
use secrecy::{ExposeSecret, SecretString};
use std::{fmt, net::SocketAddr};

/// A bucket, how to reach it, and who asks.
///
/// `Debug` shows no secret.
///
/// ```
/// use csdr_storage::{OpendalVault, S3Config, S3Credentials};
///
/// let config = S3Config::new("backups")
///     .with_prefix("cluster-1")
///     .with_region("eu-central-1")
///     .with_credentials(S3Credentials::keys("AKIAEXAMPLE", "not-a-real-secret"));
/// assert!(!format!("{config:?}").contains("not-a-real-secret"));
/// let vault = OpendalVault::s3(config)?;
/// assert_eq!(vault.to_string(), "s3://backups/cluster-1");
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct S3Config {
    bucket: String,
    prefix: String,
    region: String,
    endpoint: Option<String>,
    addressing: S3Addressing,
    credentials: S3Credentials,
    conditional_create: ConditionalCreate,
    checksum: S3Checksum,
    resolve: Vec<(String, SocketAddr)>,
    limits: StorageLimits,
}

/// Where a bucket's name stands in a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum S3Addressing {
    /// `https://bucket.endpoint/key`: Amazon, Alibaba Cloud, and most others.
    #[default]
    VirtualHost,
    /// `https://endpoint/bucket/key`: MinIO and Ceph without wildcard names.
    Path,
}

/// Who asks.
#[derive(Clone, Default)]
pub enum S3Credentials {
    /// What the environment gives, in the order of Amazon's tools: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
    /// `AWS_SESSION_TOKEN`, profiles, web identity, the host's role.
    #[default]
    Environment,
    /// Given by the caller.
    Keys {
        /// The access key's id: not a secret.
        access_key_id: String,
        /// The access key.
        secret_access_key: SecretString,
        /// The token of temporary credentials.
        session_token: Option<SecretString>,
    },
}

impl S3Credentials {
    /// Credentials that last.
    pub fn keys(
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<SecretString>,
    ) -> Self {
        Self::Keys {
            access_key_id: access_key_id.into(),
            secret_access_key: secret_access_key.into(),
            session_token: None,
        }
    }

    /// Temporary credentials with their session token.
    pub fn session(
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<SecretString>,
        session_token: impl Into<SecretString>,
    ) -> Self {
        Self::Keys {
            access_key_id: access_key_id.into(),
            secret_access_key: secret_access_key.into(),
            session_token: Some(session_token.into()),
        }
    }
}

impl fmt::Debug for S3Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("Environment"),
            Self::Keys {
                access_key_id,
                session_token,
                ..
            } => f
                .debug_struct("Keys")
                .field("access_key_id", access_key_id)
                .field(
                    "session_token",
                    &session_token.as_ref().map(|_| "[redacted]"),
                )
                .finish_non_exhaustive(),
        }
    }
}

/// Whether the store's `If-None-Match: *` is used for `CreateNew`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConditionalCreate {
    /// Used until the store answers that it does not have it. Some old stores ignore it without a word:
    /// [`OpendalVault::probe`](crate::OpendalVault::probe) finds them.
    #[default]
    Auto,
    /// Never used: `CreateNew` answers `Unsupported`.
    Never,
}

/// What the store is to check of received bodies, besides TLS and its own hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum S3Checksum {
    /// Nothing: every store takes that.
    #[default]
    None,
    /// `x-amz-checksum-crc32c`: Amazon, MinIO, R2; buckets with object lock need it.
    Crc32c,
}

impl S3Config {
    /// A bucket in `us-east-1`, without prefix, at Amazon, with the environment's credentials.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            prefix: String::new(),
            region: "us-east-1".to_owned(),
            endpoint: None,
            addressing: S3Addressing::default(),
            credentials: S3Credentials::default(),
            conditional_create: ConditionalCreate::default(),
            checksum: S3Checksum::default(),
            resolve: Vec::new(),
            limits: StorageLimits::default(),
        }
    }

    /// The folder of the bucket in which the vault lies.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The region that signs; stores without regions take any.
    #[must_use]
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// The store's address, `https://…` or `http://…`, without bucket.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Where the bucket's name stands.
    #[must_use]
    pub fn with_addressing(mut self, addressing: S3Addressing) -> Self {
        self.addressing = addressing;
        self
    }

    /// Who asks.
    #[must_use]
    pub fn with_credentials(mut self, credentials: S3Credentials) -> Self {
        self.credentials = credentials;
        self
    }

    /// Whether the store can create conditionally.
    #[must_use]
    pub fn with_conditional_create(mut self, conditional_create: ConditionalCreate) -> Self {
        self.conditional_create = conditional_create;
        self
    }

    /// What the store is to check of received bodies.
    #[must_use]
    pub fn with_checksum(mut self, checksum: S3Checksum) -> Self {
        self.checksum = checksum;
        self
    }

    /// Takes `address` for a host name instead of asking DNS: split horizons, private endpoints, tests. The port stays the URL's.
    #[must_use]
    pub fn with_resolved(mut self, host: impl Into<String>, address: SocketAddr) -> Self {
        self.resolve.push((host.into(), address));
        self
    }

    /// Bounds on time, repetition and memory.
    #[must_use]
    pub fn with_limits(mut self, limits: StorageLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Opens the store. Nothing is sent yet.
    pub(crate) fn open(self) -> Result<OperatorStore> {
        ensure_crypto_provider();
        self.check()?;
        let mut http = reqwest::Client::builder()
            .connect_timeout(self.limits.connect_timeout)
            // Signed requests must not be sent on to where somebody points.
            .redirect(reqwest::redirect::Policy::none());
        for (host, address) in &self.resolve {
            http = http.resolve(host, *address);
        }
        let http = http.build().map_err(|source| {
            Error::new(
                csdr_core::ErrorKind::Unavailable,
                "cannot prepare TLS; are the system's root certificates installed?",
            )
            .with_source(source)
        })?;
        let context = OperationContext::new()
            .with_http_transport(HttpTransporter::new(ReqwestTransport::new(http)));
        let plain = Operator::new(self.service())
            .map_err(|source| error::opendal(source).with_operation("open vault"))?
            .with_context(context)
            .layer(
                TimeoutLayer::new()
                    .with_timeout(self.limits.operation_timeout)
                    .with_io_timeout(self.limits.io_timeout),
            );
        // Timeouts lie inside the repetition: each attempt has its own.
        let repeating = plain.clone().layer(
            RetryLayer::new()
                .with_max_times(self.limits.attempts.get() as usize - 1)
                .with_min_delay(self.limits.backoff_min)
                .with_max_delay(self.limits.backoff_max)
                .with_jitter()
                .with_notify(|_: opendal::layers::RetryEvent<'_>| {}),
        );
        let mut name = format!("s3://{}", self.bucket);
        if !self.prefix.is_empty() {
            name = format!("{name}/{}", self.prefix);
        }
        Ok(OperatorStore::new(
            repeating,
            plain,
            name,
            self.limits,
            self.conditional_create == ConditionalCreate::Auto,
        ))
    }

    fn check(&self) -> Result<()> {
        let invalid = |message: &str| Err(Error::invalid(message).with_operation("open vault"));
        let bucket_ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if self.bucket.is_empty() || !self.bucket.chars().all(bucket_ok) {
            return invalid("a bucket's name has letters, digits, `-` and `.`");
        }
        if self.region.is_empty() {
            return invalid("the region is empty; stores without regions take `us-east-1`");
        }
        VaultKey::parse(self.prefix.as_str()).map_err(|_| {
            Error::invalid("the prefix is no path of a bucket: no empty segment, `.` or `..`")
        })?;
        if self.prefix.trim() != self.prefix {
            return invalid("the prefix starts or ends with a space");
        }
        if let Some(endpoint) = &self.endpoint {
            let url = url::Url::parse(endpoint)
                .ok()
                .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
            match url {
                None => {
                    return invalid(
                        "the endpoint must be an address such as https://s3.example.com",
                    );
                }
                Some(url) if !url.username().is_empty() || url.password().is_some() => {
                    return invalid(
                        "the endpoint holds credentials; give them as S3Credentials or in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
                    );
                }
                Some(url) if url.path() != "/" || url.query().is_some() => {
                    return invalid(
                        "the endpoint must have no path; the bucket and the prefix are given on their own",
                    );
                }
                Some(_) => {}
            }
        }
        self.limits.check()
    }

    fn service(&self) -> services::S3 {
        let mut service = services::S3::default()
            .bucket(&self.bucket)
            .root(&format!("/{}", self.prefix))
            .region(&self.region);
        if let Some(endpoint) = &self.endpoint {
            service = service.endpoint(endpoint.trim_end_matches('/'));
        }
        if self.addressing == S3Addressing::VirtualHost {
            service = service.enable_virtual_host_style();
        }
        if self.checksum == S3Checksum::Crc32c {
            service = service.checksum_algorithm("crc32c");
        }
        if let S3Credentials::Keys {
            access_key_id,
            secret_access_key,
            session_token,
        } = &self.credentials
        {
            service = service
                .disable_config_load()
                .disable_ec2_metadata()
                .access_key_id(access_key_id)
                .secret_access_key(secret_access_key.expose_secret());
            if let Some(token) = session_token {
                service = service.session_token(token.expose_secret());
            }
        }
        service
    }
}
