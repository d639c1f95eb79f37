//! ServiceAccounts: both sides' are put together. Source: Velero's `merge_service_account.go` (velero.md section 3.5).

use crate::model::{Tree, TreeMap};

/// Lists of references by name.
const LISTS: [&str; 2] = ["secrets", "imagePullSecrets"];

/// The merge patch that adds to `live` what it lacks: Secrets and image pull Secrets by name, labels and annotations whose key it does
/// not have. `None` if it lacks nothing.
pub(super) fn merge(wanted: &Tree, live: &Tree) -> Option<Tree> {
    let mut patch = Tree::object();
    for list in LISTS {
        let own = items(live, list);
        let has = |item: &Tree| {
            own.iter()
                .any(|own| own.text_at(&["name"]) == item.text_at(&["name"]))
        };
        let lacks: Vec<Tree> = items(wanted, list)
            .iter()
            .filter(|item| !has(item))
            .cloned()
            .collect();
        if !lacks.is_empty() {
            let whole: Vec<Tree> = own.iter().cloned().chain(lacks).collect();
            patch.set(&[list], whole.into());
        }
    }
    for map in ["labels", "annotations"] {
        let path = ["metadata", map];
        let own = live.texts_at(&path);
        let mut lacks = wanted.texts_at(&path);
        lacks.retain(|key, _| !own.contains_key(key));
        if !lacks.is_empty() {
            let lacks: TreeMap = lacks
                .into_iter()
                .map(|(key, text)| (key, text.into()))
                .collect();
            patch.set(&path, Tree::Object(lacks));
        }
    }
    let is_empty = patch.as_object().is_none_or(TreeMap::is_empty);
    (!is_empty).then_some(patch)
}

fn items<'a>(account: &'a Tree, list: &str) -> &'a [Tree] {
    account
        .at(&[list])
        .and_then(Tree::as_array)
        .unwrap_or_default()
}
