//! CertificateSigningRequest. Source: api-versions.md section 3.6.

use super::{Context, Mend};
use crate::conversion::{choose::made_by_cluster, draft::Node, outcome::SkipReason};

const GROUP: &str = "certificates.k8s.io";
const KIND: &str = "CertificateSigningRequest";

pub(super) static MENDS: &[Mend] = &[Mend {
    group: GROUP,
    kinds: &[KIND],
    needles: &[],
    mend,
}];

fn mend(_node: &mut Node<'_>, _context: &Context<'_>) -> Result<(), SkipReason> {
    Err(SkipReason::MadeByCluster {
        advice: made_by_cluster(GROUP, KIND).unwrap_or_default().into(),
    })
}
