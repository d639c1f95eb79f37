//! Rules of what is not promised.

use super::{Fixture, Verdict, demand, demand_kind, key, listed};
use bytes::Bytes;
use csdr_core::{
    ErrorKind,
    port::{PutMode, ReadRange, VaultKey},
};
use futures::TryStreamExt;

/// The root is a prefix: `put` and `writer` of it are `InvalidInput`, and it is never found.
///
/// # Errors
/// How the rule is broken.
pub async fn the_root_is_not_an_object(fixture: &Fixture) -> Verdict {
    let vault = fixture.vault();
    let root = VaultKey::root();
    if vault.capabilities().write {
        let put = vault
            .put(&root, Bytes::from_static(b"x"), PutMode::Overwrite)
            .await;
        demand_kind(put, ErrorKind::InvalidInput, "put of the root")?;
        let streamed = match vault.writer(&root, PutMode::Overwrite).await {
            Ok(writer) => writer.finish().await.map(|_| ()),
            Err(error) => Err(error),
        };
        demand_kind(streamed, ErrorKind::InvalidInput, "a writer of the root")?;
    }
    for answer in [
        vault.stat(&root).await.map(|_| ()),
        vault.get(&root, ReadRange::Full).await.map(|_| ()),
    ] {
        let kind = answer.err().map(|error| error.kind());
        demand!(
            matches!(kind, Some(ErrorKind::InvalidInput | ErrorKind::NotFound)),
            "reading the root answered {kind:?}"
        );
    }
    Ok(())
}

/// What the capabilities do not promise answers `Unsupported` and does nothing.
///
/// # Errors
/// How the rule is broken.
pub async fn unpromised_options_are_refused(fixture: &Fixture) -> Verdict {
    let vault = fixture.vault();
    let capabilities = vault.capabilities();
    let key = key("refused")?;
    let before = listed(&vault, &VaultKey::root()).await?;
    let mut refused_modes = Vec::new();
    if !capabilities.write {
        let delete = vault.delete(&key).await;
        demand_kind(delete, ErrorKind::Unsupported, "delete without `write`")?;
        refused_modes.push(PutMode::Overwrite);
    }
    if !capabilities.write || !capabilities.conditional_create {
        refused_modes.push(PutMode::CreateNew);
    }
    for mode in refused_modes {
        let put = vault.put(&key, Bytes::new(), mode).await;
        demand_kind(put, ErrorKind::Unsupported, &format!("put with {mode:?}"))?;
        let streamed = match vault.writer(&key, mode).await {
            Ok(writer) => writer.finish().await.map(|_| ()),
            Err(error) => Err(error),
        };
        demand_kind(
            streamed,
            ErrorKind::Unsupported,
            &format!("a writer with {mode:?}"),
        )?;
    }
    let after = listed(&vault, &VaultKey::root()).await?;
    demand!(before == after, "a refused write left {after:?}");
    if !capabilities.range_read && capabilities.write {
        vault
            .put(&key, Bytes::from_static(b"0123"), PutMode::Overwrite)
            .await?;
        let part = async {
            let stream = vault
                .get(&key, ReadRange::Part { offset: 1, len: 2 })
                .await?;
            stream.try_collect::<Vec<_>>().await
        };
        demand_kind(
            part.await,
            ErrorKind::Unsupported,
            "get of a part without `range_read`",
        )?;
    }
    Ok(())
}
