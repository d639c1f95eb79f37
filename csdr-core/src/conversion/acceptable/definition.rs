//! CustomResourceDefinition.

use super::Mend;

pub(super) static MENDS: &[Mend] = &[Mend {
    group: "apiextensions.k8s.io",
    kinds: &["CustomResourceDefinition"],
    needles: &[],
    mend: |_, _| Ok(()),
}];
