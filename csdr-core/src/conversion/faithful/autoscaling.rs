//! HorizontalPodAutoscaler, Scale.

use super::{Family, nothing};

pub(super) static FAMILIES: &[Family] = &[Family {
    kinds: &["HorizontalPodAutoscaler", "Scale"],
    defaults: nothing,
    to_hub: nothing,
    from_hub: nothing,
}];
