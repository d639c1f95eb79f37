//! The contracts of the cluster's ports as tests: one rule, one function, one name.
//!
//! An adapter runs a whole suite with one line in its tests; each rule becomes a test of its own, so that a failure names the rule
//! that is broken (the tests' crate needs tokio with `macros` and `rt-multi-thread`):
//!
//! ```
//! # // In a real crate these stand in test modules.
//! use csdr_testkit::cluster::MemoryFixture;
//!
//! mod collector {
//!     use super::*;
//!     csdr_testkit::collector_conformance!(|| async { MemoryFixture::new().await.unwrap() });
//! }
//! mod target {
//!     use super::*;
//!     csdr_testkit::target_conformance!(|| async { MemoryFixture::new().await.unwrap() });
//! }
//! mod applier {
//!     use super::*;
//!     csdr_testkit::applier_conformance!(|| async { MemoryFixture::new().await.unwrap() });
//! }
//! ```
//!
//! The rules hold for a real API server: a fixture gives each of them a fresh namespace, and may share one server among all.
//! What a stack does not [promise](super::Promises) is not demanded, but must answer `Unsupported`.
//!
//! | rule of collectors and targets | demands |
//! |---|---|
//! | `discovery_is_sorted_and_whole` | rows in the order of (resource, group), each once, with their versions; the kinds of every server |
//! | `discovery_has_every_version` | all served versions, not only the preferred one |
//! | `list_is_complete` | every object of the namespace, whatever its name, with apiVersion and kind; the last page names no next one |
//! | `list_is_in_order` | names in the order of their bytes |
//! | `list_keeps_to_its_namespace` | no objects of another namespace, even if its name begins alike |
//! | `list_of_all_namespaces_is_in_order` | objects in the order of (namespace, name), or of the text `namespace/name` |
//! | `list_keeps_to_its_selector` | equality, `in`, `notin`, exists and does not exist |
//! | `reads_answer_in_the_asked_version` | `list` and `get` answer in each served version |
//! | `pages_keep_to_their_size` | a page is one object, or holds no more than twice `page_bytes` |
//! | `tokens_go_on_where_the_page_ended` | behind `from` stands what the page left: nothing twice, nothing missing |
//! | `expired_tokens_go_on_and_say_so` | an expired token goes on; the page behind it is `inconsistent` |
//! | `what_is_not_served_is_not_found` | `NotFound` for the list of a resource or version that is not served |
//! | `an_error_ends_the_list` | nothing follows an error |
//! | `a_missing_namespace_lists_nothing` | and is no error |
//! | `cluster_scoped_objects_have_no_namespace` | their ids carry none |
//! | `get_and_list_agree` | the same object, with what was written |
//! | `a_missing_object_is_none` | also in a missing namespace |
//! | `without_rights_a_list_is_permission_denied` | neither empty nor another error |
//!
//! The further rules are documented at their functions in [`target`] and [`applier`].

pub mod applier;
pub mod collector;
mod object;
mod read;
pub mod target;

use super::ClusterFixture;
use csdr_core::ErrorKind;
use std::time::Duration;
use tokio::time::{Instant, sleep};

pub use crate::vault::conformance::{Verdict, Violation};

/// Fails the rule with a text.
macro_rules! demand {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::vault::conformance::Violation::new(format!($($text)+)));
        }
    };
}
use demand;

/// Runs a macro with the name of every rule of what is read: collectors and targets share them.
#[doc(hidden)]
#[macro_export]
macro_rules! __read_rules {
    ($run:path, $($first:tt)*) => {
        $run! {
            $($first)*;
            discovery_is_sorted_and_whole
            discovery_has_every_version
            list_is_complete
            list_is_in_order
            list_keeps_to_its_namespace
            list_of_all_namespaces_is_in_order
            list_keeps_to_its_selector
            reads_answer_in_the_asked_version
            pages_keep_to_their_size
            tokens_go_on_where_the_page_ended
            expired_tokens_go_on_and_say_so
            what_is_not_served_is_not_found
            an_error_ends_the_list
            a_missing_namespace_lists_nothing
            cluster_scoped_objects_have_no_namespace
            get_and_list_agree
            a_missing_object_is_none
            without_rights_a_list_is_permission_denied
        }
    };
}

/// Runs a macro with the name of every further rule of a target.
#[doc(hidden)]
#[macro_export]
macro_rules! __target_rules {
    ($run:path, $($first:tt)*) => {
        $run! {
            $($first)*;
            discover_asks_anew
            can_i_answers_for_the_writer
            watch_begins_with_what_stands
            watch_shows_changes
            watch_keeps_to_its_name
            an_expired_watch_says_so
        }
    };
}

/// Runs a macro with the name of every rule of an applier.
#[doc(hidden)]
#[macro_export]
macro_rules! __applier_rules {
    ($run:path, $($first:tt)*) => {
        $run! {
            $($first)*;
            create_answers_what_is_stored
            create_keeps_the_existing
            create_records_its_field_manager
            create_in_a_missing_namespace_is_not_found
            create_in_a_terminating_namespace_is_a_conflict
            refused_content_is_invalid_input
            an_unknown_kind_is_not_found
            dry_runs_store_nothing
            replace_replaces_everything
            replace_demands_its_version
            replace_of_a_missing_object_is_not_found
            replace_ignores_the_status
            replace_status_ignores_the_rest
            status_of_a_kind_without_one_is_not_found
            merge_patch_follows_the_rfc
            merge_patch_of_a_missing_object_is_not_found
            merge_patch_demands_its_version
            apply_creates_what_is_missing
            apply_removes_what_it_no_longer_names
            apply_conflicts_unless_forced
            apply_takes_over_when_forced
            delete_works_with_every_propagation
            delete_of_a_missing_object_is_not_found
            delete_demands_its_preconditions
            finalizers_hold_an_object
            without_rights_a_write_is_permission_denied
            unpromised_verbs_are_unsupported
        }
    };
}

/// One `#[tokio::test]` for each rule of [`ResourceCollector`](csdr_core::port::ResourceCollector). The argument is called once a rule
/// and answers a future of a [`ClusterFixture`].
#[macro_export]
macro_rules! collector_conformance {
    ($factory:expr) => {
        $crate::__read_rules!($crate::__cluster_tests, collector, $factory);
    };
}

/// One `#[tokio::test]` for each rule of [`ResourceTarget`](csdr_core::port::ResourceTarget). The argument is called once a rule
/// and answers a future of a [`ClusterFixture`].
#[macro_export]
macro_rules! target_conformance {
    ($factory:expr) => {
        $crate::__read_rules!($crate::__cluster_tests, target, $factory);
        $crate::__target_rules!($crate::__cluster_tests, target, $factory);
    };
}

/// One `#[tokio::test]` for each rule of [`ResourceApplier`](csdr_core::port::ResourceApplier). The argument is called once a rule
/// and answers a future of a [`ClusterFixture`].
#[macro_export]
macro_rules! applier_conformance {
    ($factory:expr) => {
        $crate::__applier_rules!($crate::__cluster_tests, applier, $factory);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __cluster_tests {
    ($suite:ident, $factory:expr; $($rule:ident)*) => {
        $(
            #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() {
                let fixture = ($factory)().await;
                if let Err(violation) = $crate::cluster::conformance::$suite::$rule(&fixture).await {
                    panic!("{}: {}", stringify!($rule), violation);
                }
            }
        )*
    };
}

/// `run_all` of a suite: its rules one after the other, for who wants verdicts instead of tests.
macro_rules! run_all {
    ($(; $($rule:ident)*)+) => {
        /// Runs every rule on a fresh fixture each; answers the rules in order with their verdicts.
        pub async fn run_all<T: ClusterFixture, F: Future<Output = T>>(
            mut factory: impl FnMut() -> F,
        ) -> Vec<(&'static str, Verdict)> {
            let mut verdicts = Vec::new();
            $($(
                let fixture = factory().await;
                verdicts.push((stringify!($rule), $rule(&fixture).await));
            )*)+
            verdicts
        }
    };
}
use run_all;

/// Demands an error of one kind.
fn demand_kind<T>(answer: csdr_core::Result<T>, kind: ErrorKind, call: &str) -> Verdict {
    match answer {
        Ok(_) => Err(Violation::new(format!(
            "{call} must answer `{kind}`, and worked"
        ))),
        Err(error) if error.kind() == kind => Ok(()),
        Err(error) => Err(Violation::new(format!(
            "{call} must answer `{kind}`, and answered `{}`: {}",
            error.kind(),
            error.chain()
        ))),
    }
}

/// Looks until it is so, as long as the fixture is patient.
async fn wait_for(
    fixture: &dyn ClusterFixture,
    what: &str,
    mut look: impl AsyncFnMut() -> Result<bool, Violation>,
) -> Verdict {
    let end = Instant::now() + fixture.patience();
    loop {
        if look().await? {
            return Ok(());
        }
        demand!(Instant::now() < end, "{what} does not happen");
        sleep(Duration::from_millis(50)).await;
    }
}
