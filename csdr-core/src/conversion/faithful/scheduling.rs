//! PriorityClass.

use super::{Family, Gv, nothing};
use crate::{Result, conversion::draft::Node};

pub(super) static FAMILIES: &[Family] = &[Family {
    kinds: &["PriorityClass"],
    defaults,
    to_hub: nothing,
    from_hub: nothing,
}];

/// Source: api-versions.md section 2.10; v1alpha1, v1beta1 and v1 have the same defaults.
fn defaults(node: &mut Node<'_>, _: Gv<'_>) -> Result<()> {
    node.default(&["preemptionPolicy"], "PreemptLowerPriority");
    // No version writes it.
    if node
        .get(&["globalDefault"])
        .and_then(|value| value.as_bool())
        == Some(false)
    {
        node.remove(
            &["globalDefault"],
            "absent means false, and the server writes no false here",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::conversion::faithful::table::check;

    #[test]
    fn priority_classes() {
        let of = |version: &str, rest: &str| {
            format!(
                r#"{{"apiVersion":"scheduling.k8s.io/{version}","kind":"PriorityClass","value":1{rest}}}"#
            )
        };
        let table = [
            (
                "v1alpha1",
                "",
                "v1",
                r#","preemptionPolicy":"PreemptLowerPriority""#,
            ),
            (
                "v1",
                r#","preemptionPolicy":"Never""#,
                "v1beta1",
                r#","preemptionPolicy":"Never""#,
            ),
            (
                "v1beta1",
                r#","globalDefault":true,"preemptionPolicy":null"#,
                "v1",
                r#","globalDefault":true,"preemptionPolicy":"PreemptLowerPriority""#,
            ),
            (
                "v1beta1",
                r#","globalDefault":false"#,
                "v1",
                r#","preemptionPolicy":"PreemptLowerPriority""#,
            ),
        ];
        for (from, object, to, expected) in table {
            check(&[(
                &of(from, object),
                &format!("scheduling.k8s.io/{to}"),
                &of(to, expected),
            )]);
        }
    }
}
