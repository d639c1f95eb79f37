//! Rules of writing and deleting.

use super::{Fixture, LIMIT, Verdict, any_mode, demand, fill, key, listed, pattern};
use bytes::Bytes;
use csdr_core::port::{PutMode, VaultBackendExt, VaultKey};
use std::{future::poll_fn, task::Poll};

/// What was put is read back, byte for byte; the answer tells its key and size.
///
/// # Errors
/// How the rule is broken.
pub async fn put_is_read_back(fixture: &Fixture) -> Verdict {
    let vault = fixture.vault();
    if !vault.capabilities().write {
        return Ok(());
    }
    for (i, len) in [0, 1, 4096, 3_000_001].into_iter().enumerate() {
        let key = key(&format!("folder/object-{i}"))?;
        let body = pattern(len, 1);
        let meta = vault.put(&key, body.clone(), any_mode(&vault)).await?;
        demand!(
            meta.key == key,
            "put of `{key}` answered the key `{}`",
            meta.key
        );
        demand!(
            meta.size == len as u64,
            "put of {len} bytes answered size {}",
            meta.size
        );
        let back = vault.read(&key, LIMIT).await?;
        demand!(
            back == body,
            "{len} bytes were put, {} other ones came back",
            back.len()
        );
        let size = vault.stat(&key).await?.size;
        demand!(size == len as u64, "{len} bytes were put, stat says {size}");
    }
    Ok(())
}

/// `Overwrite` replaces, by `put` and by `writer`, and makes where there was nothing.
///
/// # Errors
/// How the rule is broken.
pub async fn overwrite_replaces(fixture: &Fixture) -> Verdict {
    let vault = fixture.vault();
    if !vault.capabilities().write {
        return Ok(());
    }
    let key = key("object")?;
    for body in ["first, the longest of them", "second", "third one"] {
        vault.put(&key, body.into(), PutMode::Overwrite).await?;
        let back = vault.read(&key, LIMIT).await?;
        demand!(
            back == body,
            "after a second put the object still holds {back:?}"
        );
    }
    let mut writer = vault.writer(&key, PutMode::Overwrite).await?;
    writer.write(Bytes::from_static(b"streamed")).await?;
    writer.finish().await?;
    let back = vault.read(&key, LIMIT).await?;
    demand!(
        back == "streamed",
        "after a streamed overwrite the object still holds {back:?}"
    );
    Ok(())
}

/// A writer shows nothing before `finish`: neither a part nor an empty object.
///
/// # Errors
/// How the rule is broken.
pub async fn nothing_is_visible_before_finish(fixture: &Fixture) -> Verdict {
    let vault = fixture.vault();
    let capabilities = vault.capabilities();
    if !capabilities.write {
        return Ok(());
    }
    for (i, mode) in [PutMode::Overwrite, any_mode(&vault)]
        .into_iter()
        .enumerate()
    {
        let key = key(&format!("folder/object-{i}"))?;
        let body = pattern(6 << 20, 2);
        let mut writer = vault.writer(&key, mode).await?;
        for chunk in [0..1, 1..100_000, 100_000..body.len()] {
            demand!(
                !vault.exists(&key).await?,
                "{mode:?}: stat finds an unfinished object"
            );
            writer.write(body.slice(chunk)).await?;
        }
        demand!(
            !vault.exists(&key).await?,
            "{mode:?}: stat finds an unfinished object"
        );
        let seen = listed(&vault, &VaultKey::root()).await?;
        demand!(
            !seen.contains(&key.to_string()),
            "{mode:?}: list shows an unfinished object"
        );
        let meta = writer.finish().await?;
        demand!(
            meta.size == body.len() as u64,
            "finish answered size {}",
            meta.size
        );
        demand!(
            vault.read(&key, LIMIT).await? == body,
            "{mode:?}: the finished object differs"
        );
    }
    Ok(())
}

/// A stream of many megabytes in uneven chunks keeps every byte and their order; an empty one makes an empty object.
///
/// # Errors
/// How the rule is broken.
pub async fn long_streams_keep_their_bytes(fixture: &Fixture) -> Verdict {
    let vault = fixture.vault();
    if !vault.capabilities().write {
        return Ok(());
    }
    // Longer than two parts of most stores' multipart uploads, with a short last one.
    for (name, len) in [("empty", 0usize), ("long", (20 << 20) + 17)] {
        let key = key(name)?;
        let body = pattern(len, 3);
        let mut writer = vault.writer(&key, any_mode(&vault)).await?;
        let (mut start, mut step) = (0, 1);
        while start < len {
            let end = len.min(start + step);
            writer.write(body.slice(start..end)).await?;
            start = end;
            step = (step * 7) % 1_500_007 + 1;
        }
        writer.finish().await?;
        let back = vault.read(&key, LIMIT).await?;
        demand!(
            back.len() == len,
            "{len} bytes were streamed, {} came back",
            back.len()
        );
        let first = back.iter().zip(&body).position(|(a, b)| a != b);
        demand!(
            first.is_none(),
            "a streamed object differs from byte {first:?} on"
        );
    }
    Ok(())
}

/// After `put`, `finish` and `delete` have answered, the next call sees it.
///
/// # Errors
/// How the rule is broken.
pub async fn answers_are_seen_at_once(fixture: &Fixture) -> Verdict {
    let vault = fixture.vault();
    let capabilities = vault.capabilities();
    if !capabilities.write {
        return Ok(());
    }
    let prefix = key("folder")?;
    for (i, streamed) in [false, true, false].into_iter().enumerate() {
        let key = key(&format!("folder/object-{i}"))?;
        if streamed {
            let writer = vault.writer(&key, any_mode(&vault)).await?;
            writer.finish().await?;
        } else {
            vault.put(&key, Bytes::new(), any_mode(&vault)).await?;
        }
        demand!(
            vault.exists(&key).await?,
            "stat misses an object that was just written"
        );
        vault.read(&key, LIMIT).await?;
        if capabilities.list_consistent {
            let seen = listed(&vault, &prefix).await?;
            demand!(
                seen.contains(&key.to_string()),
                "list misses an object that was just written"
            );
        }
        vault.delete(&key).await?;
        demand!(
            !vault.exists(&key).await?,
            "stat still finds an object that was just deleted"
        );
        if capabilities.list_consistent {
            let seen = listed(&vault, &prefix).await?;
            demand!(
                !seen.contains(&key.to_string()),
                "list still shows a deleted object"
            );
        }
    }
    Ok(())
}

/// `delete` removes the one object, and a missing key is no error.
///
/// # Errors
/// How the rule is broken.
pub async fn delete_is_idempotent(fixture: &Fixture) -> Verdict {
    let vault = fixture.vault();
    let capabilities = vault.capabilities();
    if !capabilities.write {
        return Ok(());
    }
    fill(&vault, &["a/b/c", "a/b/d", "a/bc", "e"]).await?;
    for text in ["a/b/c", "a/b/c", "never/there", "a/b/c/below", "a/b"] {
        vault.delete(&key(text)?).await?;
    }
    if capabilities.list_consistent {
        let left = listed(&vault, &VaultKey::root()).await?;
        demand!(
            left == ["a/b/d", "a/bc", "e"],
            "after deleting `a/b/c` there is {left:?}"
        );
    }
    Ok(())
}

/// An aborted writer leaves no object, and the one that was there before stays.
///
/// # Errors
/// How the rule is broken.
pub async fn aborted_writers_leave_nothing(fixture: &Fixture) -> Verdict {
    unfinished_writers_leave_nothing(fixture, Ending::Abort).await
}

/// As with `abort` when a writer is dropped.
///
/// # Errors
/// How the rule is broken.
pub async fn dropped_writers_leave_nothing(fixture: &Fixture) -> Verdict {
    unfinished_writers_leave_nothing(fixture, Ending::Drop).await
}

enum Ending {
    Abort,
    Drop,
}

async fn unfinished_writers_leave_nothing(fixture: &Fixture, ending: Ending) -> Verdict {
    let vault = fixture.vault();
    if !vault.capabilities().write {
        return Ok(());
    }
    let old = key("old")?;
    vault
        .put(&old, Bytes::from_static(b"old"), any_mode(&vault))
        .await?;
    for len in [0, 10, 20 << 20] {
        for (text, mode) in [
            ("old", PutMode::Overwrite),
            ("folder/new", PutMode::Overwrite),
            ("folder/new", any_mode(&vault)),
        ] {
            let mut writer = vault.writer(&key(text)?, mode).await?;
            if len > 0 {
                writer.write(pattern(len, 4)).await?;
            }
            match ending {
                Ending::Abort => writer.abort().await?,
                Ending::Drop => drop(writer),
            }
            let left = listed(&vault, &VaultKey::root()).await?;
            demand!(
                left == ["old"],
                "an unfinished writer of {len} bytes left {left:?}"
            );
            let body = vault.read(&old, LIMIT).await?;
            demand!(
                body == "old",
                "an unfinished writer changed the object that was there"
            );
        }
    }
    Ok(())
}

/// A `put` whose future is dropped has happened or not; it never leaves a part of an object.
///
/// # Errors
/// How the rule is broken.
pub async fn cancelled_puts_are_never_torn(fixture: &Fixture) -> Verdict {
    let vault = fixture.vault();
    if !vault.capabilities().write {
        return Ok(());
    }
    let body = pattern(2 << 20, 5);
    for polls in 0..12 {
        let key = key(&format!("object-{polls}"))?;
        let mut put = vault.put(&key, body.clone(), any_mode(&vault));
        let mut left = polls;
        poll_fn(|context| {
            if left == 0 || put.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            left -= 1;
            // Between polls the store's own threads may go on, as they may in a real cancellation.
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        drop(put);
        for _ in 0..3 {
            if let Some(back) = vault.read_if_exists(&key, LIMIT).await? {
                demand!(
                    back == body,
                    "a put dropped after {polls} polls left {} of {} bytes",
                    back.len(),
                    body.len()
                );
            }
        }
    }
    Ok(())
}
