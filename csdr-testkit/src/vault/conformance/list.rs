//! Rules of listing and of keys.

use super::{Fixture, LIMIT, Verdict, any_mode, demand, fill, key, listed};
use csdr_core::port::{VaultBackendExt, VaultKey};

/// `list` yields every object at any depth once, with its size; a prefix without objects is empty.
///
/// # Errors
/// How the rule is broken.
pub async fn list_is_complete(fixture: &Fixture) -> Verdict {
    let vault = fixture.vault();
    let capabilities = vault.capabilities();
    let nothing = listed(&vault, &key("nothing/here")?).await?;
    demand!(
        nothing.is_empty(),
        "a prefix without objects lists {nothing:?}"
    );
    if !capabilities.write || !capabilities.list_consistent {
        return Ok(());
    }
    let mut expected = Vec::new();
    for i in 0..60usize {
        let depth = ["", "a/", "a/b/", "a/b/c/d/e/"][i % 4];
        let key = key(&format!("all/{depth}object-{i:02}"))?;
        vault
            .put(&key, vec![b'x'; i].into(), any_mode(&vault))
            .await?;
        expected.push((key, i as u64));
    }
    expected.sort();
    for prefix in [VaultKey::root(), key("all")?] {
        let rows = vault.keys(&prefix, 10_000).await?;
        let mut seen: Vec<_> = rows.into_iter().map(|row| (row.key, row.size)).collect();
        seen.sort();
        demand!(
            seen == expected,
            "`{prefix}` holds {} objects, and lists {}: {seen:?}",
            expected.len(),
            seen.len()
        );
    }
    Ok(())
}

/// `list` is in the order of the keys' bytes: `/` is a byte like others, between `.` and `0`.
///
/// # Errors
/// How the rule is broken.
pub async fn list_is_in_key_order(fixture: &Fixture) -> Verdict {
    let vault = fixture.vault();
    let capabilities = vault.capabilities();
    if !capabilities.write || !capabilities.list_consistent {
        return Ok(());
    }
    let mut texts = [
        "p/b/x", "p/b-c", "p/b.d/y", "p/b0", "p/B", "p/a/z/1", "p/a/z-0", "p/é", "p/z", "p/10",
        "p/9",
    ];
    fill(&vault, &texts).await?;
    texts.sort_unstable();
    let seen = listed(&vault, &key("p")?).await?;
    demand!(seen == texts, "keys came in the order {seen:?}");
    Ok(())
}

/// A prefix means the keys below `prefix/`: neither the object of that name nor names that merely start alike.
///
/// # Errors
/// How the rule is broken.
pub async fn list_keeps_to_the_prefix(fixture: &Fixture) -> Verdict {
    let vault = fixture.vault();
    let capabilities = vault.capabilities();
    if !capabilities.write || !capabilities.list_consistent {
        return Ok(());
    }
    fill(
        &vault,
        &[
            "shop/1",
            "shop/2/3",
            "shop-1/1",
            "shop2",
            "sho/p",
            "other/shop/1",
        ],
    )
    .await?;
    for (prefix, mut expected) in [
        ("shop", vec!["shop/1", "shop/2/3"]),
        ("shop/2", vec!["shop/2/3"]),
        ("shop2", vec![]),
        ("sh", vec![]),
    ] {
        let mut seen = listed(&vault, &key(prefix)?).await?;
        seen.sort();
        expected.sort_unstable();
        demand!(seen == expected, "the prefix `{prefix}` lists {seen:?}");
    }
    Ok(())
}

/// Keys with unusual characters stay apart and come back as they were.
///
/// # Errors
/// How the rule is broken.
pub async fn keys_keep_their_text(fixture: &Fixture) -> Verdict {
    let vault = fixture.vault();
    let capabilities = vault.capabilities();
    if !capabilities.write {
        return Ok(());
    }
    let names = [
        "a b", "a+b", "a%20b", "a%2Fb", "a%", "a#b", "a?b=c", "a&b", "a:b", "a@b", "a,b;c", "a=b",
        "a'b", "a\"b", "a<b>", "a$(b)", "a*b", "a|b", "a~b", "a^b`", "ü", "u\u{308}", "名前", "🗄",
        ".hidden", "...", "-", "UPPER", "a..b",
    ];
    for name in names {
        let key = key(&format!("keys/{name}/{name}.json"))?;
        vault.put(&key, name.into(), any_mode(&vault)).await?;
    }
    for name in names {
        let key = key(&format!("keys/{name}/{name}.json"))?;
        let body = vault.read(&key, LIMIT).await?;
        demand!(
            body == name,
            "the object `{key}` holds what was put under {body:?}"
        );
        if capabilities.list_consistent {
            let below = listed(&vault, &VaultKey::parse(format!("keys/{name}"))?).await?;
            demand!(
                below == [key.to_string()],
                "below `keys/{name}` lies {below:?}"
            );
        }
        vault.delete(&key).await?;
        let left = vault.read_if_exists(&key, LIMIT).await?;
        demand!(left.is_none(), "`{key}` was deleted, and is there");
    }
    Ok(())
}
