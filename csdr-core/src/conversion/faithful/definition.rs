//! CustomResourceDefinition.

use super::{Family, nothing};

pub(super) static FAMILIES: &[Family] = &[Family {
    kinds: &["CustomResourceDefinition"],
    defaults: nothing,
    to_hub: nothing,
    from_hub: nothing,
}];
