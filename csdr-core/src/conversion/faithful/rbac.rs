//! ClusterRole, ClusterRoleBinding, Role, RoleBinding.

use super::{Family, nothing};

pub(super) static FAMILIES: &[Family] = &[Family {
    kinds: &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    defaults: nothing,
    to_hub: nothing,
    from_hub: nothing,
}];
