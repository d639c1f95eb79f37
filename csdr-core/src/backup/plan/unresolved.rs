//! Names of the spec that mean nothing in the source.

use super::planner::{Planner, api_of};
use crate::select::{LeftOut, LeftOutReason, closest};
use std::collections::BTreeSet;

/// ` ; did you mean …?`, or nothing.
pub(super) fn did_you_mean(near: Option<&str>) -> String {
    near.map(|name| format!("; did you mean {name}?"))
        .unwrap_or_default()
}

impl Planner<'_> {
    /// Warns of every resource that is named and not served; it is a gap if a part of the API that was not discovered may hold it.
    pub(super) fn resolve_resources(&mut self) {
        let masks = self.masks.resources().map(|name| (name, true));
        let ordered = self.spec.ordered_resources.keys();
        let ordered = ordered.map(|name| (name.as_str(), true));
        let named = self.selection.named_kinds().chain(masks).chain(ordered);
        let named: BTreeSet<(&str, bool)> = named.filter(|(name, _)| *name != "*").collect();
        let mut seen = BTreeSet::new();
        for (name, included) in named.into_iter().rev() {
            if !self.discovery.resolve(name).is_empty() || !seen.insert(name) {
                continue;
            }
            let gap = self.discovery.gaps.iter().find(|gap| gap.may_hide(name));
            match gap.filter(|_| included) {
                Some(gap) => {
                    let detail = format!("{} may hold it: {}", api_of(gap), gap.reason);
                    let left = LeftOut::rule(name, LeftOutReason::Undiscovered, detail);
                    self.left_out.push(left.with_named(true));
                }
                None => {
                    let spellings: BTreeSet<String> = self
                        .discovery
                        .resources
                        .iter()
                        .flat_map(|resource| resource.spellings())
                        .collect();
                    let near = closest(name, spellings.iter().map(String::as_str));
                    self.warnings.push(format!(
                        "resource {name} is named, but the source does not serve it{}",
                        did_you_mean(near)
                    ));
                }
            }
        }
        self.warnings.sort();
    }
}
