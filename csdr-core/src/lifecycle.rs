//! Which API versions Kubernetes had, has and will drop: 1.8 to 1.37, as far as objects of it can meet a cluster of 1.16 to 1.36.
//!
//! ```
//! use csdr_core::{lifecycle, model::GroupVersionKind};
//! let kind = GroupVersionKind { api_version: "extensions/v1beta1".parse()?, kind: "Ingress".into() };
//! let row = lifecycle::lookup(&kind).expect("built in");
//! assert_eq!((row.deprecated, row.removed), (Some(14), Some(22)));
//! assert_eq!(row.replacement, Some(("networking.k8s.io", "v1")));
//! let family: Vec<String> = lifecycle::family(row).map(ToString::to_string).collect();
//! assert_eq!(family, ["networking.k8s.io/v1 Ingress", "networking.k8s.io/v1beta1 Ingress", "extensions/v1beta1 Ingress"]);
//! assert!(lifecycle::served_in(1, 22).all(|row| row.kind != "PodSecurityPolicy" || row.group == "policy"));
//! # Ok::<(), csdr_core::Error>(())
//! ```

mod object;
mod report;
mod table;

use crate::model::{GroupVersionKind, KeyHashing, compare_versions};
use std::{cmp::Ordering, collections::HashMap, fmt, sync::LazyLock};

pub use object::{ObjectLimits, ObjectRemark, ObjectRemarks, report_objects};
pub use report::{CompatibilityReport, CompatibilityRow, KindCount, Verdict, judge, report};

/// The oldest minor of Kubernetes 1 that csdr knows as a target.
pub const OLDEST: u32 = 16;
/// The newest minor of Kubernetes 1 that csdr knows as a target.
pub const NEWEST: u32 = 36;

/// The life of one kind in one API version. Minors are those of Kubernetes 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    /// The group; `""` for core.
    pub group: &'static str,
    /// The version without its group.
    pub version: &'static str,
    /// The kind, in CamelCase.
    pub kind: &'static str,
    /// The plural name.
    pub plural: &'static str,
    /// Whether its objects live in namespaces; `None` for what is no resource of its own (`Scale`, `TokenRequest`).
    pub namespaced: Option<bool>,
    /// Whether a server stores objects of it; the others are requests and computed views.
    pub stored: bool,
    /// Whether it is served without being switched on.
    pub default_on: bool,
    /// The first minor that has it.
    pub introduced: u32,
    /// The first minor in which it is deprecated.
    pub deprecated: Option<u32>,
    /// The first minor that has it no more; after [`NEWEST`] a plan.
    pub removed: Option<u32>,
    /// Group and version that took its place.
    pub replacement: Option<(&'static str, &'static str)>,
    /// Versions of one kind with the same number can be converted into each other.
    family: u8,
}

impl Lifecycle {
    /// Whether release 1.`minor` has it, switched on or not.
    pub fn exists_in(&self, minor: u32) -> bool {
        self.introduced <= minor && !self.removed_in(minor)
    }

    /// Whether release 1.`minor` serves it without being told to.
    pub fn served_in(&self, minor: u32) -> bool {
        self.default_on && self.exists_in(minor)
    }

    /// Whether it is deprecated in release 1.`minor`.
    pub fn deprecated_in(&self, minor: u32) -> bool {
        self.deprecated.is_some_and(|since| since <= minor)
    }

    /// Whether release 1.`minor` has it no more.
    pub fn removed_in(&self, minor: u32) -> bool {
        self.removed.is_some_and(|since| since <= minor)
    }

    /// `apiVersion` of its objects.
    pub fn api_version(&self) -> String {
        match self.group {
            "" => self.version.to_owned(),
            group => format!("{group}/{}", self.version),
        }
    }
}

impl fmt::Display for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.api_version(), self.kind)
    }
}

/// Every row, sorted by (kind, group, version).
pub fn rows() -> &'static [Lifecycle] {
    table::ROWS
}

/// The rows by their kind: each object is looked up.
static OF_KIND: LazyLock<HashMap<&'static str, &'static [Lifecycle], KeyHashing>> =
    LazyLock::new(|| {
        let kinds = rows().chunk_by(|one, next| one.kind == next.kind);
        kinds
            .filter_map(|rows| Some((rows.first()?.kind, rows)))
            .collect()
    });

/// Every version of a kind, of whatever group.
pub(crate) fn of_kind(kind: &str) -> &'static [Lifecycle] {
    OF_KIND.get(kind).copied().unwrap_or_default()
}

/// The row of a kind in a version.
pub fn lookup(kind: &GroupVersionKind) -> Option<&'static Lifecycle> {
    row(
        kind.api_version.group(),
        kind.api_version.version(),
        &kind.kind,
    )
}

/// As [`lookup`], from the parts.
pub fn row(group: &str, version: &str, kind: &str) -> Option<&'static Lifecycle> {
    of_kind(kind)
        .iter()
        .find(|row| row.group == group && row.version == version)
}

/// What a release of Kubernetes serves by default, sorted by (kind, group, version); nothing for a major other than 1.
pub fn served_in(major: u32, minor: u32) -> impl Iterator<Item = &'static Lifecycle> {
    rows()
        .iter()
        .filter(move |row| major == 1 && row.served_in(minor))
}

/// Every version that can hold a kind, its moves between groups among them, the best one first: stable before beta before alpha,
/// newest first, the group that it moved to before the one that it left. Versions that nothing converts are among them too.
///
/// Source: api-versions.md section 1.6.
pub fn versions_of(group: &str, kind: &str) -> Vec<&'static Lifecycle> {
    let rows = best_first(kind);
    let own = |family| {
        rows.iter()
            .any(|row| row.group == group && row.family == family)
    };
    rows.iter().copied().filter(|row| own(row.family)).collect()
}

/// The versions into which an object of this one can be made, itself among them; the best one first, as [`versions_of`].
pub fn family(of: &Lifecycle) -> impl Iterator<Item = &'static Lifecycle> + use<> {
    let family = of.family;
    let rows = best_first(of.kind).iter().copied();
    rows.filter(move |row| row.family == family)
}

/// The rows of each kind, of whatever group and family, the best one first.
static BEST_FIRST: LazyLock<HashMap<&'static str, Vec<&'static Lifecycle>, KeyHashing>> =
    LazyLock::new(|| {
        let mut kinds: HashMap<_, Vec<_>, _> = HashMap::default();
        for row in rows() {
            kinds.entry(row.kind).or_default().push(row);
        }
        for rows in kinds.values_mut() {
            rows.sort_by(|one, other| better_first(one, other));
        }
        kinds
    });

fn best_first(kind: &str) -> &'static [&'static Lifecycle] {
    BEST_FIRST.get(kind).map(Vec::as_slice).unwrap_or_default()
}

/// Whether Kubernetes itself brings the group.
pub fn is_builtin_group(group: &str) -> bool {
    rows().iter().any(|row| row.group == group)
}

fn better_first(one: &Lifecycle, other: &Lifecycle) -> Ordering {
    // A HorizontalPodAutoscaler in v1 hides most of itself in annotations. Source: api-versions.md section 1.5.
    let hides = |row: &Lifecycle| (row.group, row.version) == ("autoscaling", "v1");
    hides(one)
        .cmp(&hides(other))
        .then_with(|| compare_versions(other.version, one.version))
        .then_with(|| (one.group == "extensions").cmp(&(other.group == "extensions")))
        .then_with(|| one.group.cmp(other.group))
}

/// The order in which a server prefers versions of a group: the preferred one first.
///
/// Source: the priorities of the aggregator, api-versions.md section 1.5. Only those of `autoscaling` are in another order than the
/// versions themselves: v1 comes before every version but v2.
pub fn compare_preferred(group: &str, one: &str, other: &str) -> Ordering {
    let priority = |version| match version {
        "v2" => 4,
        "v1" => 3,
        "v2beta1" => 2,
        "v2beta2" => 1,
        _ => 0,
    };
    let known = match group {
        "autoscaling" => priority(other).cmp(&priority(one)),
        _ => Ordering::Equal,
    };
    known.then_with(|| compare_versions(other, one))
}

macro_rules! lifecycles {
    ($($group:literal $version:literal $kind:literal $plural:literal $scope:tt $stored:tt $on:tt $family:literal
        $introduced:literal $deprecated:tt $removed:tt $replacement:tt;)*) => {
        &[$(Lifecycle {
            group: $group,
            version: $version,
            kind: $kind,
            plural: $plural,
            namespaced: lifecycles!(@scope $scope),
            stored: lifecycles!(@flag $stored),
            default_on: lifecycles!(@flag $on),
            introduced: $introduced,
            deprecated: lifecycles!(@some $deprecated),
            removed: lifecycles!(@some $removed),
            replacement: lifecycles!(@some $replacement),
            family: $family,
        }),*]
    };
    (@scope namespaced) => { Some(true) };
    (@scope cluster) => { Some(false) };
    (@scope -) => { None };
    (@flag -) => { false };
    (@flag $yes:ident) => { true };
    (@some -) => { None };
    (@some $value:tt) => { Some($value) };
}
use lifecycles;

#[cfg(test)]
mod tests;
