//! PodDisruptionBudget, PodSecurityPolicy.

use super::{Family, nothing};

pub(super) static FAMILIES: &[Family] = &[Family {
    kinds: &["PodDisruptionBudget", "PodSecurityPolicy"],
    defaults: nothing,
    to_hub: nothing,
    from_hub: nothing,
}];
