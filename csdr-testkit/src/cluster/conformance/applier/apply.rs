//! `merge_patch` and `apply`.

use super::{create::managers, data, given};
use crate::cluster::{
    ClusterFixture,
    conformance::{
        Verdict, demand, demand_kind,
        object::{by, config_map, stored, text},
    },
};
use csdr_core::{ErrorKind, port::ApplyOptions};

/// `merge_patch`: `null` removes, objects merge, the rest stays.
///
/// # Errors
/// How the adapter breaks it.
pub async fn merge_patch_follows_the_rfc(fixture: &dyn ClusterFixture) -> Verdict {
    let a = given(fixture, "a", r#"{"gone":"x","kept":"y","set":"1"}"#).await?;
    let patch = br#"{"metadata":{"annotations":{"conformance.csdr.io/a":"b"}},"data":{"gone":null,"set":"2","never":null}}"#;
    let applier = fixture.adapters().applier;
    let answer = applier
        .merge_patch(a.id(), "v1", patch.to_vec().into(), &by("testkit"))
        .await?;
    let now = stored(fixture, a.id(), "v1").await?;
    demand!(
        answer.tree()? == now.tree()?,
        "the answer is not what is stored"
    );
    let expected = r#"{"kept":"y","set":"2"}"#;
    let found = data(fixture, &a).await?;
    demand!(
        found == expected,
        "the patch gives {found} instead of {expected}"
    );
    demand!(
        text(&now, &["metadata", "annotations", "conformance.csdr.io/a"])? == "b",
        "the patch did not add an annotation"
    );
    Ok(())
}

/// `merge_patch` of an object that does not exist is `NotFound`.
///
/// # Errors
/// How the adapter breaks it.
pub async fn merge_patch_of_a_missing_object_is_not_found(fixture: &dyn ClusterFixture) -> Verdict {
    let asked = config_map(fixture.namespace(), "missing", "{}")?;
    let applier = fixture.adapters().applier;
    let patch = br#"{"data":{"k":"v"}}"#.to_vec();
    let answer = applier
        .merge_patch(asked.id(), "v1", patch.into(), &by("testkit"))
        .await;
    demand_kind(
        answer,
        ErrorKind::NotFound,
        "merge_patch of a missing object",
    )
}

/// A patch that names an old `resourceVersion` is `Conflict` and changes nothing.
///
/// # Errors
/// How the adapter breaks it.
pub async fn merge_patch_demands_its_version(fixture: &dyn ClusterFixture) -> Verdict {
    if !fixture.promises().server {
        return Ok(());
    }
    let old = given(fixture, "a", r#"{"k":"1"}"#).await?;
    let applier = fixture.adapters().applier;
    let change = br#"{"data":{"k":"2"}}"#.to_vec();
    applier
        .merge_patch(old.id(), "v1", change.into(), &by("testkit"))
        .await?;
    let late = format!(
        r#"{{"metadata":{{"resourceVersion":"{}"}},"data":{{"k":"3"}}}}"#,
        old.meta().resource_version
    );
    let answer = applier
        .merge_patch(old.id(), "v1", late.into(), &by("testkit"))
        .await;
    demand_kind(answer, ErrorKind::Conflict, "merge_patch of an old version")?;
    demand!(
        data(fixture, &old).await? == r#"{"k":"2"}"#,
        "a patch that was refused stored something"
    );
    Ok(())
}

fn apply_by(manager: &str, force: bool) -> ApplyOptions {
    ApplyOptions {
        write: by(manager),
        force,
    }
}

/// `apply` creates an object that does not exist, and records its manager with operation `Apply`.
///
/// # Errors
/// How the adapter breaks it.
pub async fn apply_creates_what_is_missing(fixture: &dyn ClusterFixture) -> Verdict {
    if !fixture.promises().apply {
        return Ok(());
    }
    let config = config_map(fixture.namespace(), "a", r#"{"k":"v"}"#)?;
    let applier = fixture.adapters().applier;
    let answer = applier.apply(&config, &apply_by("one", false)).await?;
    let now = stored(fixture, config.id(), "v1").await?;
    demand!(
        answer.tree()? == now.tree()?,
        "the answer is not what is stored"
    );
    demand!(
        data(fixture, &now).await? == r#"{"k":"v"}"#,
        "apply did not store its fields"
    );
    demand!(
        managers(&now)?.contains(&("one".to_owned(), "Apply".to_owned())),
        "the manager of an apply is not recorded"
    );
    Ok(())
}

/// A manager's next `apply` sets what it names and removes what it named before.
///
/// # Errors
/// How the adapter breaks it.
pub async fn apply_removes_what_it_no_longer_names(fixture: &dyn ClusterFixture) -> Verdict {
    if !fixture.promises().apply {
        return Ok(());
    }
    let place = fixture.namespace();
    let first = config_map(place, "a", r#"{"gone":"x","k":"1"}"#)?;
    fixture
        .seed(&[config_map(place, "a", r#"{"others":"y"}"#)?])
        .await?;
    let applier = fixture.adapters().applier;
    applier.apply(&first, &apply_by("one", false)).await?;
    let second = config_map(place, "a", r#"{"k":"2"}"#)?;
    applier.apply(&second, &apply_by("one", false)).await?;
    let found = data(fixture, &first).await?;
    let expected = [r#"{"k":"2","others":"y"}"#, r#"{"others":"y","k":"2"}"#];
    demand!(
        expected.contains(&found.as_str()),
        "the second apply leaves {found} instead of {}",
        expected[0]
    );
    Ok(())
}

/// `apply` of another value over another manager's field is `Conflict` and changes nothing; the same value is shared.
///
/// # Errors
/// How the adapter breaks it.
pub async fn apply_conflicts_unless_forced(fixture: &dyn ClusterFixture) -> Verdict {
    if !fixture.promises().apply {
        return Ok(());
    }
    let place = fixture.namespace();
    let first = config_map(place, "a", r#"{"k":"1"}"#)?;
    let applier = fixture.adapters().applier;
    // The existing object makes this rule free of what apply does with missing ones.
    fixture.seed(std::slice::from_ref(&first)).await?;
    applier.apply(&first, &apply_by("one", false)).await?;
    let other = config_map(place, "a", r#"{"k":"2"}"#)?;
    let answer = applier.apply(&other, &apply_by("two", false)).await;
    demand_kind(
        answer,
        ErrorKind::Conflict,
        "apply over another manager's field",
    )?;
    demand!(
        data(fixture, &first).await? == r#"{"k":"1"}"#,
        "an apply that was refused stored something"
    );
    Ok(())
}

/// `apply` with `force` takes another manager's field over.
///
/// # Errors
/// How the adapter breaks it.
pub async fn apply_takes_over_when_forced(fixture: &dyn ClusterFixture) -> Verdict {
    if !fixture.promises().apply {
        return Ok(());
    }
    let place = fixture.namespace();
    let first = config_map(place, "a", r#"{"k":"1"}"#)?;
    fixture.seed(std::slice::from_ref(&first)).await?;
    let other = config_map(place, "a", r#"{"k":"2"}"#)?;
    let applier = fixture.adapters().applier;
    applier.apply(&other, &apply_by("two", true)).await?;
    demand!(
        data(fixture, &first).await? == r#"{"k":"2"}"#,
        "a forced apply did not take the field over"
    );
    Ok(())
}
