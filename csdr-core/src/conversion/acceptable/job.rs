//! Job: the selector and labels that the source's server made. Source: api-versions.md section 4; `generateSelector` and
//! `validateGeneratedSelector`.

use super::{
    Context, Mend,
    needle::{Needle, text, value},
};
use crate::{
    conversion::{draft::Node, outcome::SkipReason},
    model::Tree,
};

pub(super) static MENDS: &[Mend] = &[Mend {
    group: "batch",
    kinds: &["Job"],
    needles: &[NEEDLES],
    mend,
}];

static NEEDLES: &[Needle] = &[
    text("controller-uid\""),
    text("job-name\""),
    text("batch.kubernetes.io/"),
    value("selector", |_| true),
];

const UIDS: [&str; 2] = ["controller-uid", "batch.kubernetes.io/controller-uid"];
const NAMES: [&str; 2] = ["job-name", "batch.kubernetes.io/job-name"];
const REASON: &str = "names the Job of the source; the target's server makes its own";

fn mend(node: &mut Node<'_>, _context: &Context<'_>) -> Result<(), SkipReason> {
    if node
        .get(&["spec", "manualSelector"])
        .and_then(Tree::as_bool)
        == Some(true)
    {
        return Ok(());
    }
    let name = node
        .text(&["metadata", "name"])
        .unwrap_or_default()
        .to_owned();
    let template: &[&str] = &["spec", "template", "metadata", "labels"];
    if !node.has(&["spec", "selector"]) && !names_source(node, template, &name) {
        return Ok(());
    }
    node.remove(&["spec", "selector"], REASON);
    for place in [template, &["metadata", "labels"]] {
        node.at(place, |labels| {
            for label in UIDS.into_iter().chain(NAMES) {
                // The server writes the same label: one that is right says nothing new and is taken.
                let is_right = NAMES.contains(&label) && labels.text(&[label]) == Some(&name);
                if !is_right {
                    labels.remove(&[label], REASON);
                }
            }
        });
    }
    Ok(())
}

/// Whether labels name a Job by its uid, or one of another name.
fn names_source(node: &Node<'_>, labels: &[&str], name: &str) -> bool {
    let Some(labels) = node.get(labels) else {
        return false;
    };
    UIDS.iter().any(|label| labels.at(&[label]).is_some())
        || NAMES
            .iter()
            .filter_map(|label| labels.text_at(&[label]))
            .any(|value| value != name)
}
