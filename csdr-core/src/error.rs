//! The one error type of the family.
//!
//! # Policy
//!
//! * Every fallible call of csdr answers [`Error`]. A caller branches on [`Error::kind`] and, for repeating, on [`Error::retry`].
//! * `Display` is one line about this layer: operation, message, context. It never repeats its source and never holds a secret.
//!   The layers below are reached through [`std::error::Error::source`]; [`Error::chain`] writes them all.
//! * Adapters translate their library's errors in one file each; there is no `From` of a dependency's error.

use std::{borrow::Cow, error::Error as StdError, fmt, time::Duration};

/// Result of a call of csdr.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller would branch on.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The thing that was named does not exist.
    NotFound,
    /// The thing that was to be made exists already.
    AlreadyExists,
    /// Somebody else changed the thing meanwhile, or a newer claim is held.
    Conflict,
    /// Known, but not allowed (HTTP 403, EACCES).
    PermissionDenied,
    /// Not known who asks (HTTP 401, expired certificate or token).
    Unauthenticated,
    /// The server asks to slow down (HTTP 429, 503 with Retry-After).
    RateLimited,
    /// The adapter does not promise this verb or option.
    Unsupported,
    /// The caller's input is wrong: a spec, a name, an argument.
    InvalidInput,
    /// Both sides are right, and do not fit each other: a version, a format.
    Incompatible,
    /// Stored or received bytes are not what they must be.
    Corrupt,
    /// Something needed for the whole is missing.
    Incomplete,
    /// The cancellation token fell.
    Cancelled,
    /// A bounded wait ended.
    Timeout,
    /// The other side cannot be reached or is not ready.
    Unavailable,
    /// Space or a quota is used up.
    Exhausted,
    /// The API server's continue token or watch version has expired (HTTP 410).
    Expired,
    /// None of the above.
    Unexpected,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "not found",
            Self::AlreadyExists => "already exists",
            Self::Conflict => "conflict",
            Self::PermissionDenied => "permission denied",
            Self::Unauthenticated => "unauthenticated",
            Self::RateLimited => "rate limited",
            Self::Unsupported => "unsupported",
            Self::InvalidInput => "invalid input",
            Self::Incompatible => "incompatible",
            Self::Corrupt => "corrupt",
            Self::Incomplete => "incomplete",
            Self::Cancelled => "cancelled",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::Exhausted => "exhausted",
            Self::Expired => "expired",
            Self::Unexpected => "unexpected",
        })
    }
}

/// Whether the same call may succeed when it is made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retry {
    /// The same call will fail again.
    #[default]
    Never,
    /// May be repeated, after the given time where the other side named one.
    After(Option<Duration>),
    /// Was repeated as often as allowed.
    Exhausted,
}

/// Error of every call of csdr: one word wide.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    operation: Cow<'static, str>,
    message: String,
    context: Vec<(&'static str, String)>,
    retry: Retry,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` with one line that says what happened, and best also what to do next.
    ///
    /// ```
    /// use csdr_core::{Error, ErrorKind};
    /// let error = Error::new(ErrorKind::NotFound, "backup does not exist")
    ///     .with_operation("open backup")
    ///     .with_context("backup", "shop-1");
    /// assert_eq!(error.to_string(), "open backup: backup does not exist (backup=shop-1)");
    /// ```
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            operation: Cow::Borrowed(""),
            message: message.into(),
            context: Vec::new(),
            retry: Retry::Never,
            source: None,
        }))
    }

    /// Shorthand for [`ErrorKind::InvalidInput`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    /// Shorthand for [`ErrorKind::Corrupt`].
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corrupt, message)
    }

    /// Shorthand for [`ErrorKind::Cancelled`].
    pub fn cancelled(operation: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Cancelled, "cancelled by the caller").with_operation(operation)
    }

    /// Names what was being done: a verb and its object, lower case ("list backups"). Replaces an earlier one.
    #[must_use]
    pub fn with_operation(mut self, operation: impl Into<Cow<'static, str>>) -> Self {
        self.0.operation = operation.into();
        self
    }

    /// Adds one fact: the key, object or address that this is about. Never a secret.
    #[must_use]
    pub fn with_context(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.0.context.push((name, value.to_string()));
        self
    }

    /// Says whether the same call may be repeated.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Keeps the error of the layer below.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What a caller would branch on.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What was being done, empty if not named.
    pub fn operation(&self) -> &str {
        &self.0.operation
    }

    /// This layer's one line, without operation and context.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Facts in the order in which they were added.
    pub fn context(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0
            .context
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
    }

    /// Whether the same call may be repeated.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// This line and that of every layer below, joined by `: `.
    pub fn chain(&self) -> String {
        let mut line = self.to_string();
        let mut source = StdError::source(self);
        while let Some(error) = source {
            line.push_str(": ");
            line.push_str(&error.to_string());
            source = error.source();
        }
        line
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        if !inner.operation.is_empty() {
            write!(f, "{}: ", inner.operation)?;
        }
        f.write_str(&inner.message)?;
        for (i, (name, value)) in inner.context.iter().enumerate() {
            let lead = if i == 0 { " (" } else { ", " };
            write!(f, "{lead}{name}={value}")?;
        }
        if !inner.context.is_empty() {
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("operation", &self.0.operation)
            .field("message", &self.0.message)
            .field("context", &self.0.context)
            .field("retry", &self.0.retry)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_is_one_word_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn display_does_not_repeat_the_source_and_chain_does() {
        let error = Error::corrupt("entry is cut")
            .with_source(Error::new(ErrorKind::Unexpected, "end of file"));
        assert_eq!(error.to_string(), "entry is cut");
        assert_eq!(error.chain(), "entry is cut: end of file");
    }
}
