//! What an entry is called.

use crate::{
    Error, ErrorKind, Result,
    model::{ApiVersion, GroupResource, ObjectId},
};
use std::{fmt, str::FromStr};

/// What marks the directory of the version that the server prefers.
const PREFERRED: &str = "-preferredversion";

/// The path of one entry.
///
/// Source: reference of Velero's archive (`pkg/archive/parser.go`): `metadata/version` and
/// `resources/<resource.group>/[<version>[-preferredversion]/](cluster|namespaces/<ns>)/<name>.json`.
///
/// A path that could leave its folder is refused; a harmless one that means nothing to csdr is [`EntryPath::Other`], so that its
/// reader decides whether to report or refuse it: it is never passed over in silence.
///
/// ```
/// use csdr_core::archive::{EntryPath, PathVersion};
/// let path: EntryPath = "resources/deployments.apps/v1-preferredversion/namespaces/shop/web.json".parse()?;
/// let EntryPath::Object(object) = &path else { unreachable!() };
/// assert_eq!(object.id.to_string(), "deployments.apps/shop/web");
/// assert_eq!(object.version, PathVersion::Preferred("v1".into()));
/// assert_eq!(path.to_string().parse::<EntryPath>()?, path);
/// assert!("resources/../../etc/passwd".parse::<EntryPath>().is_err());
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryPath {
    /// `metadata/version`.
    Version,
    /// An object's JSON.
    Object(ObjectPath),
    /// Below `metadata/` or `resources/`, harmless, and unknown.
    Other(String),
}

/// The path of an object's entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectPath {
    /// Which object.
    pub id: ObjectId,
    /// What the path says of its version.
    pub version: PathVersion,
}

/// What a path says of an object's version. The object's own `apiVersion` is what counts: Velero takes the directory from the
/// object before its plugins changed it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathVersion {
    /// No version: the object in the version that the server preferred.
    Plain,
    /// `<version>-preferredversion/`.
    Preferred(String),
    /// `<version>/`: a further served version.
    Served(String),
}

impl EntryPath {
    /// Parses a path of at most `limit` bytes.
    ///
    /// # Errors
    /// `Corrupt`, with the path escaped, if it is longer than `limit`, absolute, has empty, `.` or `..` segments, control characters
    /// or `\`, or lies outside of `metadata/` and `resources/`.
    pub fn parse(text: &str, limit: usize) -> Result<Self> {
        check_harmless(text, limit)?;
        if text == "metadata/version" {
            return Ok(Self::Version);
        }
        Ok(match ObjectPath::find(text) {
            Some(object) => Self::Object(object),
            None => Self::Other(text.to_owned()),
        })
    }
}

impl ObjectPath {
    /// The object that `text` names, if it has the shape of an object's path.
    fn find(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("resources/")?.strip_suffix(".json")?;
        let (resource, rest) = rest.split_once('/')?;
        let resource: GroupResource = resource.parse().ok()?;
        let (head, tail) = rest.split_once('/')?;
        // Invariant: no version is called `cluster` or `namespaces` (see `check_version`), so that each path has one meaning.
        let (version, scope) = if matches!(head, "cluster" | "namespaces") {
            (PathVersion::Plain, rest)
        } else {
            let version = match head.strip_suffix(PREFERRED) {
                Some(version) => PathVersion::Preferred(version.to_owned()),
                None => PathVersion::Served(head.to_owned()),
            };
            (version, tail)
        };
        version.check().ok()?;
        let (namespace, name) = match scope.split_once('/')? {
            ("cluster", name) => (None, name),
            ("namespaces", rest) => {
                let (namespace, name) = rest.split_once('/')?;
                (Some(namespace.to_owned()), name)
            }
            _ => return None,
        };
        let id = ObjectId::new(resource, namespace, name).ok()?;
        Some(Self { id, version })
    }
}

impl PathVersion {
    /// The version that the directory names; `None` for the plain path.
    pub fn version(&self) -> Option<&str> {
        match self {
            Self::Plain => None,
            Self::Preferred(version) | Self::Served(version) => Some(version),
        }
    }

    /// Whether this is the version that the server preferred.
    pub fn is_preferred(&self) -> bool {
        !matches!(self, Self::Served(_))
    }

    fn check(&self) -> Result<()> {
        self.version().map_or(Ok(()), check_version)
    }
}

/// Refuses a version that would give a directory with two meanings.
pub(super) fn check_version(version: &str) -> Result<()> {
    ApiVersion::new("", version)?;
    if matches!(version, "cluster" | "namespaces") || version.ends_with(PREFERRED) {
        return Err(
            Error::invalid("version cannot be a directory of an archive")
                .with_context("version", version),
        );
    }
    Ok(())
}

/// Refuses every path that could leave the folder into which somebody unpacks it, or that hides what it is.
fn check_harmless(text: &str, limit: usize) -> Result<()> {
    let refuse = |what: &str| {
        let shown: String = text.chars().take(256).collect();
        Err(Error::new(ErrorKind::Corrupt, what).with_context("entry", shown.escape_debug()))
    };
    if text.len() > limit {
        return refuse("entry's path is longer than allowed");
    }
    if text.starts_with('/') {
        return refuse("entry's path is absolute");
    }
    if text.chars().any(|c| c.is_control() || c == '\\') {
        return refuse("entry's path has a control character or a backslash");
    }
    if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return refuse("entry's path has an empty, `.` or `..` segment");
    }
    if !text.starts_with("metadata/") && !text.starts_with("resources/") {
        return refuse("entry's path is outside of `metadata/` and `resources/`");
    }
    Ok(())
}

impl FromStr for EntryPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text, super::ArchiveLimits::default().path)
    }
}

impl fmt::Display for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version => f.write_str("metadata/version"),
            Self::Object(object) => object.fmt(f),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for ObjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let directory = match &self.version {
            PathVersion::Plain => Directory::Plain,
            PathVersion::Preferred(version) => Directory::Preferred(version),
            PathVersion::Served(version) => Directory::Served(version),
        };
        directory.write(&self.id, f)
    }
}

/// A [`PathVersion`] that owns nothing: the writer makes two paths an object.
#[derive(Clone, Copy, Debug)]
pub(super) enum Directory<'a> {
    Plain,
    Preferred(&'a str),
    Served(&'a str),
}

impl Directory<'_> {
    /// Writes the path of `id`.
    pub(super) fn write(self, id: &ObjectId, out: &mut impl fmt::Write) -> fmt::Result {
        write!(out, "resources/{}/", id.resource())?;
        match self {
            Self::Plain => {}
            Self::Preferred(version) => write!(out, "{version}{PREFERRED}/")?,
            Self::Served(version) => write!(out, "{version}/")?,
        }
        match id.namespace() {
            Some(namespace) => write!(out, "namespaces/{namespace}/")?,
            None => out.write_str("cluster/")?,
        }
        write!(out, "{}.json", id.name())
    }
}

/// Bytes of the longest path of `id` in `version`.
pub(super) fn longest(id: &ObjectId, version: &str) -> usize {
    let resource = id.resource();
    let scope = id
        .namespace()
        .map_or("cluster/".len(), |text| "namespaces//".len() + text.len());
    let resource = resource.resource().len() + 1 + resource.group().len();
    "resources//.json".len()
        + resource
        + version.len()
        + PREFERRED.len()
        + 1
        + scope
        + id.name().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects() {
        let long = format!("resources/pods/namespaces/n/{}.json", "a".repeat(253));
        for (text, id, version) in [
            ("resources/pods/namespaces/n/a.json", "pods/n/a", None),
            ("resources/nodes/cluster/a.json", "nodes/a", None),
            ("resources/nodes/v1/cluster/a.json", "nodes/a", Some("v1")),
            (
                "resources/pods/namespaces/cluster/a.json",
                "pods/cluster/a",
                None,
            ),
            (
                "resources/pods/namespaces/namespaces/a.json",
                "pods/namespaces/a",
                None,
            ),
            (
                "resources/d.apps/v1/namespaces/cluster/a.json.json",
                "d.apps/cluster/a.json",
                Some("v1"),
            ),
            (
                "resources/roles.rbac.authorization.k8s.io/v1-preferredversion/namespaces/n/a:b.json",
                "roles.rbac.authorization.k8s.io/n/a:b",
                Some("v1"),
            ),
            (
                &long,
                &long["resources/".len()..long.len() - 5].replace("/namespaces", ""),
                None,
            ),
        ] {
            let path: EntryPath = text.parse().unwrap();
            assert_eq!(path.to_string(), text);
            let EntryPath::Object(object) = path else {
                panic!("{text}")
            };
            assert_eq!(object.id.to_string(), id, "{text}");
            assert_eq!(object.version.version(), version, "{text}");
        }
    }

    #[test]
    fn the_longest_path_is_bounded() {
        for id in ["pods/n/a", "nodes/a", "deployments.apps/n/a"] {
            let id: ObjectId = id.parse().unwrap();
            let mut path = String::new();
            Directory::Preferred("v1").write(&id, &mut path).unwrap();
            let dot = usize::from(id.resource().group().is_empty());
            assert_eq!(longest(&id, "v1"), path.len() + dot, "{path}");
        }
    }

    #[test]
    fn harmless_and_unknown() {
        for text in [
            "metadata/other",
            "resources/x",
            "resources/pods/a.json",
            "resources/pods/namespaces/a.json",
            "resources/Pods/namespaces/n/a.json",
            "resources/pods/namespaces/n/a.yaml",
            "resources/pods/cluster/cluster/a.json",
            "resources/pods/v1-preferredversion-preferredversion/cluster/a.json",
            "resources/pods/-preferredversion/cluster/a.json",
            "resources/pods/namespaces/n/m/a.json",
            "resources/pods/V1/cluster/a.json",
            "resources/pods/cluster/a%2fb.json",
            "resources/pods/cluster/.json",
            "metadata/version/x",
        ] {
            assert_eq!(
                text.parse::<EntryPath>().unwrap(),
                EntryPath::Other(text.into())
            );
        }
    }

    #[test]
    fn hostile() {
        let long = format!("resources/{}", "a".repeat(1100));
        for text in [
            "",
            "/",
            "/etc/passwd",
            "resources",
            "metadata",
            "resources/",
            "resources//pods/cluster/a.json",
            "resources/./a",
            "resources/../a",
            "../resources/a",
            "resources/pods/cluster/..",
            "resources/pods/cluster/a\n.json",
            "cluster/a.json",
            "resources/pods\\cluster/a.json",
            "resources/\u{7f}",
            "resources/\u{85}",
            "kopia/x",
            "./metadata/version",
            "metadata/version/",
            &long,
        ] {
            let error = text.parse::<EntryPath>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{text:?}");
            assert!(!error.to_string().chars().any(char::is_control), "{error}");
            assert!(error.to_string().len() < 400, "{error}");
        }
    }
}
