//! Rules of reading.

use super::{Fixture, LIMIT, Verdict, any_mode, demand, demand_kind, key, pattern};
use bytes::{Bytes, BytesMut};
use csdr_core::{
    ErrorKind, Result,
    port::{PutMode, ReadRange, VaultBackend, VaultBackendExt, VaultKey},
};
use futures::{StreamExt, TryStreamExt, future::join};

/// `get` and `stat` of a missing key, and of a prefix of keys, are `NotFound`.
///
/// # Errors
/// How the rule is broken.
pub async fn missing_keys_are_not_found(fixture: &Fixture) -> Verdict {
    let vault = fixture.vault();
    let mut texts = vec!["missing", "missing/too"];
    if vault.capabilities().write {
        vault
            .put(&key("folder/object")?, Bytes::new(), any_mode(&vault))
            .await?;
        texts.extend([
            "folder",
            "folder/object/below",
            "folder/obj",
            "folder/object2",
        ]);
    }
    for text in texts {
        let key = key(text)?;
        demand_kind(
            vault.stat(&key).await,
            ErrorKind::NotFound,
            "stat of a missing key",
        )?;
        let whole = vault.read(&key, LIMIT).await;
        demand_kind(whole, ErrorKind::NotFound, "get of a missing key")?;
        if vault.capabilities().range_read {
            let part = read_part(&vault, &key, 0, 1).await;
            demand_kind(part, ErrorKind::NotFound, "get of a part of a missing key")?;
        }
    }
    Ok(())
}

/// A range gives exactly its bytes; one that is empty or ends beyond the object is `InvalidInput`.
///
/// # Errors
/// How the rule is broken.
pub async fn ranges_are_exact(fixture: &Fixture) -> Verdict {
    let vault = fixture.vault();
    let capabilities = vault.capabilities();
    if !capabilities.write || !capabilities.range_read {
        return Ok(());
    }
    let (short, long) = (key("short")?, key("long")?);
    let body = pattern(10, 6);
    vault.put(&short, body.clone(), any_mode(&vault)).await?;
    for offset in 0..10u64 {
        for len in 1..=10 - offset {
            let part = read_part(&vault, &short, offset, len).await?;
            let expected = body.slice(offset as usize..(offset + len) as usize);
            demand!(
                part == expected,
                "bytes {offset}+{len} of an object are not these"
            );
        }
    }
    let body = pattern(5_000_000, 7);
    vault.put(&long, body.clone(), any_mode(&vault)).await?;
    for (offset, len) in [
        (0, 1),
        (4_999_999, 1),
        (1_000_003, 3_000_001),
        (0, 5_000_000),
    ] {
        let part = read_part(&vault, &long, offset, len).await?;
        let expected = body.slice(offset as usize..(offset + len) as usize);
        demand!(
            part == expected,
            "bytes {offset}+{len} of a long object are not these"
        );
    }
    for (offset, len) in [
        (0, 0),
        (3, 0),
        (0, 11),
        (9, 2),
        (10, 1),
        (11, 1),
        (1 << 40, 1),
        (u64::MAX, 2),
    ] {
        let part = read_part(&vault, &short, offset, len).await;
        let call = format!("get of {len} bytes from {offset} on, of 10");
        demand_kind(part, ErrorKind::InvalidInput, &call)?;
    }
    Ok(())
}

/// Whoever reads while others overwrite sees one version, whole.
///
/// # Errors
/// How the rule is broken. A reader may also fail: `Conflict`, where the store keeps no old version for it.
pub async fn readers_see_one_whole_version(fixture: &Fixture) -> Verdict {
    let vault = fixture.vault();
    if !vault.capabilities().write {
        return Ok(());
    }
    let key = key("object")?;
    let versions = [
        pattern(3 << 20, 8),
        pattern(1 << 20, 9),
        pattern(2 << 20, 10),
    ];
    let whole = |body: &Bytes| versions.contains(body);
    vault
        .put(&key, versions[0].clone(), any_mode(&vault))
        .await?;

    // Overwritten after the first bytes have come.
    let mut stream = vault.get(&key, ReadRange::Full).await?;
    let mut body = BytesMut::new();
    if let Some(first) = stream.next().await {
        body.extend_from_slice(&first?);
    }
    vault
        .put(&key, versions[1].clone(), PutMode::Overwrite)
        .await?;
    let mut conflict = false;
    while let Some(chunk) = stream.next().await {
        match chunk {
            Ok(chunk) => body.extend_from_slice(&chunk),
            Err(error) => {
                conflict = true;
                demand_kind::<()>(
                    Err(error),
                    ErrorKind::Conflict,
                    "a stream whose object changed",
                )?;
                break;
            }
        }
    }
    demand!(
        conflict || whole(&body.freeze()),
        "a stream that was open during an overwrite is not of one version"
    );

    // Read and overwritten at the same time.
    let writes = async {
        for i in 0..24 {
            vault
                .put(&key, versions[i % 3].clone(), PutMode::Overwrite)
                .await?;
        }
        Ok::<_, csdr_core::Error>(())
    };
    let reads = async {
        let mut torn = None;
        for _ in 0..24 {
            match vault.read(&key, LIMIT).await {
                Ok(body) if !whole(&body) => torn = Some(body.len()),
                Err(error) if error.kind() != ErrorKind::Conflict => return Err(error),
                _ => {}
            }
        }
        Ok(torn)
    };
    let (written, read) = join(writes, reads).await;
    written?;
    let torn = read?;
    demand!(
        torn.is_none(),
        "a reader saw {torn:?} bytes that were never one version"
    );
    Ok(())
}

/// A part as the store gives it: unlike `read_range` without a check of its own.
async fn read_part(
    vault: &dyn VaultBackend,
    key: &VaultKey,
    offset: u64,
    len: u64,
) -> Result<Bytes> {
    let stream = vault.get(key, ReadRange::Part { offset, len }).await?;
    let chunks: Vec<Bytes> = stream.try_collect().await?;
    Ok(chunks.concat().into())
}
