//! RuntimeClass.

use super::{Family, Gv, nothing};
use crate::{
    Result,
    conversion::{
        draft::Node,
        outcome::{LossKind, Severity},
    },
};

pub(super) static FAMILIES: &[Family] = &[Family {
    kinds: &["RuntimeClass"],
    defaults: nothing,
    to_hub,
    from_hub,
}];

/// A path of v1alpha1 and of v1beta1 and v1. Source: api-versions.md section 2.10.
const FIELDS: [(&[&str], &[&str]); 3] = [
    (&["spec", "runtimeHandler"], &["handler"]),
    (&["spec", "overhead"], &["overhead"]),
    (&["spec", "scheduling"], &["scheduling"]),
];

fn to_hub(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    if version != "v1alpha1" {
        return Ok(());
    }
    for (alpha, stable) in FIELDS {
        node.rename(alpha, stable);
    }
    let left = node.get(&["spec"]).and_then(|spec| spec.as_object());
    match left.map(|spec| spec.values().all(|value| value.is_null())) {
        None => {}
        // Nothing is lost with an object that holds nothing any more.
        Some(true) => drop(node.tree_mut().remove(&["spec"])),
        Some(false) => {
            let reason = "no version has such a field";
            node.warn(&["spec"], LossKind::UnknownField, Severity::Info, reason);
        }
    }
    Ok(())
}

fn from_hub(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    if version == "v1alpha1" {
        for (alpha, stable) in FIELDS {
            node.rename(stable, alpha);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::conversion::faithful::table::check;

    #[test]
    fn runtime_classes() {
        let of = |version: &str, rest: &str| {
            format!(r#"{{"apiVersion":"node.k8s.io/{version}","kind":"RuntimeClass"{rest}}}"#)
        };
        let alpha =
            r#","spec":{"runtimeHandler":"h","overhead":{"podFixed":{"cpu":1}},"scheduling":{}}"#;
        let stable = r#","handler":"h","overhead":{"podFixed":{"cpu":1}},"scheduling":{}"#;
        let table = [
            ("v1alpha1", alpha, "v1", stable),
            ("v1alpha1", alpha, "v1beta1", stable),
            ("v1", stable, "v1alpha1", alpha),
            ("v1beta1", stable, "v1", stable),
            (
                "v1alpha1",
                r#","spec":{"runtimeHandler":"h","x":1}"#,
                "v1",
                r#","handler":"h","spec":{"x":1}"#,
            ),
            ("v1alpha1", r#","spec":7"#, "v1", r#","spec":7"#),
            (
                "v1alpha1",
                r#","handler":"unknown","spec":{"runtimeHandler":"h"}"#,
                "v1",
                r#","handler":"h""#,
            ),
        ];
        for (from, object, to, expected) in table {
            check(&[(
                &of(from, object),
                &format!("node.k8s.io/{to}"),
                &of(to, expected),
            )]);
        }
    }
}
