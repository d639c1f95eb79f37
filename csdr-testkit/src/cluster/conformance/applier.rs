//! The rules of [`ResourceApplier`](csdr_core::port::ResourceApplier).

mod apply;
mod create;
mod delete;
mod replace;

pub use apply::{
    apply_conflicts_unless_forced, apply_creates_what_is_missing,
    apply_removes_what_it_no_longer_names, apply_takes_over_when_forced,
    merge_patch_demands_its_version, merge_patch_follows_the_rfc,
    merge_patch_of_a_missing_object_is_not_found,
};
pub use create::{
    an_unknown_kind_is_not_found, create_answers_what_is_stored,
    create_in_a_missing_namespace_is_not_found, create_in_a_terminating_namespace_is_a_conflict,
    create_keeps_the_existing, create_records_its_field_manager, dry_runs_store_nothing,
    refused_content_is_invalid_input, unpromised_verbs_are_unsupported,
    without_rights_a_write_is_permission_denied,
};
pub use delete::{
    delete_demands_its_preconditions, delete_of_a_missing_object_is_not_found,
    delete_works_with_every_propagation, finalizers_hold_an_object,
};
pub use replace::{
    replace_demands_its_version, replace_ignores_the_status,
    replace_of_a_missing_object_is_not_found, replace_replaces_everything,
    replace_status_ignores_the_rest, status_of_a_kind_without_one_is_not_found,
};

use super::{
    Verdict, Violation,
    object::{by, config_map, stored},
    run_all,
};
use crate::cluster::ClusterFixture;
use csdr_core::model::Object;

crate::__applier_rules!(run_all,);

/// Creates a ConfigMap that is not the rule's subject, and answers it as it is stored.
async fn given(fixture: &dyn ClusterFixture, name: &str, data: &str) -> Result<Object, Violation> {
    let asked = config_map(fixture.namespace(), name, data)?;
    fixture
        .adapters()
        .applier
        .create(&asked, &by("testkit"))
        .await?;
    stored(fixture, asked.id(), "v1").await
}

/// The stored data of a ConfigMap as JSON.
async fn data(fixture: &dyn ClusterFixture, object: &Object) -> Result<String, Violation> {
    let stored = stored(fixture, object.id(), "v1").await?;
    Ok(stored
        .tree()?
        .at(&["data"])
        .map(ToString::to_string)
        .unwrap_or_default())
}
