//! Names of kinds and objects.

use super::{ApiVersion, version::is_segment};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A resource without its version, written as Kubernetes and Velero's archive do: `pods`, `deployments.apps`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupResource {
    // Invariant: the order (resource, group) of the fields is the order of the archive.
    resource: String,
    group: String,
}

impl GroupResource {
    /// From group (`""` for core) and plural name.
    ///
    /// # Errors
    /// `InvalidInput` if a part could not stand in a path.
    pub fn new(group: impl Into<String>, resource: impl Into<String>) -> Result<Self> {
        let (group, resource) = (group.into(), resource.into());
        if !is_segment(&resource)
            || resource.contains('.')
            || !(group.is_empty() || is_segment(&group))
        {
            return Err(
                Error::invalid("not a resource; expected `pods` or `deployments.apps`")
                    .with_context("resource", resource.escape_debug())
                    .with_context("group", group.escape_debug()),
            );
        }
        Ok(Self { resource, group })
    }

    /// The group; `""` for the core group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The plural name.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// This resource in `version`.
    #[must_use]
    pub fn with_version(&self, version: impl Into<String>) -> GroupVersionResource {
        GroupVersionResource {
            group: self.group.clone(),
            version: version.into(),
            resource: self.resource.clone(),
        }
    }
}

impl fmt::Display for GroupResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        Ok(())
    }
}

impl FromStr for GroupResource {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (resource, group) = text.split_once('.').unwrap_or((text, ""));
        Self::new(group, resource)
    }
}

impl TryFrom<String> for GroupResource {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<GroupResource> for String {
    fn from(resource: GroupResource) -> Self {
        resource.to_string()
    }
}

/// A resource in one version: what a request's path is made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GroupVersionResource {
    /// The group; `""` for core.
    pub group: String,
    /// The version.
    pub version: String,
    /// The plural name.
    pub resource: String,
}

impl GroupVersionResource {
    /// The resource without its version.
    pub fn group_resource(&self) -> GroupResource {
        GroupResource {
            resource: self.resource.clone(),
            group: self.group.clone(),
        }
    }

    /// `apiVersion` of its objects: `v1`, `apps/v1`.
    pub fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }
}

impl fmt::Display for GroupVersionResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.api_version(), self.resource)
    }
}

/// `apiVersion` and `kind` of an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GroupVersionKind {
    /// Group and version.
    pub api_version: ApiVersion,
    /// The kind, in CamelCase.
    pub kind: String,
}

impl fmt::Display for GroupVersionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.api_version, self.kind)
    }
}

/// One object of a cluster, whatever its version: the key of everything that csdr records.
///
/// Ordered by (resource, namespace, name): the order of lists and of the archive.
/// Written `deployments.apps/shop/web`; a cluster-scoped one `namespaces/shop`.
///
/// ```
/// use csdr_core::model::ObjectId;
/// let id: ObjectId = "deployments.apps/shop/web".parse()?;
/// assert_eq!((id.namespace(), id.name()), (Some("shop"), "web"));
/// assert_eq!(id.to_string(), "deployments.apps/shop/web");
/// assert!("deployments.apps/shop/../web".parse::<ObjectId>().is_err());
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectId {
    resource: GroupResource,
    namespace: Option<String>,
    name: String,
}

impl ObjectId {
    /// From its parts; `namespace` is `None` for a cluster-scoped object.
    ///
    /// # Errors
    /// `InvalidInput` if namespace or name is not a path segment. Source: `k8s.io/apimachinery/pkg/api/validation/path`:
    /// not `.` or `..`, no `/` and no `%`; csdr also refuses control characters, `\` and more than 253 bytes.
    pub fn new(
        resource: GroupResource,
        namespace: Option<String>,
        name: impl Into<String>,
    ) -> Result<Self> {
        let name = name.into();
        for text in namespace.iter().chain([&name]) {
            if !is_object_name(text) {
                return Err(Error::invalid("not a name of an object")
                    .with_context("name", text.escape_debug()));
            }
        }
        Ok(Self {
            resource,
            namespace,
            name,
        })
    }

    /// Its resource.
    pub fn resource(&self) -> &GroupResource {
        &self.resource
    }

    /// Its namespace; `None` if cluster-scoped.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Whether `text` can be the name of an object and stand in a path.
pub(crate) fn is_object_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text != "."
        && text != ".."
        && !text
            .chars()
            .any(|c| matches!(c, '/' | '%' | '\\') || c.is_control())
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.resource)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(&self.name)
    }
}

impl FromStr for ObjectId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(resource), Some(name), None, _) => Self::new(resource.parse()?, None, name),
            (Some(resource), Some(namespace), Some(name), None) => {
                Self::new(resource.parse()?, Some(namespace.to_owned()), name)
            }
            _ => Err(Error::invalid(
                "not an object id; expected `resource[.group]/[namespace/]name`",
            )
            .with_context("text", text.escape_debug())),
        }
    }
}

impl TryFrom<String> for ObjectId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<ObjectId> for String {
    fn from(id: ObjectId) -> Self {
        id.to_string()
    }
}
