//! CertificateSigningRequest. Source: api-versions.md section 3.6.

use super::{Context, Mend};
use crate::conversion::{draft::Node, outcome::SkipReason};

pub(super) static MENDS: &[Mend] = &[Mend {
    group: "certificates.k8s.io",
    kinds: &["CertificateSigningRequest"],
    needles: &[],
    mend,
}];

fn mend(_node: &mut Node<'_>, _context: &Context<'_>) -> Result<(), SkipReason> {
    Err(SkipReason::MadeByCluster {
        advice: "it is a request for one certificate, made to the authority of its own cluster; whoever needs one asks again".into(),
    })
}
