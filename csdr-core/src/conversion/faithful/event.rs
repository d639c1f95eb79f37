//! Event.

use super::{Family, nothing};

pub(super) static FAMILIES: &[Family] = &[Family {
    kinds: &["Event"],
    defaults: nothing,
    to_hub: nothing,
    from_hub: nothing,
}];
