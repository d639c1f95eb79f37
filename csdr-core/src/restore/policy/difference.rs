//! What of the backup's object does not stand in the target's, and the merge patch that writes it there.

use super::owner::Owners;
use crate::model::{Tree, TreeMap};
use std::fmt;

/// What `kubectl apply` wrote last. Source: `kubectl.kubernetes.io/last-applied-configuration`.
const LAST_APPLIED: [&str; 3] = [
    "metadata",
    "annotations",
    "kubectl.kubernetes.io/last-applied-configuration",
];

/// Members of the root that are no content, or are looked at on their own.
const APART: [&str; 4] = ["apiVersion", "kind", "metadata", "status"];

/// Pointers that a person is shown.
const SHOWN: usize = 5;

/// Where two objects differ.
#[derive(Debug)]
pub(in crate::restore) struct Difference {
    /// A JSON merge patch for the target's object.
    pub(in crate::restore) patch: Tree,
    /// JSON pointers of the first differing fields.
    paths: Vec<String>,
    /// How many differ.
    total: usize,
}

/// `differs at /spec/replicas, /data/a and 3 more`: places, never values.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "differs at {}", self.paths.join(", "))?;
        match self.total - self.paths.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// What has to be written into `live` so that everything of `wanted` stands in it; `None` if it does. `live` comes without
/// `managedFields`; `owners` says whose its fields are: what is only the cluster's controllers' is no difference.
///
/// Compared are the content, labels, annotations and finalizers; not the status, and not what the server owns. What only `live` has is no
/// difference: defaults and others' fields.
pub(super) fn difference(
    wanted: &Tree,
    live: &Tree,
    owners: Option<&Owners>,
) -> Option<Difference> {
    let (Some(want), Some(own)) = (wanted.as_object(), live.as_object()) else {
        return None;
    };
    let applied = |object: &Tree| Tree::parse(object.text_at(&LAST_APPLIED)?.as_bytes()).ok();
    // Where only one of them was applied by a person, nothing is known about what was added between.
    let base = applied(wanted).and(applied(live));
    let mut walk = Walk {
        owners,
        path: Vec::new(),
        paths: Vec::new(),
        total: 0,
    };
    let mut patch = walk.map(want, own, base.as_ref());
    for map in ["labels", "annotations"] {
        let path = ["metadata", map];
        let empty = TreeMap::default();
        let at = |tree: &'_ Tree| tree.at(&path).and_then(Tree::as_object).cloned();
        let (want, own) = (at(wanted).unwrap_or_default(), at(live).unwrap_or(empty));
        walk.path = path.map(str::to_owned).to_vec();
        let below = walk.map(&want, &own, base.as_ref().and_then(|base| base.at(&path)));
        walk.path.clear();
        if !below.is_empty() {
            set(&mut patch, &path, Tree::Object(below));
        }
    }
    if let Some(finalizers) = walk.finalizers(wanted, live) {
        set(&mut patch, &["metadata", "finalizers"], finalizers);
    }
    (!patch.is_empty()).then_some(Difference {
        patch: Tree::Object(patch),
        paths: walk.paths,
        total: walk.total,
    })
}

fn set(patch: &mut TreeMap, path: &[&str], value: Tree) {
    let mut tree = Tree::Object(std::mem::take(patch));
    tree.set(path, value);
    if let Tree::Object(map) = tree {
        *patch = map;
    }
}

struct Walk<'a> {
    owners: Option<&'a Owners>,
    path: Vec<String>,
    paths: Vec<String>,
    total: usize,
}

impl Walk<'_> {
    /// The patch of one map.
    fn map(&mut self, wanted: &TreeMap, live: &TreeMap, base: Option<&Tree>) -> TreeMap {
        let mut patch = TreeMap::default();
        let is_root = self.path.is_empty();
        for (key, want) in wanted {
            if want.is_null() || (is_root && APART.contains(&key)) {
                continue;
            }
            self.path.push(key.to_owned());
            let own = live.get(key).filter(|own| !own.is_null());
            let written = match (want, own) {
                (Tree::Object(want), Some(Tree::Object(own))) => {
                    let base = base.and_then(|base| base.at(&[key]));
                    let below = self.map(want, own, base);
                    (!below.is_empty()).then_some(Tree::Object(below))
                }
                // The server writes no empty ones.
                (Tree::Object(want), None) if want.is_empty() => None,
                (Tree::Array(want), None) if want.is_empty() => None,
                (want, Some(own)) if covers(own, want) => None,
                (want, _) => self.differs().then(|| want.clone()),
            };
            self.path.pop();
            if let Some(written) = written {
                patch.insert(key.to_owned(), written);
            }
        }
        let member = |map: &TreeMap| map.get("type").and_then(Tree::as_str).map(str::to_owned);
        // Source: unions of the API (a Deployment's strategy, a metric): beside another type its old member is refused.
        let of_other_type = !is_root
            && self.path.first().is_some_and(|first| first != "metadata")
            && patch.contains_key("type")
            && member(live).is_some();
        let based = |key: &str| base.is_some_and(|base| base.at(&[key]).is_some());
        for (key, own) in live {
            let wanted = wanted.get(key).is_some_and(|want| !want.is_null());
            let apart = is_root && APART.contains(&key);
            let goes = based(key) || (of_other_type && own.as_object().is_some());
            if wanted || own.is_null() || apart || !goes {
                continue;
            }
            self.path.push(key.to_owned());
            if self.differs() {
                patch.insert(key.to_owned(), Tree::Null);
            }
            self.path.pop();
        }
        patch
    }

    /// The target's finalizers and those of the backup's that it lacks.
    fn finalizers(&mut self, wanted: &Tree, live: &Tree) -> Option<Tree> {
        let of = |tree: &Tree| -> Vec<Tree> {
            let list = tree
                .at(&["metadata", "finalizers"])
                .and_then(Tree::as_array);
            list.unwrap_or_default().to_vec()
        };
        let mut all = of(live);
        let lacks: Vec<Tree> = of(wanted)
            .into_iter()
            .filter(|one| !all.contains(one))
            .collect();
        if lacks.is_empty() {
            return None;
        }
        self.path = ["metadata", "finalizers"].map(str::to_owned).to_vec();
        let differs = self.differs();
        self.path.clear();
        all.extend(lacks);
        differs.then(|| all.into())
    }

    /// Notes the field where the walk stands, unless only the cluster's controllers own it.
    fn differs(&mut self) -> bool {
        let keys: Vec<&str> = self.path.iter().map(String::as_str).collect();
        if self
            .owners
            .is_some_and(|owners| owners.is_controllers(&keys))
        {
            return false;
        }
        self.total += 1;
        if self.paths.len() < SHOWN {
            let escaped = keys
                .iter()
                .map(|key| key.replace('~', "~0").replace('/', "~1"));
            self.paths
                .push(escaped.fold(String::new(), |text, key| text + "/" + &key));
        }
        true
    }
}

/// Whether everything of `want` stands in `live`. Lists are compared item by item in their order.
fn covers(live: &Tree, want: &Tree) -> bool {
    match (live, want) {
        (Tree::Object(live), Tree::Object(want)) => want.iter().all(|(key, want)| {
            want.is_null() || live.get(key).is_some_and(|live| covers(live, want))
        }),
        (Tree::Array(live), Tree::Array(want)) => {
            live.len() == want.len() && live.iter().zip(want).all(|(live, want)| covers(live, want))
        }
        (Tree::Number(live), Tree::Number(want)) => {
            // Two integers are as their texts are; `1.0` and `1e0` are one number.
            let whole = |text: &str| !text.contains(['.', 'e', 'E']);
            let number = |text: &str| text.parse::<f64>().ok();
            let (live, want) = (live.as_str(), want.as_str());
            live == want || (!(whole(live) && whole(want)) && number(live) == number(want))
        }
        (live, want) => live == want,
    }
}
