//! FlowSchema and PriorityLevelConfiguration. Source: api-versions.md section 3.10; `ValidateFlowSchema`,
//! `ValidatePriorityLevelConfiguration`.

use super::{
    Context, Mend,
    needle::{self, Needle, text, value},
    refuse,
};
use crate::{
    conversion::{
        draft::Node,
        outcome::{Edit, Severity, SkipReason},
    },
    model::Tree,
};

const GROUP: &str = "flowcontrol.apiserver.k8s.io";
const AUTO_UPDATE: &str = "apf.kubernetes.io/autoupdate-spec";
const ZERO_SHARES: &str = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares";

pub(super) static MENDS: &[Mend] = &[
    Mend {
        group: GROUP,
        kinds: &["FlowSchema"],
        needles: &[SCHEMA_NEEDLES],
        mend: mend_schema,
    },
    Mend {
        group: GROUP,
        kinds: &["PriorityLevelConfiguration"],
        needles: &[LEVEL_NEEDLES],
        mend: mend_level,
    },
];

static SCHEMA_NEEDLES: &[Needle] = &[
    text("apf.kubernetes.io/autoupdate-spec\""),
    value("name", is_mandatory_text),
    value("matchingPrecedence", |value| {
        matches!(needle::extent(value), b"1")
    }),
];

static LEVEL_NEEDLES: &[Needle] = &[
    text("apf.kubernetes.io/autoupdate-spec\""),
    text("flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares\""),
    value("name", is_mandatory_text),
    value("type", |value| value.starts_with(b"\"Exempt\"")),
];

fn is_mandatory_text(value: &[u8]) -> bool {
    value.starts_with(b"\"exempt\"") || value.starts_with(b"\"catch-all\"")
}

/// Objects that the server writes itself, over what anybody else writes.
fn check_owner(node: &Node<'_>) -> Result<(), SkipReason> {
    let mandatory = matches!(
        node.text(&["metadata", "name"]),
        Some("exempt" | "catch-all")
    );
    if mandatory || node.text(&["metadata", "annotations", AUTO_UPDATE]) == Some("true") {
        return Err(SkipReason::MadeByCluster {
            advice: "the API server makes it and keeps it as its release has it; annotate it apf.kubernetes.io/autoupdate-spec: \
                     \"false\" if it is yours"
                .into(),
        });
    }
    Ok(())
}

fn mend_schema(node: &mut Node<'_>, _context: &Context<'_>) -> Result<(), SkipReason> {
    check_owner(node)?;
    let path = ["spec", "matchingPrecedence"];
    if node.get(&path).and_then(Tree::as_i64) == Some(1) {
        let before = node.get(&path).cloned();
        node.record(
            &path,
            Edit::Replaced,
            before,
            Some(2.into()),
            Severity::Warning,
            "only the schema `exempt` has the first place; this is the next one",
        );
        node.tree_mut().set(&path, 2.into());
    }
    if node
        .text(&["spec", "priorityLevelConfiguration", "name"])
        .is_none_or(str::is_empty)
    {
        return Err(refuse(
            node,
            &["spec", "priorityLevelConfiguration", "name"],
            "a schema must name the priority level of its requests; write one",
        ));
    }
    Ok(())
}

fn mend_level(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    check_owner(node)?;
    if context.api_version.version() == "v1" {
        node.remove(
            &["metadata", "annotations", ZERO_SHARES],
            "v1 says zero shares in the field, and refuses the annotation",
        );
    }
    if node.text(&["spec", "type"]) == Some("Exempt") {
        return Err(refuse(
            node,
            &["spec", "type"],
            "only the level `exempt`, which every cluster makes, is exempt; let its schemas name that one, or write a level of type \
             Limited",
        ));
    }
    Ok(())
}
