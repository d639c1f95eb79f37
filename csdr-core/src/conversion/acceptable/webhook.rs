//! ValidatingWebhookConfiguration,MutatingWebhookConfiguration.

use super::Mend;

pub(super) static MENDS: &[Mend] = &[Mend {
    group: "admissionregistration.k8s.io",
    kinds: &[
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
    ],
    needles: &[],
    mend: |_, _| Ok(()),
}];
