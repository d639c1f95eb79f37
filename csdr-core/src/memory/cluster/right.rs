//! Rights: what this cluster refuses.

use crate::{Error, ErrorKind, model::GroupResource};

/// A rule that denies; the default one denies everything.
///
/// ```
/// use csdr_core::memory::Deny;
/// let rule = Deny { verbs: vec!["create".into()], resource: Some("secrets".parse()?), namespace: None };
/// assert!(rule.covers("create", &"secrets".parse()?, Some("shop")));
/// assert!(!rule.covers("list", &"secrets".parse()?, Some("shop")));
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deny {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`; empty is all.
    pub verbs: Vec<String>,
    /// `None` is all.
    pub resource: Option<GroupResource>,
    /// Only in this namespace; `None` is everywhere. A request for all namespaces is covered by a rule for one of them, too.
    pub namespace: Option<String>,
}

impl Deny {
    /// Whether the rule denies this.
    pub fn covers(&self, verb: &str, resource: &GroupResource, namespace: Option<&str>) -> bool {
        (self.verbs.is_empty() || self.verbs.iter().any(|own| own == verb))
            && self.resource.as_ref().is_none_or(|own| own == resource)
            && match (&self.namespace, namespace) {
                (Some(own), Some(asked)) => own == asked,
                _ => true,
            }
    }
}

/// The refusal, worded as the API server's.
pub(super) fn verb_error(
    verb: &'static str,
    resource: &GroupResource,
    namespace: Option<&str>,
) -> Error {
    let place = namespace.map_or_else(
        || " at the cluster scope".to_owned(),
        |namespace| format!(" in the namespace \"{namespace}\""),
    );
    Error::new(
        ErrorKind::PermissionDenied,
        format!(
            "the user cannot {verb} resource \"{}\" in API group \"{}\"{place}; grant the right or leave the kind out",
            resource.resource(),
            resource.group()
        ),
    )
}
