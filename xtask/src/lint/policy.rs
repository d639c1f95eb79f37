//! `deny.toml`, as far as it can be held without cargo-deny.

use std::fs;

use spdx::Licensee;
use toml::{Table, Value};

use crate::tree;

/// What the project allows in its dependencies.
#[derive(Debug)]
pub(super) struct Policy {
    allowed: Vec<Licensee>,
    /// Crates that nothing shipped may contain.
    pub(super) banned: Vec<String>,
}

impl Policy {
    pub(super) fn read() -> Result<Self, String> {
        let path = tree::root()?.join("deny.toml");
        let text = fs::read_to_string(&path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Self::parse(&text).map_err(|error| format!("deny.toml: {error}"))
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let document: Table = text
            .parse()
            .map_err(|error: toml::de::Error| error.to_string())?;
        let allowed = list(&document, "licenses", "allow")?
            .iter()
            .map(|entry| {
                let name = entry.as_str().ok_or("[licenses] allow holds texts")?;
                Licensee::parse(name).map_err(|error| format!("licence {name:?}: {error}"))
            })
            .collect::<Result<_, String>>()?;
        let banned = list(&document, "bans", "deny")?
            .iter()
            .map(|entry| {
                let name = entry.as_str().or_else(|| entry.get("crate")?.as_str());
                name.map(str::to_owned)
                    .ok_or_else(|| "[bans] deny holds names, or tables with `crate`".to_owned())
            })
            .collect::<Result<_, String>>()?;
        Ok(Self { allowed, banned })
    }

    /// Whether a package under this licence expression may be used.
    pub(super) fn allows(&self, expression: &str) -> Result<bool, String> {
        // Old manifests write `MIT/Apache-2.0`.
        let parsed =
            spdx::Expression::parse_mode(expression, spdx::ParseMode::LAX).map_err(|error| {
                format!("{expression:?} is no licence expression: {}", error.reason)
            })?;
        Ok(parsed.evaluate(|wanted| self.allowed.iter().any(|licence| licence.satisfies(wanted))))
    }
}

fn list<'a>(document: &'a Table, table: &str, key: &str) -> Result<&'a Vec<Value>, String> {
    let value = document.get(table).and_then(|table| table.get(key));
    value
        .and_then(Value::as_array)
        .ok_or_else(|| format!("[{table}] has no list `{key}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_needs_what_it_joins_by_and_and_one_of_what_it_joins_by_or() {
        let policy = Policy::parse(
            "[licenses]\nallow = [\"MIT\", \"Apache-2.0 WITH LLVM-exception\"]\n\
             [bans]\ndeny = [\"a\", { crate = \"b\", reason = \"why\" }]",
        )
        .unwrap();
        assert_eq!(policy.banned, ["a", "b"]);
        for (expression, allowed) in [
            ("MIT", true),
            ("MIT/GPL-3.0", true),
            ("MIT OR GPL-3.0-only", true),
            ("MIT AND GPL-3.0-only", false),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", false),
            ("Apache-2.0", false),
            ("Apache-2.0 WITH LLVM-exception", true),
        ] {
            assert_eq!(policy.allows(expression), Ok(allowed), "{expression}");
        }
        assert!(
            policy
                .allows("my own")
                .unwrap_err()
                .contains("no licence expression")
        );
    }

    #[test]
    fn the_projects_own_policy_is_understood() {
        let policy = Policy::read().unwrap();
        assert_eq!(policy.allows("Apache-2.0"), Ok(true));
        assert!(policy.banned.iter().any(|name| name == "openssl-sys"));
    }
}
