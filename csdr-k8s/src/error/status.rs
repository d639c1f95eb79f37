//! The server's `Status` documents.

use http::StatusCode;
use serde::Deserialize;
use std::time::Duration;

/// `meta/v1 Status`, as far as csdr decides by it. Every field may be missing: proxies answer with other bodies.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    pub(crate) kind: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) code: Option<u16>,
    pub(crate) details: Option<Details>,
    pub(crate) metadata: Option<StatusMeta>,
}

/// What the status is about.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Details {
    pub(crate) name: Option<String>,
    pub(crate) retry_after_seconds: Option<u64>,
    pub(crate) causes: Option<Vec<Cause>>,
}

/// One cause.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Cause {
    pub(crate) reason: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) field: Option<String>,
}

/// A 410 carries the token to go on with here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StatusMeta {
    #[serde(rename = "continue")]
    pub(crate) next: Option<String>,
}

/// An answer that is not a success.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) code: StatusCode,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) status: Status,
    /// Whether the body was a `Status`; a path that is not served answers `404 page not found` as plain text.
    pub(crate) spoken: bool,
}

impl Refusal {
    /// From an answer's parts. `retry_after` is the header, in seconds.
    pub(crate) fn new(code: StatusCode, retry_after: Option<&str>, body: &[u8]) -> Self {
        let parsed = serde_json::from_slice::<Status>(body)
            .ok()
            .filter(|status| status.kind.as_deref() == Some("Status"));
        let spoken = parsed.is_some();
        let mut refusal = Self::from_status(parsed.unwrap_or_default(), code);
        refusal.spoken = spoken;
        // A header in the form of a date is not used by API servers and counts as none.
        let header = retry_after.and_then(|text| text.trim().parse().ok());
        refusal.retry_after = header.map(Duration::from_secs).or(refusal.retry_after);
        refusal
    }

    /// From a `Status` that came with `code`, or inside of a watch.
    pub(crate) fn from_status(status: Status, code: StatusCode) -> Self {
        let seconds = status
            .details
            .as_ref()
            .and_then(|details| details.retry_after_seconds)
            .filter(|seconds| *seconds > 0);
        Self {
            code,
            retry_after: seconds.map(Duration::from_secs),
            status,
            spoken: true,
        }
    }

    /// The reason, `""` if none was given.
    pub(crate) fn reason(&self) -> &str {
        self.status.reason.as_deref().unwrap_or_default()
    }

    /// The token with which a list goes on after a 410.
    pub(crate) fn next(&self) -> Option<&str> {
        let meta = self.status.metadata.as_ref()?;
        meta.next.as_deref().filter(|token| !token.is_empty())
    }

    /// Whether one of the causes has this reason.
    pub(crate) fn has_cause(&self, reason: &str) -> bool {
        let causes = self
            .status
            .details
            .as_ref()
            .and_then(|details| details.causes.as_deref())
            .unwrap_or_default();
        causes
            .iter()
            .any(|cause| cause.reason.as_deref() == Some(reason))
    }
}
