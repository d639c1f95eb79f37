//! NetworkPolicy, IPAddress, ServiceCIDR.

use super::{Family, nothing};

pub(super) static FAMILIES: &[Family] = &[Family {
    kinds: &["NetworkPolicy", "IPAddress", "ServiceCIDR"],
    defaults: nothing,
    to_hub: nothing,
    from_hub: nothing,
}];
