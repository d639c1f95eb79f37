//! Translation of the errors of file systems and object stores: the only place that knows their codes.

use csdr_core::{Error, ErrorKind, Retry, port::VaultKey};
use std::error::Error as StdError;
#[cfg(feature = "fs")]
use std::{fs, io, path::Path};
#[cfg(feature = "fs")]
use tokio::task::JoinError;

/// No object under the key.
pub(crate) fn missing(key: &VaultKey) -> Error {
    Error::new(ErrorKind::NotFound, "no such object in the vault").with_context("key", key)
}

/// The key is taken.
pub(crate) fn exists(key: &VaultKey) -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        "the object exists already and is never replaced",
    )
    .with_context("key", key)
}

/// A range that the object does not have.
pub(crate) fn beyond_end(offset: u64, len: u64) -> Error {
    Error::invalid("range is empty or beyond the end")
        .with_context("offset", offset)
        .with_context("len", len)
}

/// An option beyond the capabilities.
pub(crate) fn unsupported(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unsupported, message)
}

/// A blocking thread that ended without an answer.
#[cfg(feature = "fs")]
pub(crate) fn ended(join: &JoinError) -> Error {
    let message = if join.is_cancelled() {
        "the runtime has ended"
    } else {
        "file work panicked; please report this"
    };
    Error::new(ErrorKind::Unavailable, message)
}

/// Time of a file.
#[cfg(feature = "fs")]
pub(crate) fn time(meta: &fs::Metadata) -> Option<jiff::Timestamp> {
    jiff::Timestamp::try_from(meta.modified().ok()?).ok()
}

/// A folder lies where an object was to be.
#[cfg(feature = "fs")]
pub(crate) fn is_folder(key: &VaultKey) -> Error {
    Error::invalid(
        "a folder has this name; on a file system an object and a prefix cannot share one",
    )
    .with_context("key", key)
}

/// Something else lies where an object was to be.
#[cfg(feature = "fs")]
pub(crate) fn not_a_file(key: &VaultKey) -> Error {
    Error::corrupt("not a regular file; a vault has no links or devices, remove it")
        .with_context("key", key)
}

/// The vault's own folder does not exist.
#[cfg(feature = "fs")]
pub(crate) fn folder_missing(root: &Path, source: io::Error) -> Error {
    Error::new(
        ErrorKind::NotFound,
        "the vault's folder does not exist; check the path, or whether its disk is mounted",
    )
    .with_context("folder", root.display())
    .with_source(source)
}

/// An error of the file system below `root`.
#[cfg(feature = "fs")]
pub(crate) fn io(source: io::Error, root: &Path) -> Error {
    use io::ErrorKind as Io;
    let (kind, message) = match source.kind() {
        Io::NotFound => (
            ErrorKind::NotFound,
            "a file or folder of the vault vanished",
        ),
        Io::PermissionDenied => (
            ErrorKind::PermissionDenied,
            "no permission; let the user that runs csdr read and write the vault's folder",
        ),
        Io::ReadOnlyFilesystem => (
            ErrorKind::PermissionDenied,
            "the file system is mounted read-only; mount it writable",
        ),
        Io::StorageFull | Io::WriteZero => (
            ErrorKind::Exhausted,
            "the disk is full; free space or choose another vault, then run the same command again",
        ),
        Io::QuotaExceeded => (
            ErrorKind::Exhausted,
            "the disk quota is used up; raise it or free space, then run the same command again",
        ),
        Io::FileTooLarge => (
            ErrorKind::Exhausted,
            "the file is larger than the file system or the user's limit allows",
        ),
        Io::NotADirectory => (
            ErrorKind::InvalidInput,
            "a file lies where the key needs a folder; on a file system an object and a prefix cannot share a name",
        ),
        Io::IsADirectory => (ErrorKind::InvalidInput, "a folder has the key's name"),
        Io::InvalidFilename | Io::InvalidInput => (
            ErrorKind::InvalidInput,
            "the file system cannot hold a name of the key; a segment may have 255 bytes",
        ),
        Io::CrossesDevices => (
            ErrorKind::Unsupported,
            "the vault's folder spans several file systems; mount nothing below it",
        ),
        Io::Unsupported => (
            ErrorKind::Unsupported,
            "the file system has neither hard links nor a rename that does not replace; choose another one",
        ),
        Io::StaleNetworkFileHandle | Io::TimedOut | Io::HostUnreachable | Io::NetworkDown => (
            ErrorKind::Unavailable,
            "the network file system does not answer; check its mount",
        ),
        _ => source.raw_os_error().and_then(by_number).unwrap_or((
            ErrorKind::Unexpected,
            "the file system failed; see the system's log",
        )),
    };
    Error::new(kind, message)
        .with_retry(match kind {
            ErrorKind::Unavailable => Retry::After(None),
            _ => Retry::Never,
        })
        .with_context("folder", root.display())
        .with_source(source)
}

/// Errors that the standard library does not name.
#[cfg(all(feature = "fs", unix))]
fn by_number(number: i32) -> Option<(ErrorKind, &'static str)> {
    use rustix::io::Errno;
    match Errno::from_raw_os_error(number) {
        Errno::MFILE | Errno::NFILE => Some((
            ErrorKind::Exhausted,
            "too many open files; raise the limit (ulimit -n)",
        )),
        Errno::LOOP => Some((
            ErrorKind::Corrupt,
            "a symbolic link lies where an object should be; a vault has none, remove it",
        )),
        _ => None,
    }
}

#[cfg(all(feature = "fs", not(unix)))]
fn by_number(_: i32) -> Option<(ErrorKind, &'static str)> {
    None
}

/// `CreateNew` in a store that does not have it.
pub(crate) fn no_conditional_create() -> Error {
    unsupported("the store cannot create an object only if it is new (If-None-Match)")
}

/// Whether fewer bytes came than were announced.
pub(crate) fn is_short(source: &opendal::Error) -> bool {
    source.to_string().contains("too little data")
}

/// An error of an object store.
pub(crate) fn opendal(source: opendal::Error) -> Error {
    let text = source.to_string();
    let (kind, message, retry) = by_code(code(&text))
        .or_else(|| by_status(status(&text)))
        .or_else(|| is_short(&source).then_some(BROKEN))
        .or_else(|| by_connection(&source))
        .unwrap_or_else(|| by_kind(source.kind()));
    let retry = match retry {
        // The layer below made it again already, as often as it may.
        Retry::After(_) if text.contains("(persistent)") => Retry::Exhausted,
        // What opendal takes for passing is passing, even if its code is not known here.
        Retry::Never if source.is_temporary() => Retry::After(None),
        retry => retry,
    };
    let kind = match (kind, retry) {
        (ErrorKind::Unexpected, Retry::After(_) | Retry::Exhausted) => ErrorKind::Unavailable,
        _ => kind,
    };
    Error::new(kind, message)
        .with_retry(retry)
        .with_source(source)
}

type Translation = (ErrorKind, &'static str, Retry);

const BROKEN: Translation = (
    ErrorKind::Unavailable,
    "the connection to the store broke, or was never made; check its address, the network and a proxy, then try again",
    Retry::After(None),
);

/// S3's own codes.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
fn by_code(code: &str) -> Option<Translation> {
    use ErrorKind as Kind;
    let never = |kind, message| Some((kind, message, Retry::Never));
    let again = |kind, message| Some((kind, message, Retry::After(None)));
    match code {
        "NoSuchBucket" => never(
            Kind::NotFound,
            "the bucket does not exist; check its name, region and endpoint, or create it",
        ),
        "NoSuchKey" => never(Kind::NotFound, "no such object in the vault"),
        "NoSuchUpload" => never(
            Kind::NotFound,
            "the upload was ended by somebody else (a lifecycle rule that is too short?)",
        ),
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" => never(
            Kind::PermissionDenied,
            "the store refuses; give the credentials s3:ListBucket, GetObject, PutObject, DeleteObject and \
             AbortMultipartUpload on bucket and prefix",
        ),
        "InvalidAccessKeyId" => never(
            Kind::Unauthenticated,
            "the store does not know the access key; check the credentials and the endpoint",
        ),
        "SignatureDoesNotMatch" => never(
            Kind::Unauthenticated,
            "the signature does not fit; check the secret access key and the region",
        ),
        "ExpiredToken" | "TokenRefreshRequired" => never(
            Kind::Unauthenticated,
            "the session token has expired; get new temporary credentials",
        ),
        "InvalidToken" => never(
            Kind::Unauthenticated,
            "the session token is wrong; take key, secret and token from the same answer",
        ),
        "RequestTimeTooSkewed" | "RequestExpired" => never(
            Kind::Unauthenticated,
            "this host's clock differs too much from the store's; set it right",
        ),
        "AuthorizationHeaderMalformed"
        | "PermanentRedirect"
        | "TemporaryRedirect"
        | "IllegalLocationConstraintException"
        | "AuthorizationQueryParametersError" => never(
            Kind::InvalidInput,
            "the bucket lies in another region, or its endpoint is another one; set the region and endpoint of the bucket",
        ),
        "InvalidBucketName" => never(Kind::InvalidInput, "the store takes no bucket of this name"),
        "KeyTooLongError" => never(Kind::InvalidInput, "the key is too long for the store"),
        "EntityTooLarge" | "EntityTooSmall" | "InvalidPart" | "InvalidPartOrder" => never(
            Kind::Unexpected,
            "the store does not take the parts of the upload; change part_bytes",
        ),
        "BadDigest" | "InvalidDigest" | "XAmzContentSHA256Mismatch" | "IncompleteBody" => again(
            Kind::Unavailable,
            "the body was damaged on its way to the store",
        ),
        "NotImplemented" | "MethodNotAllowed" => never(
            Kind::Unsupported,
            "the store does not have this operation (If-None-Match? then set conditional_create=never)",
        ),
        "QuotaExceeded"
        | "XMinioStorageFull"
        | "XMinioAdminBucketQuotaExceeded"
        | "StorageLimitExceeded"
        | "NotEnoughSpace" => never(
            Kind::Exhausted,
            "the store has no space left; free some or raise the quota, then run the same command again",
        ),
        "InvalidObjectState" => never(
            Kind::Unavailable,
            "the object lies in an archive class; restore it to a readable class first",
        ),
        "ObjectLocked" | "FileImmutable" => never(
            Kind::PermissionDenied,
            "the object is locked; it can be deleted when its retention has ended",
        ),
        "SlowDown" | "TooManyRequests" | "RequestLimitExceeded" | "Throttling" => {
            again(Kind::RateLimited, "the store asks to slow down")
        }
        "InternalError" | "ServiceUnavailable" | "RequestTimeout" | "Busy" => again(
            Kind::Unavailable,
            "the store is not ready; see its health, then run the same command again",
        ),
        "OperationAborted" | "ConditionalRequestConflict" => again(
            Kind::Conflict,
            "another request for the same object is under way",
        ),
        _ => None,
    }
}

/// Answers without a code: those to HEAD, and of gateways.
fn by_status(status: u16) -> Option<Translation> {
    let code = match status {
        301 | 307 => "PermanentRedirect",
        401 => {
            return Some((
                ErrorKind::Unauthenticated,
                "the store wants other credentials",
                Retry::Never,
            ));
        }
        403 => "AccessDenied",
        405 | 501 => "NotImplemented",
        429 => "SlowDown",
        500 | 502..=504 => "ServiceUnavailable",
        507 => "QuotaExceeded",
        _ => return None,
    };
    by_code(code)
}

/// Requests that got no answer.
fn by_connection(error: &opendal::Error) -> Option<Translation> {
    let mut texts = Vec::new();
    let mut source = StdError::source(error);
    while let Some(error) = source {
        texts.push(error.to_string().to_lowercase());
        source = error.source();
    }
    let any = |needles: &[&str]| {
        texts
            .iter()
            .any(|text| needles.iter().any(|needle| text.contains(needle)))
    };
    let message = if any(&["certificate", "invalid peer", "unknownissuer"]) {
        return Some((
            ErrorKind::Unavailable,
            "the endpoint's certificate is not trusted or has expired; check the endpoint, or install its authority",
            Retry::Never,
        ));
    } else if any(&["dns error", "failed to lookup", "name or service not known"]) {
        "the endpoint's name cannot be resolved; check the endpoint, the region and DNS"
    } else if any(&["connection refused"]) {
        "the endpoint refuses connections; check its address and port, and whether the store runs"
    } else if any(&["timed out", "timeout"]) {
        return Some((
            ErrorKind::Timeout,
            "the endpoint does not answer; check the network between here and the store",
            Retry::After(None),
        ));
    } else if error.to_string().contains("timeout") {
        return Some((
            ErrorKind::Timeout,
            "the store did not answer in time; raise the timeout if its network is slow",
            Retry::After(None),
        ));
    } else if !texts.is_empty() {
        return Some(BROKEN);
    } else {
        return None;
    };
    Some((ErrorKind::Unavailable, message, Retry::After(None)))
}

/// What is left.
fn by_kind(kind: opendal::ErrorKind) -> Translation {
    use opendal::ErrorKind as Dal;
    let (kind, message) = match kind {
        Dal::NotFound => (ErrorKind::NotFound, "no such object in the vault"),
        Dal::ConditionNotMatch | Dal::AlreadyExists => (
            ErrorKind::AlreadyExists,
            "the object exists already and is never replaced",
        ),
        Dal::PermissionDenied => (ErrorKind::PermissionDenied, "the store refuses"),
        Dal::RateLimited => (ErrorKind::RateLimited, "the store asks to slow down"),
        Dal::Unsupported => (
            ErrorKind::Unsupported,
            "the store does not have this operation",
        ),
        Dal::ConfigInvalid => (
            ErrorKind::InvalidInput,
            "the store's configuration is wrong",
        ),
        Dal::RangeNotSatisfied => (ErrorKind::InvalidInput, "range is empty or beyond the end"),
        Dal::IsADirectory | Dal::NotADirectory => (
            ErrorKind::InvalidInput,
            "a folder lies where an object should be, or the other way round",
        ),
        Dal::Conflict => (
            ErrorKind::Conflict,
            "another request for the same object is under way",
        ),
        _ => (ErrorKind::Unexpected, "the store failed"),
    };
    (kind, message, Retry::Never)
}

/// The code in opendal's text of an S3 error: `S3Error { code: "NoSuchKey", …`.
fn code(text: &str) -> &str {
    between(text, "S3Error { code: \"", "\"").unwrap_or_default()
}

/// The status in opendal's text of a response: `Parts { status: 403, …`.
fn status(text: &str) -> u16 {
    between(text, "Parts { status: ", ",")
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = &text[text.find(before)? + before.len()..];
    rest.split(after).next()
}
