//! APIService.

use super::{Family, nothing};

pub(super) static FAMILIES: &[Family] = &[Family {
    kinds: &["APIService"],
    defaults: nothing,
    to_hub: nothing,
    from_hub: nothing,
}];
