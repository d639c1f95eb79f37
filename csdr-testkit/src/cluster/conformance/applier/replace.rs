//! `replace` and `replace_status`.

use super::{data, given};
use crate::cluster::{
    ClusterFixture,
    conformance::{
        Verdict, demand, demand_kind,
        object::{by, config_map, stored, widget, widgets, with},
    },
};
use csdr_core::ErrorKind;

/// `replace` leaves nothing of what the new object does not have.
///
/// # Errors
/// How the adapter breaks it.
pub async fn replace_replaces_everything(fixture: &dyn ClusterFixture) -> Verdict {
    let old = given(fixture, "a", r#"{"k":"v","gone":"x"}"#).await?;
    let new = with(&old, &["data"], Some(r#"{"k":"w"}"#))?;
    let answer = fixture
        .adapters()
        .applier
        .replace(&new, &by("testkit"))
        .await?;
    let now = stored(fixture, old.id(), "v1").await?;
    demand!(
        data(fixture, &old).await? == r#"{"k":"w"}"#,
        "replace left something of the old object"
    );
    demand!(
        answer.tree()? == now.tree()?,
        "the answer is not what is stored"
    );
    demand!(
        now.meta().uid == old.meta().uid,
        "replace gave the object another uid"
    );
    Ok(())
}

/// `replace` with an old `resourceVersion` is `Conflict` and changes nothing.
///
/// # Errors
/// How the adapter breaks it.
pub async fn replace_demands_its_version(fixture: &dyn ClusterFixture) -> Verdict {
    if !fixture.promises().server {
        return Ok(());
    }
    let old = given(fixture, "a", r#"{"k":"1"}"#).await?;
    let applier = fixture.adapters().applier;
    applier
        .replace(&with(&old, &["data", "k"], Some("\"2\""))?, &by("testkit"))
        .await?;
    let late = with(&old, &["data", "k"], Some("\"3\""))?;
    let answer = applier.replace(&late, &by("testkit")).await;
    demand_kind(answer, ErrorKind::Conflict, "replace of an old version")?;
    demand!(
        data(fixture, &old).await? == r#"{"k":"2"}"#,
        "a replace that was refused stored something"
    );
    Ok(())
}

/// `replace` of an object that does not exist is `NotFound` and creates nothing.
///
/// # Errors
/// How the adapter breaks it.
pub async fn replace_of_a_missing_object_is_not_found(fixture: &dyn ClusterFixture) -> Verdict {
    let asked = config_map(fixture.namespace(), "missing", "{}")?;
    let adapters = fixture.adapters();
    let answer = adapters.applier.replace(&asked, &by("testkit")).await;
    demand_kind(answer, ErrorKind::NotFound, "replace of a missing object")?;
    demand!(
        adapters.target.get(asked.id(), "v1").await?.is_none(),
        "replace created an object"
    );
    Ok(())
}

/// `replace` of a kind with a status subresource does not change the status.
///
/// # Errors
/// How the adapter breaks it.
pub async fn replace_ignores_the_status(fixture: &dyn ClusterFixture) -> Verdict {
    if !fixture.promises().replace_status {
        return Ok(());
    }
    let resource = widgets(fixture).await?;
    let asked = widget(&resource, fixture.namespace(), r#"{"n":1}"#)?;
    fixture.seed(std::slice::from_ref(&asked)).await?;
    let applier = fixture.adapters().applier;
    let one = with(
        &stored(fixture, asked.id(), "v1").await?,
        &["status"],
        Some(r#"{"x":"1"}"#),
    )?;
    applier.replace_status(&one, &by("testkit")).await?;
    let two = with(
        &stored(fixture, asked.id(), "v1").await?,
        &["status"],
        Some(r#"{"x":"2"}"#),
    )?;
    let two = with(&two, &["spec", "n"], Some("2"))?;
    applier.replace(&two, &by("testkit")).await?;
    let now = stored(fixture, asked.id(), "v1").await?.tree()?;
    demand!(
        now.text_at(&["status", "x"]) == Some("1"),
        "replace changed the status"
    );
    demand!(
        now.at(&["spec", "n"])
            .and_then(csdr_core::model::Tree::as_i64)
            == Some(2),
        "replace did not change the spec"
    );
    Ok(())
}

/// `replace_status` changes the status and nothing else.
///
/// # Errors
/// How the adapter breaks it.
pub async fn replace_status_ignores_the_rest(fixture: &dyn ClusterFixture) -> Verdict {
    if !fixture.promises().replace_status {
        return Ok(());
    }
    let resource = widgets(fixture).await?;
    let asked = widget(&resource, fixture.namespace(), r#"{"n":1}"#)?;
    fixture.seed(std::slice::from_ref(&asked)).await?;
    let new = with(
        &stored(fixture, asked.id(), "v1").await?,
        &["status"],
        Some(r#"{"x":"1"}"#),
    )?;
    let new = with(&new, &["spec", "n"], Some("2"))?;
    let applier = fixture.adapters().applier;
    applier.replace_status(&new, &by("testkit")).await?;
    let now = stored(fixture, asked.id(), "v1").await?.tree()?;
    demand!(
        now.text_at(&["status", "x"]) == Some("1"),
        "replace_status did not change the status"
    );
    demand!(
        now.at(&["spec", "n"])
            .and_then(csdr_core::model::Tree::as_i64)
            == Some(1),
        "replace_status changed the spec"
    );
    Ok(())
}

/// `replace_status` of a kind without a status subresource is `NotFound`.
///
/// # Errors
/// How the adapter breaks it.
pub async fn status_of_a_kind_without_one_is_not_found(fixture: &dyn ClusterFixture) -> Verdict {
    if !fixture.promises().replace_status {
        return Ok(());
    }
    let a = given(fixture, "a", "{}").await?;
    let answer = fixture
        .adapters()
        .applier
        .replace_status(&a, &by("testkit"))
        .await;
    demand_kind(
        answer,
        ErrorKind::NotFound,
        "replace_status of a kind without status",
    )
}
