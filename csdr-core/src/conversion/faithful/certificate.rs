//! CertificateSigningRequest, ClusterTrustBundle, PodCertificateRequest.

use super::{Family, nothing};

pub(super) static FAMILIES: &[Family] = &[Family {
    kinds: &[
        "CertificateSigningRequest",
        "ClusterTrustBundle",
        "PodCertificateRequest",
    ],
    defaults: nothing,
    to_hub: nothing,
    from_hub: nothing,
}];
