//! FlowSchema, PriorityLevelConfiguration.

use super::{Family, nothing};

pub(super) static FAMILIES: &[Family] = &[Family {
    kinds: &["FlowSchema", "PriorityLevelConfiguration"],
    defaults: nothing,
    to_hub: nothing,
    from_hub: nothing,
}];
