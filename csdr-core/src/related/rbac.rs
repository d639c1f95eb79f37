//! Service accounts and what they may do.

use super::{
    Interest, Reach, Related,
    workload::{captured_if, is, items, namespace_of},
};
use crate::{
    Result,
    model::{GroupResource, Object},
    port::ItemAction,
};

/// A service account needs the Secrets that it pulls images with. What it may do comes with its [`Bindings`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ServiceAccounts;

/// A binding serves the service accounts that it names, also by their group, and needs its role.
///
/// Source: Velero's `service-account` action takes ClusterRoleBindings and their ClusterRoles (velero.md section 2.7).
#[derive(Clone, Copy, Debug, Default)]
pub struct Bindings;

const RBAC: &str = "rbac.authorization.k8s.io";

impl ItemAction for ServiceAccounts {
    fn name(&self) -> &str {
        "service accounts"
    }

    fn interest(&self, resource: &GroupResource) -> Interest {
        captured_if(is(resource, "", "serviceaccounts"), Reach::Namespace)
    }

    fn related(&self, object: &Object) -> Result<Vec<Related>> {
        let Some(namespace) = namespace_of(object, "", &["serviceaccounts"]) else {
            return Ok(Vec::new());
        };
        let tree = object.tree()?;
        let names = items(tree.at(&["imagePullSecrets"]))
            .iter()
            .filter_map(|secret| secret.text_at(&["name"]));
        Ok(names
            .filter_map(|name| Related::needs("secrets", Some(namespace), name))
            .collect())
    }
}

impl ItemAction for Bindings {
    fn name(&self) -> &str {
        "role bindings"
    }

    fn interest(&self, resource: &GroupResource) -> Interest {
        if is(resource, RBAC, "clusterrolebindings") || is(resource, RBAC, "rolebindings") {
            Interest::All
        } else {
            Interest::None
        }
    }

    fn related(&self, object: &Object) -> Result<Vec<Related>> {
        let resource = object.id().resource();
        if self.interest(resource) == Interest::None {
            return Ok(Vec::new());
        }
        let tree = object.tree()?;
        let own = object.id().namespace();
        let text = |path: &[&str]| tree.text_at(path).unwrap_or_default();
        let mut found: Vec<Related> = Vec::new();
        let role = text(&["roleRef", "name"]);
        found.extend(match text(&["roleRef", "kind"]) {
            "ClusterRole" => Related::needs("clusterroles.rbac.authorization.k8s.io", None, role),
            "Role" => Related::needs("roles.rbac.authorization.k8s.io", own, role),
            _ => None,
        });
        for subject in items(tree.at(&["subjects"])) {
            let name = subject.text_at(&["name"]).unwrap_or_default();
            let served = match subject.text_at(&["kind"]) {
                Some("ServiceAccount") => {
                    let namespace = subject.text_at(&["namespace"]).or(own);
                    namespace.and_then(|namespace| {
                        Related::serves("serviceaccounts", Some(namespace), name)
                    })
                }
                // Source: Kubernetes: all service accounts of a namespace are of this group.
                Some("Group") => name
                    .strip_prefix("system:serviceaccounts:")
                    .and_then(|namespace| Related::serves("namespaces", None, namespace)),
                Some("User") => name
                    .strip_prefix("system:serviceaccount:")
                    .and_then(|rest| rest.split_once(':'))
                    .and_then(|(namespace, name)| {
                        Related::serves("serviceaccounts", Some(namespace), name)
                    }),
                _ => None,
            };
            found.extend(served.filter(|one| !found.contains(one)));
        }
        Ok(found)
    }
}
