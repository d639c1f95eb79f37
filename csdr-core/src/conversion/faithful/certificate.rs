//! CertificateSigningRequest, ClusterTrustBundle, PodCertificateRequest.

mod request;

use super::{Family, Gv, nothing};
use crate::{
    Error, ErrorKind, Result,
    conversion::{
        draft::Node,
        outcome::{LossKind, Severity},
    },
    model::Tree,
};

pub(super) static FAMILIES: &[Family] = &[
    Family {
        kinds: &["CertificateSigningRequest"],
        defaults: signing_defaults,
        to_hub: nothing,
        from_hub: nothing,
    },
    Family {
        kinds: &["ClusterTrustBundle"],
        defaults: nothing,
        to_hub: nothing,
        from_hub: nothing,
    },
    Family {
        kinds: &["PodCertificateRequest"],
        defaults: pod_defaults,
        to_hub: pod_to_hub,
        from_hub: pod_from_hub,
    },
];

/// Only v1beta1 has defaults; v1 demands all of it. Source: api-versions.md section 2.10.
fn signing_defaults(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    if version != "v1beta1" {
        return Ok(());
    }
    let usages = ["digital signature", "key encipherment"].map(Tree::from);
    node.default(&["spec", "usages"], usages.to_vec());
    if !node.has(&["spec", "signerName"]) {
        let usages = node.get(&["spec", "usages"]).and_then(Tree::as_array);
        let usages = usages.unwrap_or_default().iter().filter_map(Tree::as_str);
        let request = node.text(&["spec", "request"]).unwrap_or_default();
        let signer = request::signer(request, &usages.collect());
        node.default(&["spec", "signerName"], signer);
    }
    node.each(&["status", "conditions"], |condition| {
        condition.default_zero(&["status"], "True");
    });
    Ok(())
}

fn pod_defaults(node: &mut Node<'_>, _: Gv<'_>) -> Result<()> {
    node.default(&["spec", "maxExpirationSeconds"], 86_400);
    Ok(())
}

/// v1alpha1 (1.34 only) was dropped without a conversion; csdr says so instead of guessing.
fn known(version: &str) -> Result<()> {
    if version == "v1alpha1" {
        let message = "no server converts certificates.k8s.io/v1alpha1 PodCertificateRequest";
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    Ok(())
}

fn pod_to_hub(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    known(version)?;
    if version != "v1beta1" {
        return Ok(());
    }
    for field in ["pkixPublicKey", "proofOfPossession"] {
        // v1 is the only other version that can be wanted.
        let reason = "v1 has a request in their place";
        node.lose(
            &["spec", field],
            LossKind::NoCounterpart,
            Severity::Info,
            reason,
        );
    }
    Ok(())
}

fn pod_from_hub(_: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    known(version)
}

#[cfg(test)]
mod tests {
    use crate::conversion::faithful::table::check;

    fn of(version: &str, kind: &str, rest: &str) -> String {
        format!(r#"{{"apiVersion":"certificates.k8s.io/{version}","kind":"{kind}"{rest}}}"#)
    }

    #[test]
    fn signing_requests() {
        let table = [
            (
                "v1beta1",
                r#","spec":{"request":"aGVsbG8="},"status":{"conditions":[{"type":"Approved"}]}"#,
                "v1",
                r#","spec":{"request":"aGVsbG8=","usages":["digital signature","key encipherment"],
                    "signerName":"kubernetes.io/legacy-unknown"},"status":{"conditions":[{"type":"Approved","status":"True"}]}"#,
            ),
            // An empty list is not absent.
            (
                "v1beta1",
                r#","spec":{"usages":[],"signerName":"a.example/b"}"#,
                "v1",
                r#","spec":{"usages":[],"signerName":"a.example/b"}"#,
            ),
            (
                "v1",
                r#","spec":{"request":"aGVsbG8="}"#,
                "v1beta1",
                r#","spec":{"request":"aGVsbG8="}"#,
            ),
        ];
        for (from, object, to, expected) in table {
            let kind = "CertificateSigningRequest";
            let to_version = format!("certificates.k8s.io/{to}");
            check(&[(
                &of(from, kind, object),
                &to_version,
                &of(to, kind, expected),
            )]);
        }
    }

    #[test]
    fn requests_of_pods_and_trust_bundles() {
        let kind = "PodCertificateRequest";
        check(&[
            (
                &of(
                    "v1beta1",
                    kind,
                    r#","spec":{"pkixPublicKey":"CQ==","stubPKCS10Request":"DA=="}"#,
                ),
                "certificates.k8s.io/v1",
                &of(
                    "v1",
                    kind,
                    r#","spec":{"stubPKCS10Request":"DA==","maxExpirationSeconds":86400}"#,
                ),
            ),
            (
                &of(
                    "v1alpha1",
                    "ClusterTrustBundle",
                    r#","spec":{"trustBundle":"t"}"#,
                ),
                "certificates.k8s.io/v1beta1",
                &of(
                    "v1beta1",
                    "ClusterTrustBundle",
                    r#","spec":{"trustBundle":"t"}"#,
                ),
            ),
        ]);
    }
}
