//! `create`, and what every verb owes.

use super::{data, given};
use crate::cluster::{
    ClusterFixture,
    conformance::{
        Verdict, demand, demand_kind,
        object::{by, config_map, labelled, namespace, stored, widget, with},
        wait_for,
    },
};
use csdr_core::{
    ErrorKind,
    port::{ApplyOptions, DeleteOptions, WriteOptions},
};

/// `create` answers the object as it stands: what `get` shows, with what was asked.
///
/// # Errors
/// How the adapter breaks it.
pub async fn create_answers_what_is_stored(fixture: &dyn ClusterFixture) -> Verdict {
    let asked = labelled(fixture.namespace(), "a", r#"{"l":"x"}"#, r#"{"k":"v"}"#)?;
    let adapters = fixture.adapters();
    let made = adapters.applier.create(&asked, &by("testkit")).await?;
    let stored = stored(fixture, asked.id(), "v1").await?;
    demand!(
        made.id() == asked.id() && made.tree()? == stored.tree()?,
        "the answer is not what is stored"
    );
    for path in [&["data"][..], &["metadata", "labels"]] {
        demand!(
            stored.tree()?.at(path) == asked.tree()?.at(path),
            "{} is not what was asked for",
            path.join(".")
        );
    }
    if fixture.promises().server {
        demand!(
            !stored.meta().uid.is_empty() && !stored.meta().resource_version.is_empty(),
            "a stored object has no uid or resourceVersion"
        );
    }
    Ok(())
}

/// `create` of a name that is taken answers `AlreadyExists` and changes nothing.
///
/// # Errors
/// How the adapter breaks it.
pub async fn create_keeps_the_existing(fixture: &dyn ClusterFixture) -> Verdict {
    let first = given(fixture, "a", r#"{"k":"first"}"#).await?;
    let second = config_map(fixture.namespace(), "a", r#"{"k":"second"}"#)?;
    let answer = fixture
        .adapters()
        .applier
        .create(&second, &by("testkit"))
        .await;
    demand_kind(answer, ErrorKind::AlreadyExists, "create of a taken name")?;
    let now = stored(fixture, first.id(), "v1").await?;
    demand!(now == first, "create changed an existing object");
    Ok(())
}

/// The field manager of a create stands in `managedFields`, with operation `Update`.
///
/// # Errors
/// How the adapter breaks it.
pub async fn create_records_its_field_manager(fixture: &dyn ClusterFixture) -> Verdict {
    if !fixture.promises().server {
        return Ok(());
    }
    let asked = config_map(fixture.namespace(), "a", r#"{"k":"v"}"#)?;
    let options = by("csdr-01890a5d-ac96-774b-bcce-b302099a8057");
    fixture.adapters().applier.create(&asked, &options).await?;
    demand!(
        managers(&stored(fixture, asked.id(), "v1").await?)?
            .contains(&(options.field_manager, "Update".to_owned())),
        "the field manager of a create is not recorded"
    );
    Ok(())
}

/// `create` in a namespace that does not exist is `NotFound`.
///
/// # Errors
/// How the adapter breaks it.
pub async fn create_in_a_missing_namespace_is_not_found(fixture: &dyn ClusterFixture) -> Verdict {
    if !fixture.promises().server {
        return Ok(());
    }
    let asked = config_map(&format!("{}-missing", fixture.namespace()), "a", "{}")?;
    let answer = fixture
        .adapters()
        .applier
        .create(&asked, &by("testkit"))
        .await;
    demand_kind(answer, ErrorKind::NotFound, "create in a missing namespace")
}

/// `create` in a namespace that is being deleted is `Conflict`.
///
/// # Errors
/// How the adapter breaks it.
pub async fn create_in_a_terminating_namespace_is_a_conflict(
    fixture: &dyn ClusterFixture,
) -> Verdict {
    if !fixture.promises().server {
        return Ok(());
    }
    let place = format!("{}-t", fixture.namespace());
    let holding = with(
        &config_map(&place, "holding", "{}")?,
        &["metadata", "finalizers"],
        Some(r#"["conformance.csdr.io/hold"]"#),
    )?;
    let going = namespace(&place)?;
    fixture.seed(&[going.clone(), holding.clone()]).await?;
    let adapters = fixture.adapters();
    adapters
        .applier
        .delete(going.id(), "v1", &DeleteOptions::default())
        .await?;
    wait_for(fixture, "the deletion of a namespace", async || {
        Ok(stored(fixture, going.id(), "v1").await?.meta().deleting)
    })
    .await?;
    let late = config_map(&place, "late", "{}")?;
    let answer = adapters.applier.create(&late, &by("testkit")).await;
    let release = br#"{"metadata":{"finalizers":null}}"#.to_vec();
    adapters
        .applier
        .merge_patch(holding.id(), "v1", release.into(), &by("testkit"))
        .await?;
    demand_kind(
        answer,
        ErrorKind::Conflict,
        "create in a terminating namespace",
    )
}

/// Content that the server refuses is `InvalidInput`.
///
/// # Errors
/// How the adapter breaks it.
pub async fn refused_content_is_invalid_input(fixture: &dyn ClusterFixture) -> Verdict {
    if !fixture.promises().server {
        return Ok(());
    }
    let asked = labelled(fixture.namespace(), "a", r#"{"l":"no label value"}"#, "{}")?;
    let answer = fixture
        .adapters()
        .applier
        .create(&asked, &by("testkit"))
        .await;
    demand_kind(
        answer,
        ErrorKind::InvalidInput,
        "create of a malformed label",
    )
}

/// `create` of a kind that is not served is `NotFound`.
///
/// # Errors
/// How the adapter breaks it.
pub async fn an_unknown_kind_is_not_found(fixture: &dyn ClusterFixture) -> Verdict {
    let resource = "widgets.nobody.conformance.csdr.io".parse()?;
    let asked = widget(&resource, fixture.namespace(), "{}")?;
    let answer = fixture
        .adapters()
        .applier
        .create(&asked, &by("testkit"))
        .await;
    demand_kind(
        answer,
        ErrorKind::NotFound,
        "create of a kind that is not served",
    )
}

/// With `dry_run` every promised verb answers, and nothing is stored.
///
/// # Errors
/// How the adapter breaks it.
pub async fn dry_runs_store_nothing(fixture: &dyn ClusterFixture) -> Verdict {
    let dry = WriteOptions {
        dry_run: true,
        ..by("testkit")
    };
    let adapters = fixture.adapters();
    let applier = &adapters.applier;
    let new = config_map(fixture.namespace(), "new", "{}")?;
    applier.create(&new, &dry).await?;
    demand!(
        adapters.target.get(new.id(), "v1").await?.is_none(),
        "a dry create stores"
    );
    let a = given(fixture, "a", r#"{"k":"v"}"#).await?;
    demand_kind(
        applier
            .create(&config_map(fixture.namespace(), "a", "{}")?, &dry)
            .await,
        ErrorKind::AlreadyExists,
        "dry create of a taken name",
    )?;
    let changed = with(&a, &["data", "k"], Some("\"w\""))?;
    applier.replace(&changed, &dry).await?;
    demand!(
        data(fixture, &a).await? == r#"{"k":"v"}"#,
        "a dry replace stores"
    );
    let patch = br#"{"data":{"k":"w"}}"#.to_vec();
    applier
        .merge_patch(a.id(), "v1", patch.into(), &dry)
        .await?;
    demand!(
        data(fixture, &a).await? == r#"{"k":"v"}"#,
        "a dry patch stores"
    );
    if fixture.promises().apply {
        let options = ApplyOptions {
            write: dry.clone(),
            force: true,
        };
        let config = config_map(fixture.namespace(), "a", r#"{"k":"w"}"#)?;
        applier.apply(&config, &options).await?;
        demand!(
            data(fixture, &a).await? == r#"{"k":"v"}"#,
            "a dry apply stores"
        );
    }
    let options = DeleteOptions {
        dry_run: true,
        ..DeleteOptions::default()
    };
    applier.delete(a.id(), "v1", &options).await?;
    let now = adapters.target.get(a.id(), "v1").await?;
    demand!(
        now.is_some_and(|now| !now.meta().deleting),
        "a dry delete deletes"
    );
    Ok(())
}

/// Who has no rights gets `PermissionDenied`, and nothing is stored.
///
/// # Errors
/// How the adapter breaks it.
pub async fn without_rights_a_write_is_permission_denied(fixture: &dyn ClusterFixture) -> Verdict {
    let Some(restricted) = fixture.restricted() else {
        return Ok(());
    };
    let asked = config_map(fixture.namespace(), "a", "{}")?;
    let answer = restricted.applier.create(&asked, &by("testkit")).await;
    demand_kind(answer, ErrorKind::PermissionDenied, "create without rights")?;
    demand!(
        fixture
            .adapters()
            .target
            .get(asked.id(), "v1")
            .await?
            .is_none(),
        "an object was created without rights"
    );
    Ok(())
}

/// A verb that is not promised answers `Unsupported` and changes nothing.
///
/// # Errors
/// How the adapter breaks it.
pub async fn unpromised_verbs_are_unsupported(fixture: &dyn ClusterFixture) -> Verdict {
    let promises = fixture.promises();
    let applier = fixture.adapters().applier;
    let a = given(fixture, "a", r#"{"k":"v"}"#).await?;
    let config = config_map(fixture.namespace(), "a", r#"{"k":"w"}"#)?;
    if !promises.apply {
        let options = ApplyOptions {
            write: by("testkit"),
            force: true,
        };
        let answer = applier.apply(&config, &options).await;
        demand_kind(
            answer,
            ErrorKind::Unsupported,
            "apply, which is not promised,",
        )?;
    }
    if !promises.replace_status {
        let answer = applier.replace_status(&a, &by("testkit")).await;
        demand_kind(
            answer,
            ErrorKind::Unsupported,
            "replace_status, which is not promised,",
        )?;
    }
    demand!(
        data(fixture, &a).await? == r#"{"k":"v"}"#,
        "a verb that is not promised stores"
    );
    Ok(())
}

/// The managers of an object with their operations.
pub(super) fn managers(
    object: &csdr_core::model::Object,
) -> csdr_core::Result<Vec<(String, String)>> {
    let tree = object.tree()?;
    let entries = tree
        .at(&["metadata", "managedFields"])
        .and_then(csdr_core::model::Tree::as_array)
        .unwrap_or_default();
    Ok(entries
        .iter()
        .map(|entry| {
            let text = |key| entry.text_at(&[key]).unwrap_or_default().to_owned();
            (text("manager"), text("operation"))
        })
        .collect())
}
