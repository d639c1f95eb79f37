//! API versions and their order.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, fmt, str::FromStr};

/// Group and version of an object, as `apiVersion` writes it: `v1`, `apps/v1`.
///
/// Ordered by group, then as Kubernetes orders versions (Source: `k8s.io/apimachinery/pkg/version.CompareKubeAwareVersionStrings`):
/// stable before beta before alpha, higher numbers first in worth. The *greater* version is the more preferred one;
/// versions that do not follow the pattern are the least, later letters less than earlier ones.
///
/// ```
/// use csdr_core::model::ApiVersion;
/// let mut versions: Vec<ApiVersion> = ["x/v1beta2", "x/v2", "x/v1", "x/v1beta1", "x/v10alpha1", "x/foo"]
///     .iter().map(|text| text.parse().unwrap()).collect();
/// versions.sort();
/// let order: Vec<String> = versions.iter().map(|version| version.version().to_owned()).collect();
/// assert_eq!(order, ["foo", "v10alpha1", "v1beta1", "v1beta2", "v1", "v2"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApiVersion {
    group: String,
    version: String,
}

impl ApiVersion {
    /// From its parts; the core group is `""`.
    ///
    /// # Errors
    /// `InvalidInput` if a part is not a DNS label (version) or subdomain (group).
    pub fn new(group: impl Into<String>, version: impl Into<String>) -> Result<Self> {
        let (group, version) = (group.into(), version.into());
        if !is_segment(&version)
            || version.contains('.')
            || !(group.is_empty() || is_segment(&group))
        {
            return Err(
                Error::invalid("not an API version; expected `v1` or `group/v1`")
                    .with_context("group", group.escape_debug())
                    .with_context("version", version.escape_debug()),
            );
        }
        Ok(Self { group, version })
    }

    /// The group; `""` for the core group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The version without its group.
    pub fn version(&self) -> &str {
        &self.version
    }
}

/// What may stand as group, version or plural in a path: 1 to 253 of `[a-z0-9.-]`, beginning and ending with a letter or digit.
/// Source: RFC 1123 subdomain, as the API server demands of group, version and resource names.
pub(crate) fn is_segment(text: &str) -> bool {
    let edge =
        |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = text.as_bytes();
    let mut before = 0;
    bytes.len() <= 253
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|byte| {
            let two_points = before == b'.' && *byte == b'.';
            before = *byte;
            matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-') && !two_points
        })
}

impl FromStr for ApiVersion {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once('/') {
            None => Self::new("", text),
            Some(("", _)) => Err(Error::invalid("not an API version: empty group")
                .with_context("text", text.escape_debug())),
            Some((group, version)) => Self::new(group, version),
        }
    }
}

impl TryFrom<String> for ApiVersion {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<ApiVersion> for String {
    fn from(version: ApiVersion) -> Self {
        version.to_string()
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.group.is_empty() {
            write!(f, "{}/", self.group)?;
        }
        f.write_str(&self.version)
    }
}

impl Ord for ApiVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        self.group
            .cmp(&other.group)
            .then_with(|| compare_versions(&self.version, &other.version))
    }
}

impl PartialOrd for ApiVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Orders two versions of one group; the greater is the more preferred.
pub(crate) fn compare_versions(left: &str, right: &str) -> Ordering {
    match (rank(left), rank(right)) {
        (Some(l), Some(r)) => l.cmp(&r),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => right.cmp(left),
    }
}

/// (stability, major, minor) of `v<major>[(alpha|beta)<minor>]`.
fn rank(version: &str) -> Option<(u8, u64, u64)> {
    let rest = version.strip_prefix('v')?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let major = number(&rest[..end])?;
    let tail = &rest[end..];
    if tail.is_empty() {
        return Some((2, major, 0));
    }
    let (stability, minor) = match (tail.strip_prefix("beta"), tail.strip_prefix("alpha")) {
        (Some(minor), _) => (1, minor),
        (_, Some(minor)) => (0, minor),
        _ => return None,
    };
    Some((stability, major, number(minor)?))
}

/// A number as the pattern `[1-9][0-9]*` allows it.
fn number(digits: &str) -> Option<u64> {
    (!digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_could_escape_a_path() {
        for text in [
            "", "/v1", "a//v1", "../v1", "a/..", "A/v1", "a/v1/x", "v1/", "a b/v1",
        ] {
            assert!(text.parse::<ApiVersion>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn order_is_that_of_kubernetes() {
        // Source: the documented example of CustomResourceDefinition versioning.
        let expected = [
            "v10",
            "v2",
            "v1",
            "v11beta2",
            "v10beta3",
            "v3beta1",
            "v12alpha1",
            "v11alpha2",
            "foo1",
            "foo10",
        ];
        let mut sorted = expected;
        sorted.sort_by(|a, b| compare_versions(b, a));
        assert_eq!(sorted, expected);
    }
}
