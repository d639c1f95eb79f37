//! `delete`.

use super::given;
use crate::cluster::{
    ClusterFixture,
    conformance::{
        Verdict, demand, demand_kind,
        object::{by, config_map, with},
        wait_for,
    },
};
use csdr_core::{
    ErrorKind,
    port::{DeleteOptions, Propagation},
};

/// An object without dependents goes, whatever is to become of dependents.
///
/// # Errors
/// How the adapter breaks it.
pub async fn delete_works_with_every_propagation(fixture: &dyn ClusterFixture) -> Verdict {
    let adapters = fixture.adapters();
    for (name, propagation) in [
        ("background", Propagation::Background),
        ("foreground", Propagation::Foreground),
        ("orphan", Propagation::Orphan),
    ] {
        let object = given(fixture, name, "{}").await?;
        let options = DeleteOptions {
            propagation,
            ..DeleteOptions::default()
        };
        adapters.applier.delete(object.id(), "v1", &options).await?;
        wait_for(
            fixture,
            &format!("the end of an object ({name})"),
            async || Ok(adapters.target.get(object.id(), "v1").await?.is_none()),
        )
        .await?;
    }
    Ok(())
}

/// `delete` of an object that does not exist is `NotFound`.
///
/// # Errors
/// How the adapter breaks it.
pub async fn delete_of_a_missing_object_is_not_found(fixture: &dyn ClusterFixture) -> Verdict {
    let missing = config_map(fixture.namespace(), "missing", "{}")?;
    let applier = fixture.adapters().applier;
    let answer = applier
        .delete(missing.id(), "v1", &DeleteOptions::default())
        .await;
    demand_kind(answer, ErrorKind::NotFound, "delete of a missing object")
}

/// `delete` of another uid or an old version is `Conflict`, and the object stays.
///
/// # Errors
/// How the adapter breaks it.
pub async fn delete_demands_its_preconditions(fixture: &dyn ClusterFixture) -> Verdict {
    let object = given(fixture, "a", "{}").await?;
    let adapters = fixture.adapters();
    let uid = DeleteOptions {
        uid: Some("00000000-0000-0000-0000-000000000000".to_owned()),
        ..DeleteOptions::default()
    };
    let version = DeleteOptions {
        resource_version: Some("1".to_owned()),
        ..DeleteOptions::default()
    };
    for (what, options) in [("uid", uid), ("resourceVersion", version)] {
        let answer = adapters.applier.delete(object.id(), "v1", &options).await;
        demand_kind(
            answer,
            ErrorKind::Conflict,
            &format!("delete of another {what}"),
        )?;
        let now = adapters.target.get(object.id(), "v1").await?;
        demand!(
            now.is_some_and(|now| !now.meta().deleting),
            "a deletion that was refused deleted"
        );
    }
    let own = DeleteOptions {
        uid: Some(object.meta().uid.clone()).filter(|uid| !uid.is_empty()),
        ..DeleteOptions::default()
    };
    adapters.applier.delete(object.id(), "v1", &own).await?;
    Ok(())
}

/// An object with finalizers stands on, being deleted, until they are gone.
///
/// # Errors
/// How the adapter breaks it.
pub async fn finalizers_hold_an_object(fixture: &dyn ClusterFixture) -> Verdict {
    if !fixture.promises().server {
        return Ok(());
    }
    let asked = with(
        &config_map(fixture.namespace(), "a", "{}")?,
        &["metadata", "finalizers"],
        Some(r#"["conformance.csdr.io/hold"]"#),
    )?;
    fixture.seed(std::slice::from_ref(&asked)).await?;
    let adapters = fixture.adapters();
    adapters
        .applier
        .delete(asked.id(), "v1", &DeleteOptions::default())
        .await?;
    let held = adapters.target.get(asked.id(), "v1").await?;
    demand!(
        held.is_some_and(|held| held.meta().deleting),
        "a finalizer did not hold its object"
    );
    let release = br#"{"metadata":{"finalizers":null}}"#.to_vec();
    adapters
        .applier
        .merge_patch(asked.id(), "v1", release.into(), &by("testkit"))
        .await?;
    wait_for(
        fixture,
        "the end of an object without finalizers",
        async || Ok(adapters.target.get(asked.id(), "v1").await?.is_none()),
    )
    .await
}
