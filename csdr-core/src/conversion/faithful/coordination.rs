//! Lease, LeaseCandidate.

use super::{Family, nothing};

pub(super) static FAMILIES: &[Family] = &[Family {
    kinds: &["Lease", "LeaseCandidate"],
    defaults: nothing,
    to_hub: nothing,
    from_hub: nothing,
}];
