//! Ingress, IngressClass.

use super::{Family, nothing};

pub(super) static FAMILIES: &[Family] = &[Family {
    kinds: &["Ingress", "IngressClass"],
    defaults: nothing,
    to_hub: nothing,
    from_hub: nothing,
}];
