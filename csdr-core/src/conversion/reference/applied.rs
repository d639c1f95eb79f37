//! `kubectl apply` keeps what was applied, in the version in which it was applied, in an annotation.

use super::{
    super::{
        draft::{Log, Node},
        outcome::{Edit, LossKind, Severity},
    },
    Sight,
    served::{Way, split, way},
    written,
};
use crate::model::{ApiVersion, Tree};

/// What becomes of kubectl's annotation `last-applied-configuration` where it holds a version that the target does not serve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LastApplied {
    /// It is converted as well. Defaults are not written into it: what stands there and not in the next manifest, the next
    /// `kubectl apply` takes away from the object.
    #[default]
    Convert,
    /// It is taken away: the next `kubectl apply` does not know which fields to take away.
    Drop,
    /// It stays as it is: tools that look for old versions will find it.
    Keep,
}

const PLACE: [&str; 3] = [
    "metadata",
    "annotations",
    "kubectl.kubernetes.io/last-applied-configuration",
];

pub(super) fn rewrite(node: &mut Node<'_>, sight: &Sight<'_>) {
    if sight.options.last_applied == LastApplied::Keep {
        return;
    }
    let (Some(text), Some(kind)) = (node.text(&PLACE), node.text(&["kind"])) else {
        return;
    };
    let Ok(mut applied) = Tree::parse(text.trim_end().as_bytes()) else {
        return;
    };
    let (Some(old), Some(applied_kind)) = (
        applied.text_at(&["apiVersion"]).map(str::to_owned),
        applied.text_at(&["kind"]),
    ) else {
        return;
    };
    let Ok(parsed) = old.parse::<ApiVersion>() else {
        return;
    };
    let best = match way(sight.target, &parsed, applied_kind) {
        Way::To(best) => best,
        // A kind that the target does not have is not restored, whatever it remembers.
        Way::Stays | Way::Gone => return,
    };
    let secret = kind == "Secret" && node.text(&["apiVersion"]).map(split) == Some(("", "v1"));
    // Best in the version of the object itself, which the next `kubectl apply` most likely uses as well.
    let own = node
        .text(&["apiVersion"])
        .and_then(|own| own.parse::<ApiVersion>().ok())
        .filter(|own| kind == applied_kind && way(sight.target, own, kind) == Way::Stays);
    let to = own.unwrap_or(best);
    if sight.options.last_applied == LastApplied::Drop {
        let before = node.tree_mut().remove(&PLACE).filter(|_| !secret);
        let reason = format!("what kubectl applied is written in {old}, as was asked for");
        node.record(&PLACE, Edit::Removed, before, None, Severity::Info, reason);
        return;
    }
    let mut log = Log::default();
    if written::convert(&mut applied, &to, &mut log).is_err() {
        node.loses(
            &PLACE,
            LossKind::Inert,
            None,
            Severity::Info,
            format!(
                "what kubectl applied is written in {old}, which the target does not serve and csdr cannot convert; `kubectl apply` still works"
            ),
        );
        return;
    }
    let mut after = applied.to_json_text();
    // kubectl ends the text with a line feed.
    if node.text(&PLACE).is_some_and(|text| text.ends_with('\n')) {
        after.push('\n');
    }
    let shown = (!secret).then(|| Tree::from(after.as_str()));
    let before = node
        .tree_mut()
        .at_mut(&PLACE)
        .map(|text| std::mem::replace(text, Tree::from(after)))
        .filter(|_| !secret);
    node.record(
        &PLACE,
        Edit::Replaced,
        before,
        shown,
        Severity::Info,
        format!("what kubectl applied, from {old} to {to}, without defaults"),
    );
    for loss in log.losses {
        let reason = format!(
            "in what kubectl applied, {}: {}",
            if loss.path.is_empty() {
                "/"
            } else {
                &loss.path
            },
            loss.reason
        );
        let value = loss.value.filter(|_| !secret);
        node.loses(&PLACE, loss.kind, value, loss.severity, reason);
    }
}
