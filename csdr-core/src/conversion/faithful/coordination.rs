//! Lease, LeaseCandidate.

use super::{Family, Gv, nothing};
use crate::{
    Result,
    conversion::{
        draft::Node,
        outcome::{Edit, LossKind, Severity},
    },
    model::Tree,
};

pub(super) static FAMILIES: &[Family] = &[
    Family {
        kinds: &["Lease"],
        defaults: nothing,
        to_hub: nothing,
        from_hub: nothing,
    },
    Family {
        kinds: &["LeaseCandidate"],
        defaults: nothing,
        to_hub,
        from_hub,
    },
];

/// Only v1alpha1 (1.31) has several strategies, the preferred one first.
fn to_hub(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    if version != "v1alpha1" {
        return Ok(());
    }
    node.at(&["spec"], |spec| {
        let Some(Tree::Array(strategies)) = spec.get(&["preferredStrategies"]).cloned() else {
            return;
        };
        if strategies.is_empty() {
            spec.remove(
                &["preferredStrategies"],
                "an empty list of strategies names none",
            );
            return;
        }
        spec.tree_mut().remove(&["preferredStrategies"]);
        let mut strategies = strategies.into_iter();
        if let Some(first) = strategies.next() {
            let edit = Edit::Moved {
                from: spec.pointer(&["preferredStrategies", "0"]),
            };
            spec.tree_mut().set(&["strategy"], first);
            let reason = "one strategy instead of a list";
            spec.record(&["strategy"], edit, None, None, Severity::Info, reason);
        }
        for (at, other) in (1..).zip(strategies) {
            let path = ["preferredStrategies", &format!("{at}")];
            let reason = "only the preferred strategy is kept";
            spec.loses(
                &path,
                LossKind::NoCounterpart,
                Some(other),
                Severity::Info,
                reason,
            );
        }
    });
    Ok(())
}

fn from_hub(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    if version != "v1alpha1" {
        return Ok(());
    }
    node.at(&["spec"], |spec| {
        let Some(strategy) = spec.get(&["strategy"]).cloned() else {
            return;
        };
        spec.tree_mut().remove(&["strategy"]);
        spec.tree_mut()
            .set(&["preferredStrategies"], Tree::Array(vec![strategy]));
        let edit = Edit::Moved {
            from: spec.pointer(&["strategy"]),
        };
        let path = ["preferredStrategies", "0"];
        spec.record(
            &path,
            edit,
            None,
            None,
            Severity::Info,
            "a list of strategies instead of one",
        );
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::conversion::faithful::table::check;

    #[test]
    fn lease_candidates() {
        let of = |version: &str, spec: &str| {
            format!(
                r#"{{"apiVersion":"coordination.k8s.io/{version}","kind":"LeaseCandidate","spec":{spec}}}"#
            )
        };
        let table = [
            (
                "v1alpha2",
                r#"{"strategy":"A"}"#,
                "v1beta1",
                r#"{"strategy":"A"}"#,
            ),
            (
                "v1alpha1",
                r#"{"preferredStrategies":["A","B"]}"#,
                "v1beta1",
                r#"{"strategy":"A"}"#,
            ),
            ("v1alpha1", r#"{"preferredStrategies":[]}"#, "v1beta1", "{}"),
            (
                "v1alpha1",
                r#"{"preferredStrategies":7}"#,
                "v1beta1",
                r#"{"preferredStrategies":7}"#,
            ),
            (
                "v1beta1",
                r#"{"strategy":"A"}"#,
                "v1alpha1",
                r#"{"preferredStrategies":["A"]}"#,
            ),
        ];
        for (from, spec, to, expected) in table {
            check(&[(
                &of(from, spec),
                &format!("coordination.k8s.io/{to}"),
                &of(to, expected),
            )]);
        }
    }
}
