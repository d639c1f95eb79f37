//! Answers about what belongs to an object.

use crate::{
    Result,
    model::{Discovery, GroupResource, ObjectId},
};
use std::{borrow::Cow, fmt};

/// What an action wants to see of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Nothing.
    None,
    /// The objects that are captured.
    Captured(Reach),
    /// Every object of the kind, captured or not: each may [serve](Related::Serves) a captured one.
    All,
    /// No single object: all objects of the kind need these.
    Kind(Vec<Related>),
}

/// Where the things lie that an action names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// In the object's own namespace only: a selection of whole namespaces has them anyway, and the objects are not read for them.
    Namespace,
    /// Anywhere.
    Anywhere,
}

/// One relation of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Related {
    /// It needs this one.
    Needs(Target),
    /// It is needed with this one: captured with it.
    Serves(Target),
}

/// An object as another one names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// By its resource.
    Object(ObjectId),
    /// By its kind, as references write it.
    Kind {
        /// The group; `""` for core.
        group: String,
        /// The kind, in CamelCase.
        kind: String,
        /// The namespace, if its objects live in some.
        namespace: Option<String>,
        /// The name.
        name: String,
    },
}

impl Related {
    /// It needs the object of this core or grouped resource (`secrets`, `storageclasses.storage.k8s.io`); nothing if the name is no name.
    pub fn needs(resource: &str, namespace: Option<&str>, name: &str) -> Option<Self> {
        id(resource, namespace, name).map(|id| Self::Needs(Target::Object(id)))
    }

    /// It serves the object of this resource; nothing if the name is no name.
    pub fn serves(resource: &str, namespace: Option<&str>, name: &str) -> Option<Self> {
        id(resource, namespace, name).map(|id| Self::Serves(Target::Object(id)))
    }
}

/// An empty name names nothing.
fn id(resource: &str, namespace: Option<&str>, name: &str) -> Option<ObjectId> {
    let resource: Result<GroupResource> = resource.parse();
    ObjectId::new(resource.ok()?, namespace.map(str::to_owned), name).ok()
}

impl Target {
    /// The object's id, by what is served; none if its kind is not, or is named with a name that is none.
    pub(crate) fn resolve(&self, discovery: &Discovery) -> Option<ObjectId> {
        match self {
            Self::Object(id) => Some(id.clone()),
            Self::Kind {
                group,
                kind,
                namespace,
                name,
            } => {
                let row = discovery.kind(group, kind)?;
                let namespace = namespace.clone().filter(|_| row.namespaced);
                ObjectId::new(row.resource.clone(), namespace, name.as_str()).ok()
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(id) => id.fmt(f),
            Self::Kind {
                group,
                kind,
                namespace,
                name,
            } => {
                let group = match group.as_str() {
                    "" => Cow::Borrowed(""),
                    group => Cow::Owned(format!(".{group}")),
                };
                write!(f, "{}{group}/", kind.escape_debug())?;
                if let Some(namespace) = namespace {
                    write!(f, "{}/", namespace.escape_debug())?;
                }
                write!(f, "{}", name.escape_debug())
            }
        }
    }
}
