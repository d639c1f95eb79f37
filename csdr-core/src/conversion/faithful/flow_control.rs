//! FlowSchema, PriorityLevelConfiguration.

use super::{Family, Gv, nothing};
use crate::{
    Result,
    conversion::{
        draft::Node,
        outcome::{LossKind, Severity},
    },
    model::{Tree, TreeMap},
};

pub(super) static FAMILIES: &[Family] = &[
    Family {
        kinds: &["FlowSchema"],
        defaults: schema_defaults,
        to_hub: nothing,
        from_hub: nothing,
    },
    Family {
        kinds: &["PriorityLevelConfiguration"],
        defaults: level_defaults,
        to_hub: level_to_hub,
        from_hub: level_from_hub,
    },
];

fn schema_defaults(node: &mut Node<'_>, _: Gv<'_>) -> Result<()> {
    node.default_zero(&["spec", "matchingPrecedence"], 1000);
    Ok(())
}

/// In v1beta3, which cannot tell 0 from absent, it says that 0 shares are meant. Source: api-versions.md section 2.10.
const ZERO_SHARES: [&str; 3] = [
    "metadata",
    "annotations",
    "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares",
];

/// What v1beta3 and v1 call `nominalConcurrencyShares`.
const ASSURED: &str = "assuredConcurrencyShares";
const NOMINAL: &str = "nominalConcurrencyShares";

fn calls_them_assured(version: &str) -> bool {
    ["v1alpha1", "v1beta1", "v1beta2"].contains(&version)
}

fn level_defaults(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    let means_zero = node.tree().at(&ZERO_SHARES).is_some();
    node.at(&["spec", "limited"], |limited| {
        match version {
            "v1beta3" if means_zero => limited.default(&[NOMINAL], 0),
            "v1beta3" => limited.default_zero(&[NOMINAL], 30),
            "v1" => limited.default(&[NOMINAL], 30),
            _ => limited.default_zero(&[ASSURED], 30),
        }
        limited.default(&["lendablePercent"], 0);
        limited.at(&["limitResponse", "queuing"], |queuing| {
            queuing.default_zero(&["handSize"], 8);
            queuing.default_zero(&["queues"], 64);
            queuing.default_zero(&["queueLengthLimit"], 50);
        });
    });
    node.at(&["spec", "exempt"], |exempt| {
        exempt.default(&[NOMINAL], 0);
        exempt.default(&["lendablePercent"], 0);
    });
    Ok(())
}

fn level_to_hub(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    if calls_them_assured(version) {
        node.at(&["spec", "limited"], |limited| {
            limited.rename(&[ASSURED], &[NOMINAL])
        });
        return Ok(());
    }
    if node.has(&["spec", "limited", ASSURED]) {
        let path = ["spec", "limited", ASSURED];
        let reason =
            "an older version's name of nominalConcurrencyShares, which a server ignores here";
        node.warn(&path, LossKind::UnknownField, Severity::Info, reason);
    }
    if version == "v1beta3" {
        let reason = "v1 tells 0 shares from the default without it";
        let annotations = &["metadata", "annotations"];
        if node.remove(&ZERO_SHARES, reason).is_some()
            && node
                .get(annotations)
                .and_then(Tree::as_object)
                .is_some_and(TreeMap::is_empty)
        {
            node.tree_mut().remove(annotations);
        }
    }
    Ok(())
}

fn level_from_hub(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    let zero = node.at(&["spec", "limited"], |limited| {
        limited.tree().as_object().is_some() && limited.is_zero(&[NOMINAL])
    });
    let zero = zero == Some(true);
    if version == "v1beta3" && zero && node.tree().at(&ZERO_SHARES).is_none() {
        let reason = "0 shares are meant, and v1beta3 takes 0 for absent without it";
        node.set(&ZERO_SHARES, "", reason);
    }
    if calls_them_assured(version) {
        node.at(&["spec", "limited"], |limited| {
            limited.rename(&[NOMINAL], &[ASSURED]);
            if zero {
                let reason =
                    "a server takes 0 for absent in this version: the level gets 30 shares";
                limited.warn(&[ASSURED], LossKind::Meaning, Severity::Warning, reason);
            }
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::conversion::faithful::table::check;

    const GROUP: &str = "flowcontrol.apiserver.k8s.io";

    fn level(version: &str, spec: &str) -> String {
        format!(
            r#"{{"apiVersion":"{GROUP}/{version}","kind":"PriorityLevelConfiguration","spec":{spec}}}"#
        )
    }

    fn annotated(version: &str, spec: &str) -> String {
        let annotations = r#""metadata":{"annotations":{"flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares":""}}"#;
        level(version, spec).replace("\"spec\"", &format!("{annotations},\"spec\""))
    }

    #[test]
    fn shares_in_every_pair_of_versions() {
        let versions = ["v1alpha1", "v1beta1", "v1beta2", "v1beta3", "v1"];
        let name = |version: &str| {
            if version < "v1beta3" && version != "v1" {
                "assured"
            } else {
                "nominal"
            }
        };
        for from in versions {
            for to in versions.into_iter().filter(|to| *to != from) {
                let of = |version: &str| {
                    let name = name(version);
                    level(
                        version,
                        &format!(
                            r#"{{"limited":{{"{name}ConcurrencyShares":7,"lendablePercent":1}}}}"#
                        ),
                    )
                };
                check(&[(&of(from), &format!("{GROUP}/{to}"), &of(to))]);
            }
        }
    }

    #[test]
    fn defaults_of_a_level() {
        let table = [
            (
                "v1beta1",
                r#"{"limited":{}}"#,
                r#"{"limited":{"lendablePercent":0,"nominalConcurrencyShares":30}}"#,
            ),
            (
                "v1beta2",
                r#"{"limited":{"assuredConcurrencyShares":0}}"#,
                r#"{"limited":{"lendablePercent":0,"nominalConcurrencyShares":30}}"#,
            ),
            (
                "v1beta3",
                r#"{"limited":{"nominalConcurrencyShares":0,"assuredConcurrencyShares":5}}"#,
                r#"{"limited":{"nominalConcurrencyShares":30,"lendablePercent":0,"assuredConcurrencyShares":5}}"#,
            ),
            (
                "v1beta1",
                r#"{"limited":{"limitResponse":{"queuing":{"queues":0,"handSize":3}}}}"#,
                r#"{"limited":{"limitResponse":{"queuing":{"queues":64,"handSize":3,"queueLengthLimit":50}},
                    "lendablePercent":0,"nominalConcurrencyShares":30}}"#,
            ),
            (
                "v1beta3",
                r#"{"exempt":{}}"#,
                r#"{"exempt":{"nominalConcurrencyShares":0,"lendablePercent":0}}"#,
            ),
            ("v1beta3", r#"{"type":"Exempt"}"#, r#"{"type":"Exempt"}"#),
            ("v1beta3", r#"{"limited":"odd"}"#, r#"{"limited":"odd"}"#),
        ];
        for (from, spec, expected) in table {
            check(&[(
                &level(from, spec),
                &format!("{GROUP}/v1"),
                &level("v1", expected),
            )]);
        }
    }

    #[test]
    fn zero_shares_are_annotated_in_v1beta3_only() {
        let zero = r#"{"limited":{"nominalConcurrencyShares":0,"lendablePercent":0}}"#;
        let bare = level("v1", zero).replace("\"spec\"", "\"metadata\":{},\"spec\"");
        check(&[
            (&annotated("v1beta3", zero), &format!("{GROUP}/v1"), &bare),
            (
                &bare,
                &format!("{GROUP}/v1beta3"),
                &annotated("v1beta3", zero),
            ),
            (
                &level("v1", zero),
                &format!("{GROUP}/v1beta2"),
                &level(
                    "v1beta2",
                    r#"{"limited":{"assuredConcurrencyShares":0,"lendablePercent":0}}"#,
                ),
            ),
        ]);
    }

    #[test]
    fn precedence_of_a_schema() {
        let of = |version: &str, rest: &str| {
            format!(r#"{{"apiVersion":"{GROUP}/{version}","kind":"FlowSchema"{rest}}}"#)
        };
        let table = [
            ("", r#","spec":{"matchingPrecedence":1000}"#),
            (
                r#","spec":{"matchingPrecedence":0}"#,
                r#","spec":{"matchingPrecedence":1000}"#,
            ),
            (
                r#","spec":{"matchingPrecedence":7}"#,
                r#","spec":{"matchingPrecedence":7}"#,
            ),
        ];
        for (spec, expected) in table {
            for (from, to) in [
                ("v1alpha1", "v1"),
                ("v1beta2", "v1beta3"),
                ("v1", "v1beta1"),
            ] {
                check(&[(&of(from, spec), &format!("{GROUP}/{to}"), &of(to, expected))]);
            }
        }
    }
}
