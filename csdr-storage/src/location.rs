//! A vault from a URL.

use crate::OpendalVault;
use csdr_core::{Error, Result};
use url::Url;

/// Opens a vault by its URL. Nothing is sent or written yet.
///
/// | URL | vault |
/// |---|---|
/// | `file:///path` | a folder ([`OpendalVault::fs`]) |
/// | `s3://bucket/prefix?region=…&endpoint=…&path_style=true` | a bucket ([`OpendalVault::s3`]), credentials from the environment |
/// | `memory://` | memory |
///
/// Parameters of `s3`, all optional: `region` (else `AWS_REGION`, `AWS_DEFAULT_REGION`, `us-east-1`), `endpoint`, `path_style`
/// (`true` or `false`), `conditional_create` (`auto` or `never`), `checksum` (`none` or `crc32c`).
///
/// Credentials have no place in a URL, because URLs end up in logs and process lists.
///
/// ```
/// let vault = csdr_storage::open_url("s3://backups/cluster-1?region=eu-central-1")?;
/// assert_eq!(vault.to_string(), "s3://backups/cluster-1");
///
/// let error = csdr_storage::open_url("s3://key:secret@backups").unwrap_err();
/// assert!(error.to_string().contains("AWS_ACCESS_KEY_ID"));
/// assert!(!error.to_string().contains("secret@"));
/// # Ok::<(), csdr_core::Error>(())
/// ```
///
/// # Errors
/// `InvalidInput` if the URL is not one of these, or holds credentials.
pub fn open_url(url: &str) -> Result<OpendalVault> {
    parse(url).map_err(|error| error.with_operation("open vault"))
}

fn parse(url: &str) -> Result<OpendalVault> {
    // The URL itself is never repeated in an error: it may hold what does not belong there.
    let url = Url::parse(url).map_err(|source| {
        Error::invalid(
            "not the URL of a vault; write file:///path, s3://bucket/prefix or memory://",
        )
        .with_source(source)
    })?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::invalid(
            "credentials have no place in a vault's URL; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead",
        ));
    }
    if url.fragment().is_some() {
        return Err(Error::invalid(
            "a vault's URL has no `#` part; write it as %23",
        ));
    }
    match url.scheme() {
        "file" => file(&url),
        "s3" => s3(&url),
        "memory" => {
            no_parameters(&url)?;
            OpendalVault::memory()
        }
        scheme => Err(Error::invalid(
            "no vault is of this kind; write file:///path, s3://bucket/prefix or memory://",
        )
        .with_context("scheme", scheme)),
    }
}

fn no_parameters(url: &Url) -> Result<()> {
    match url.query_pairs().next() {
        Some((name, _)) => Err(unknown(&name)),
        None => Ok(()),
    }
}

fn unknown(parameter: &str) -> Error {
    Error::invalid("a vault of this kind has no such parameter")
        .with_context("parameter", parameter)
}

#[cfg(feature = "fs")]
fn file(url: &Url) -> Result<OpendalVault> {
    no_parameters(url)?;
    let path = url.to_file_path().map_err(|()| {
        Error::invalid("a folder's URL has three slashes and an absolute path: file:///path")
    })?;
    Ok(OpendalVault::fs(path))
}

#[cfg(not(feature = "fs"))]
fn file(_: &Url) -> Result<OpendalVault> {
    Err(crate::error::unsupported(
        "this program was built without the feature `fs` of csdr-storage",
    ))
}

#[cfg(feature = "s3")]
fn s3(url: &Url) -> Result<OpendalVault> {
    use crate::{ConditionalCreate, S3Addressing, S3Checksum, S3Config};
    let bucket = url
        .host_str()
        .ok_or_else(|| Error::invalid("the URL names no bucket; write s3://bucket/prefix"))?;
    if url.port().is_some() {
        return Err(Error::invalid(
            "a port belongs to the endpoint; write s3://bucket/prefix?endpoint=https://host:port",
        ));
    }
    let prefix = percent_decoded(url.path().trim_matches('/'))?;
    let region = ["AWS_REGION", "AWS_DEFAULT_REGION"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|region| !region.is_empty()));
    let mut config = S3Config::new(bucket).with_prefix(prefix);
    if let Some(region) = region {
        config = config.with_region(region);
    }
    for (name, value) in url.query_pairs() {
        let wrong = |allowed: &str| {
            Err(Error::invalid(format!("the parameter takes {allowed}"))
                .with_context("parameter", &name))
        };
        config = match (&*name, &*value) {
            ("region", region) => config.with_region(region),
            ("endpoint", endpoint) => config.with_endpoint(endpoint),
            ("path_style", "true") => config.with_addressing(S3Addressing::Path),
            ("path_style", "false") => config.with_addressing(S3Addressing::VirtualHost),
            ("path_style", _) => return wrong("`true` or `false`"),
            ("conditional_create", "auto") => {
                config.with_conditional_create(ConditionalCreate::Auto)
            }
            ("conditional_create", "never") => {
                config.with_conditional_create(ConditionalCreate::Never)
            }
            ("conditional_create", _) => return wrong("`auto` or `never`"),
            ("checksum", "none") => config.with_checksum(S3Checksum::None),
            ("checksum", "crc32c") => config.with_checksum(S3Checksum::Crc32c),
            ("checksum", _) => return wrong("`none` or `crc32c`"),
            (secret, _) if looks_secret(secret) => {
                return Err(Error::invalid(
                    "credentials have no place in a vault's URL; set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and \
                     AWS_SESSION_TOKEN instead",
                )
                .with_context("parameter", secret));
            }
            (name, _) => return Err(unknown(name)),
        };
    }
    OpendalVault::s3(config)
}

/// A `+` in a path is a plus, unlike in a query.
#[cfg(feature = "s3")]
fn percent_decoded(path: &str) -> Result<String> {
    let query = format!("p={}", path.replace('+', "%2B").replace('&', "%26"));
    let decoded = url::form_urlencoded::parse(query.as_bytes()).next();
    let text = decoded
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default();
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(Error::invalid("the prefix is not UTF-8"));
    }
    Ok(text)
}

#[cfg(feature = "s3")]
fn looks_secret(parameter: &str) -> bool {
    let parameter = parameter.to_ascii_lowercase();
    ["key", "secret", "token", "password", "credential"]
        .iter()
        .any(|word| parameter.contains(word))
}

#[cfg(not(feature = "s3"))]
fn s3(_: &Url) -> Result<OpendalVault> {
    Err(crate::error::unsupported(
        "this program was built without the feature `s3` of csdr-storage",
    ))
}
