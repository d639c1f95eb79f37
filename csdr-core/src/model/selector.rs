//! Label selectors.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// A label selector in Kubernetes' object form; `FromStr` and `Display` use the text form of kubectl's `-l`.
///
/// ```
/// use csdr_core::model::LabelSelector;
/// let selector: LabelSelector = "app=shop,tier in (web, api),!canary".parse()?;
/// let labels = [("app", "shop"), ("tier", "web")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
/// assert!(selector.matches(&labels));
/// assert_eq!(selector.to_string(), "app=shop,!canary,tier in (api,web)");
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LabelSelector {
    /// Labels that must have exactly this value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Further requirements; all must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<SelectorRequirement>,
}

/// One requirement of a selector.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectorRequirement {
    /// The label's key.
    pub key: String,
    /// How `values` are compared.
    pub operator: SelectorOperator,
    /// For `In` and `NotIn`; empty otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// How a requirement compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SelectorOperator {
    /// The label has one of the values.
    In,
    /// The label is absent, or has none of the values.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is absent.
    DoesNotExist,
}

impl LabelSelector {
    /// Whether it selects everything.
    pub fn is_empty(&self) -> bool {
        self.match_labels.is_empty() && self.match_expressions.is_empty()
    }

    /// Whether all requirements hold for `labels`.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.match_labels
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
            && self
                .match_expressions
                .iter()
                .all(|requirement| requirement.matches(labels))
    }

    /// Refuses what the API server would refuse.
    ///
    /// # Errors
    /// `InvalidInput` for an empty or malformed key, a malformed value, or a number of values that the operator does not take.
    pub fn validate(&self) -> Result<()> {
        for (key, value) in &self.match_labels {
            check_key(key)?;
            check_value(value)?;
        }
        for requirement in &self.match_expressions {
            check_key(&requirement.key)?;
            requirement
                .values
                .iter()
                .try_for_each(|value| check_value(value))?;
            let takes = matches!(
                requirement.operator,
                SelectorOperator::In | SelectorOperator::NotIn
            );
            if takes == requirement.values.is_empty() {
                return Err(bad(
                    "`In` and `NotIn` take values, `Exists` and `DoesNotExist` take none",
                    &requirement.key,
                ));
            }
        }
        Ok(())
    }
}

impl SelectorRequirement {
    fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        match self.operator {
            SelectorOperator::In => value.is_some_and(|value| self.values.contains(value)),
            SelectorOperator::NotIn => !value.is_some_and(|value| self.values.contains(value)),
            SelectorOperator::Exists => value.is_some(),
            SelectorOperator::DoesNotExist => value.is_none(),
        }
    }
}

fn bad(message: &str, text: &str) -> Error {
    Error::invalid(format!("label selector: {message}")).with_context("at", text.escape_debug())
}

fn check_key(key: &str) -> Result<()> {
    let (prefix, name) = key
        .split_once('/')
        .map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let prefix_ok = prefix.is_none_or(super::version::is_segment);
    if prefix_ok && !name.is_empty() && is_label_text(name) {
        Ok(())
    } else {
        Err(bad("not a label key", key))
    }
}

fn check_value(value: &str) -> Result<()> {
    if value.is_empty() || is_label_text(value) {
        Ok(())
    } else {
        Err(bad("not a label value", value))
    }
}

/// Source: Kubernetes' qualified name part: up to 63 of `[A-Za-z0-9_.-]`, letter or digit at both ends.
fn is_label_text(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

impl FromStr for LabelSelector {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut selector = Self::default();
        for term in split_terms(text) {
            parse_term(term.trim(), &mut selector)?;
        }
        selector.match_expressions.sort();
        selector.validate()?;
        Ok(selector)
    }
}

/// Splits at commas outside of parentheses.
fn split_terms(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut terms) = (0usize, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                terms.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !text.trim().is_empty() {
        terms.push(&text[start..]);
    }
    terms
}

fn parse_term(term: &str, selector: &mut LabelSelector) -> Result<()> {
    let mut push = |key: &str, operator, values: Vec<String>| {
        selector.match_expressions.push(SelectorRequirement {
            key: key.trim().to_owned(),
            operator,
            values,
        });
    };
    if let Some(key) = term.strip_prefix('!') {
        push(key, SelectorOperator::DoesNotExist, Vec::new());
    } else if let Some((key, value)) = term.split_once("!=") {
        push(key, SelectorOperator::NotIn, vec![value.trim().to_owned()]);
    } else if let Some((head, list)) = term.split_once('(') {
        let list = list
            .strip_suffix(')')
            .ok_or_else(|| bad("missing `)`", term))?;
        let mut values: Vec<String> = list
            .split(',')
            .map(|value| value.trim().to_owned())
            .collect();
        values.sort();
        values.dedup();
        match head.split_whitespace().collect::<Vec<_>>()[..] {
            [key, "in"] => push(key, SelectorOperator::In, values),
            [key, "notin"] => push(key, SelectorOperator::NotIn, values),
            _ => return Err(bad("expected `key in (…)` or `key notin (…)`", term)),
        }
    } else if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
        let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
        match selector.match_labels.get(&key) {
            Some(other) if *other != value => {
                selector.match_expressions.push(SelectorRequirement {
                    key,
                    operator: SelectorOperator::In,
                    values: vec![value],
                });
            }
            _ => {
                selector.match_labels.insert(key, value);
            }
        }
    } else {
        push(term, SelectorOperator::Exists, Vec::new());
    }
    Ok(())
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let equal = self
            .match_labels
            .iter()
            .map(|(key, value)| format!("{key}={value}"));
        let further = self.match_expressions.iter().map(|requirement| {
            let (key, values) = (&requirement.key, requirement.values.join(","));
            match requirement.operator {
                SelectorOperator::In => format!("{key} in ({values})"),
                SelectorOperator::NotIn => format!("{key} notin ({values})"),
                SelectorOperator::Exists => key.clone(),
                SelectorOperator::DoesNotExist => format!("!{key}"),
            }
        });
        f.write_str(&equal.chain(further).collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors() {
        let labels: BTreeMap<String, String> = [("app", "shop"), ("tier", "web")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
        for (text, expected) in [
            ("", true),
            ("app=shop", true),
            ("app==shop", true),
            ("app=other", false),
            ("app!=other", true),
            ("missing!=other", true),
            ("tier in (api,web),app", true),
            ("tier notin (api,web)", false),
            ("!canary", true),
            ("!app", false),
            ("app=shop,app=other", false),
        ] {
            let selector: LabelSelector = text.parse().unwrap();
            assert_eq!(selector.matches(&labels), expected, "{text}");
            let again: LabelSelector = selector.to_string().parse().unwrap();
            assert_eq!(again, selector, "{text}");
        }
        for text in [
            "=x", "a in x", "a in (x", "a=b c", "a,,b", "-a=b", "a/b/c=d",
        ] {
            assert!(text.parse::<LabelSelector>().is_err(), "{text}");
        }
    }
}
