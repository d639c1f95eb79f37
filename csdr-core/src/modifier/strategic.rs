//! Strategic merge patch: a merge patch that knows which lists have keys.
//!
//! Source: k8s.io/apimachinery `pkg/util/strategicpatch` 0.36, `StrategicMergeMapPatch`; the table is from the tags of the Go types. What
//! there depends on the random order of Go's maps (a list that is added to and deleted from in one patch) goes by the order of the patch
//! here. Directives that a server would drop as unknown fields are dropped.

mod list;
mod map;
mod table;

use super::json_patch::{PatchRefusal, RefusalKind};
use crate::model::Tree;
use std::borrow::Cow;

/// How one field is patched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Descend,
    Replace,
    Merge,
}

/// A field, how it is patched, the key of its items, and the number of its own shape: below 0 objects are merged, and lists replaced.
type Field = (&'static str, How, &'static str, u16);

/// Fields of one structure that say something about patches, or lead to one that does; sorted.
type Shape = &'static [Field];

/// One version of a built-in kind.
#[derive(Debug)]
struct Kind {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    shape: u16,
}

macro_rules! shapes {
    (kinds $($group:literal $version:literal $kind:literal $shape:literal;)*) => {
        &[$(Kind { group: $group, version: $version, kind: $kind, shape: $shape }),*]
    };
    (shapes $($($name:literal $how:ident $key:literal $shape:literal),*;)*) => {
        &[$(&[$(($name, shapes!($how), $key, $shape)),*]),*]
    };
    (descend) => { How::Descend };
    (replace) => { How::Replace };
    (merge) => { How::Merge };
}
use shapes;

impl Kind {
    /// A built-in kind; a version that is not in the table has the lists of the others.
    fn of(api_version: &str, kind: &str) -> Option<&'static Self> {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let start = table::KINDS.partition_point(|row| (row.kind, row.group) < (kind, group));
        let rows = table::KINDS.get(start..)?.iter();
        let mut rows = rows.take_while(|row| (row.kind, row.group) == (kind, group));
        let newest = rows.clone().next();
        rows.find(|row| row.version == version).or(newest)
    }
}

/// A field that the table says nothing of.
const PLAIN: Field = ("", How::Descend, "", 0);

fn field(shape: u16, key: &str) -> Field {
    let fields = usize::from(shape).checked_sub(1);
    let fields = fields.and_then(|at| table::SHAPES.get(at)).copied();
    let fields = fields.unwrap_or_default();
    let at = fields.binary_search_by(|(name, ..)| (*name).cmp(key));
    at.ok()
        .and_then(|at| fields.get(at))
        .copied()
        .unwrap_or(PLAIN)
}

/// Why a patch does not fit, and where: the path is written from its end while the way back is gone.
#[derive(Debug)]
struct Misfit {
    path: Vec<String>,
    reason: Cow<'static, str>,
}

fn misfit<T>(reason: impl Into<Cow<'static, str>>) -> Result<T, Misfit> {
    Err(Misfit {
        path: Vec::new(),
        reason: reason.into(),
    })
}

impl Misfit {
    fn below(mut self, key: impl Into<String>) -> Self {
        self.path.push(key.into());
        self
    }
}

/// Applies a patch to an object of a built-in kind. If it does not fit, the object is left half-way: work on a copy.
pub(super) fn apply(patch: &Tree, tree: &mut Tree) -> Result<(), PatchRefusal> {
    let kind = match (tree.text_at(&["apiVersion"]), tree.text_at(&["kind"])) {
        (Some(api_version), Some(kind)) => Kind::of(api_version, kind),
        _ => None,
    };
    let Some(kind) = kind else {
        return Err(PatchRefusal {
            kind: RefusalKind::NoStrategy,
            patch: 0,
            path: "/kind".to_owned(),
            reason: "strategic merge patches are for built-in kinds only; use mergePatches".into(),
        });
    };
    let (Tree::Object(object), Tree::Object(patch)) = (tree, patch) else {
        return Err(PatchRefusal::unfit("", "object and patch must be objects"));
    };
    map::merge(object, patch, kind.shape).map_err(|misfit| {
        let tokens = misfit.path.iter().rev().map(String::as_str);
        let path = super::Pointer::of(tokens).as_str().to_owned();
        PatchRefusal::unfit(path, misfit.reason)
    })
}

#[cfg(test)]
mod tests;
