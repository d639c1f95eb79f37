//! Deployment, DaemonSet, ReplicaSet, StatefulSet, ControllerRevision.

use super::{Family, nothing};

pub(super) static FAMILIES: &[Family] = &[Family {
    kinds: &[
        "Deployment",
        "DaemonSet",
        "ReplicaSet",
        "StatefulSet",
        "ControllerRevision",
    ],
    defaults: nothing,
    to_hub: nothing,
    from_hub: nothing,
}];
