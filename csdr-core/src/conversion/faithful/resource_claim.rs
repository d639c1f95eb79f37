//! DeviceClass, DeviceTaintRule, ResourceClaim, ResourceClaimTemplate, ResourceSlice.

use super::{Family, nothing};

pub(super) static FAMILIES: &[Family] = &[Family {
    kinds: &[
        "DeviceClass",
        "DeviceTaintRule",
        "ResourceClaim",
        "ResourceClaimTemplate",
        "ResourceSlice",
    ],
    defaults: nothing,
    to_hub: nothing,
    from_hub: nothing,
}];
