//! PriorityClass.

use super::{Family, nothing};

pub(super) static FAMILIES: &[Family] = &[Family {
    kinds: &["PriorityClass"],
    defaults: nothing,
    to_hub: nothing,
    from_hub: nothing,
}];
