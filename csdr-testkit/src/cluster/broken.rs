//! Adapters that break one rule each: they prove that the suites see it.

mod read;
mod write;

use super::{Adapters, ClusterFixture, MemoryFixture, Promises};
use async_trait::async_trait;
use csdr_core::{
    Result,
    memory::MemoryCluster,
    model::{Discovery, Object},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

macro_rules! defects {
    ($($group:ident, $about:literal: $($(#[$doc:meta])* $defect:ident => $rule:ident,)+;)+) => {
        /// A way to break a contract of the cluster's ports.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Defect {
            $($($(#[$doc])* $defect,)+)+
        }

        impl Defect {
            $(
                #[doc = $about]
                pub const $group: &[Self] = &[$(Self::$defect,)+];
            )+

            /// The one rule of the [suite](super::conformance) that fails.
            pub fn rule(self) -> &'static str {
                match self {
                    $($(Self::$defect => stringify!($rule),)+)+
                }
            }
        }
    };
}

defects! {
    READ, "Defects of what is read: they fail in the suites of collectors and of targets.":
        /// Rows come in the reverse order.
        UnsortedDiscovery => discovery_is_sorted_and_whole,
        /// Only the preferred version of each kind is told.
        OnlyPreferred => discovery_has_every_version,
        /// Names with a dot are left out.
        SkipsDottedNames => list_is_complete,
        /// Short names come first.
        ByLength => list_is_in_order,
        /// A namespace takes in those whose name begins alike.
        NamespaceByPrefix => list_keeps_to_its_namespace,
        /// Over all namespaces, objects are ordered by name first.
        NameFirst => list_of_all_namespaces_is_in_order,
        /// Only the equalities of a selector count.
        IgnoresExpressions => list_keeps_to_its_selector,
        /// Lists answer in the stored version.
        StoredVersion => reads_answer_in_the_asked_version,
        /// Everything comes in one page.
        OnePage => pages_keep_to_their_size,
        /// Behind a token the last object comes again.
        RepeatsTheLast => tokens_go_on_where_the_page_ended,
        /// An expired token is an error.
        FailsWhenExpired => expired_tokens_go_on_and_say_so,
        /// What is not served is empty.
        EmptyWhenUnserved => what_is_not_served_is_not_found,
        /// A second error follows the first.
        GoesOnAfterErrors => an_error_ends_the_list,
        /// The list of a missing namespace is an error.
        MissingNamespaceIsAnError => a_missing_namespace_lists_nothing,
        /// Cluster-scoped objects are left out.
        HidesClusterScoped => cluster_scoped_objects_have_no_namespace,
        /// `get` leaves the labels out.
        GetDropsLabels => get_and_list_agree,
        /// `get` of a missing object is an error.
        MissingIsAnError => a_missing_object_is_none,
        /// What may not be read is empty.
        ForbiddenIsEmpty => without_rights_a_list_is_permission_denied,
    ;
    TARGET, "Further defects of a target.":
        /// The first discovery is kept.
        CachesDiscovery => discover_asks_anew,
        /// `can_i` is always yes.
        AlwaysAllowed => can_i_answers_for_the_writer,
        /// The second object that stands is told as deleted.
        SecondIsDeleted => watch_begins_with_what_stands,
        /// Deletions are told as changes.
        DeletedIsApplied => watch_shows_changes,
        /// A watch of one name is one of all.
        IgnoresTheName => watch_keeps_to_its_name,
        /// An expired watch ends as if nothing were.
        EndsSilently => an_expired_watch_says_so,
    ;
    APPLIER, "Defects of an applier.":
        /// `create` answers what it was asked.
        AnswersTheRequest => create_answers_what_is_stored,
        /// `create` replaces what stands.
        CreateReplaces => create_keeps_the_existing,
        /// `create` passes no field manager on.
        ForgetsTheManager => create_records_its_field_manager,
        /// `create` makes a missing namespace.
        MakesNamespaces => create_in_a_missing_namespace_is_not_found,
        /// A terminating namespace is a lack of rights.
        TerminatingIsForbidden => create_in_a_terminating_namespace_is_a_conflict,
        /// Refused content is an unexpected error.
        InvalidIsUnexpected => refused_content_is_invalid_input,
        /// An unknown kind is unsupported.
        UnknownIsUnsupported => an_unknown_kind_is_not_found,
        /// `delete` ignores `dry_run`.
        DeletesDry => dry_runs_store_nothing,
        /// `replace` merges.
        ReplaceMerges => replace_replaces_everything,
        /// `replace` drops the resource version of core kinds.
        ForgetsTheVersion => replace_demands_its_version,
        /// `replace` creates what is missing.
        ReplaceCreates => replace_of_a_missing_object_is_not_found,
        /// `replace` writes the status, too.
        ReplaceWritesStatus => replace_ignores_the_status,
        /// `replace_status` writes the rest, too.
        StatusWritesAll => replace_status_ignores_the_rest,
        /// `replace_status` replaces kinds without a status.
        StatusOfAnything => status_of_a_kind_without_one_is_not_found,
        /// A `null` of a patch does not remove.
        NullsAreDropped => merge_patch_follows_the_rfc,
        /// A patch of a missing object is a conflict.
        PatchMissingIsConflict => merge_patch_of_a_missing_object_is_not_found,
        /// A patch's resource version is dropped.
        PatchForgetsTheVersion => merge_patch_demands_its_version,
        /// `apply` creates nothing.
        ApplyNeedsExisting => apply_creates_what_is_missing,
        /// `apply` never removes.
        ApplyKeeps => apply_removes_what_it_no_longer_names,
        /// `apply` always forces.
        AlwaysForces => apply_conflicts_unless_forced,
        /// `apply` never forces.
        NeverForces => apply_takes_over_when_forced,
        /// A foreground deletion does nothing.
        ForegroundStays => delete_works_with_every_propagation,
        /// `delete` of a missing object works.
        DeleteMissingWorks => delete_of_a_missing_object_is_not_found,
        /// `delete` ignores its preconditions.
        IgnoresPreconditions => delete_demands_its_preconditions,
        /// `delete` takes finalizers away.
        BreaksFinalizers => finalizers_hold_an_object,
        /// A lack of rights is not found.
        ForbiddenIsNotFound => without_rights_a_write_is_permission_denied,
        /// `apply` works, and is not promised.
        UnpromisedApply => unpromised_verbs_are_unsupported,
    ;
}

/// A [`MemoryCluster`] with one [`Defect`].
#[derive(Clone, Debug)]
pub struct Broken {
    inner: MemoryCluster,
    defect: Defect,
    cached: Arc<Mutex<Option<Discovery>>>,
}

impl Broken {
    /// `inner` with a defect.
    pub fn new(inner: MemoryCluster, defect: Defect) -> Self {
        Self {
            inner,
            defect,
            cached: Arc::default(),
        }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn adapters(&self) -> Adapters {
        Adapters {
            collector: Arc::new(self.clone()),
            target: Arc::new(self.clone()),
            applier: Arc::new(self.clone()),
        }
    }
}

/// A [`MemoryFixture`] whose adapters are [`Broken`]; what it seeds is sound.
///
/// ```
/// use csdr_testkit::cluster::{broken::{BrokenFixture, Defect}, conformance::collector};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let fixture = BrokenFixture::new(Defect::SkipsDottedNames).await.unwrap();
/// assert!(collector::list_is_complete(&fixture).await.is_err());
/// assert!(collector::list_is_in_order(&fixture).await.is_ok());
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct BrokenFixture {
    inner: MemoryFixture,
    broken: Broken,
}

impl BrokenFixture {
    /// A fresh cluster behind adapters with a defect.
    ///
    /// # Errors
    /// None of a sound cluster.
    pub async fn new(defect: Defect) -> Result<Self> {
        let inner = MemoryFixture::new().await?;
        Ok(Self {
            broken: Broken::new(inner.cluster().clone(), defect),
            inner,
        })
    }
}

#[async_trait]
impl ClusterFixture for BrokenFixture {
    fn adapters(&self) -> Adapters {
        self.broken.adapters()
    }

    fn restricted(&self) -> Option<Adapters> {
        let mut broken = self.broken.clone();
        broken.inner = broken
            .inner
            .restricted([csdr_core::memory::Deny::default()]);
        Some(broken.adapters())
    }

    fn namespace(&self) -> &str {
        self.inner.namespace()
    }

    async fn seed(&self, objects: &[Object]) -> Result<()> {
        self.inner.seed(objects).await
    }

    async fn expire_tokens(&self) -> Result<bool> {
        self.inner.expire_tokens().await
    }

    async fn expire_watches(&self) -> Result<bool> {
        self.inner.expire_watches().await
    }

    fn promises(&self) -> Promises {
        Promises {
            apply: !self.broken.has(Defect::UnpromisedApply),
            ..Promises::ALL
        }
    }

    fn patience(&self) -> Duration {
        Duration::ZERO
    }
}
