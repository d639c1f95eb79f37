//! Labels that objects must have.

use crate::{
    Error, Result,
    model::{LabelSelector, SelectorOperator, SelectorRequirement},
};
use std::collections::{BTreeMap, BTreeSet};

/// One selector, or several of which one must match.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels {
    any_of: Vec<LabelSelector>,
}

impl Labels {
    /// From both fields of a spec. Source: velero.md section 2.2: they exclude each other.
    pub(super) fn new(one: &LabelSelector, any_of: &[LabelSelector]) -> Result<Self> {
        for selector in any_of.iter().chain([one]) {
            selector.validate()?;
        }
        if any_of.is_empty() {
            let own = (!one.is_empty()).then(|| one.clone());
            return Ok(Self {
                any_of: own.into_iter().collect(),
            });
        }
        if !one.is_empty() {
            return Err(Error::invalid(
                "`labelSelector` and `orLabelSelectors` exclude each other; use one of them",
            ));
        }
        if any_of.iter().any(LabelSelector::is_empty) {
            return Err(Error::invalid(
                "orLabelSelectors: an empty selector selects everything",
            ));
        }
        Ok(Self {
            any_of: any_of.to_vec(),
        })
    }

    pub(super) fn is_all(&self) -> bool {
        self.any_of.is_empty()
    }

    pub(super) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.is_all() || self.any_of.iter().any(|selector| selector.matches(labels))
    }

    /// What a server is asked for: everything that matches, and perhaps more.
    pub(super) fn request(&self) -> LabelSelector {
        match self.any_of.as_slice() {
            [] => LabelSelector::default(),
            [one] => one.clone(),
            [first, ..] => self.cover(first),
        }
    }

    /// Whether the server's answer to [`request`](Self::request) is exactly what matches.
    pub(super) fn is_exact(&self) -> bool {
        self.any_of.len() <= 1
    }

    /// The keys that every selector demands, with the values of all of them.
    fn cover(&self, first: &LabelSelector) -> LabelSelector {
        let mut cover = LabelSelector::default();
        let keys: BTreeSet<&String> = demanded(first).map(|(key, _)| key).collect();
        for key in keys {
            let mut values = BTreeSet::new();
            let mut open = false;
            let all = self.any_of.iter().all(|selector| {
                match demanded(selector).find(|(own, _)| *own == key) {
                    Some((_, Some(own))) => values.extend(own.iter().cloned()),
                    Some((_, None)) => open = true,
                    None => return false,
                }
                true
            });
            if all {
                cover.match_expressions.push(SelectorRequirement {
                    key: key.clone(),
                    operator: if open {
                        SelectorOperator::Exists
                    } else {
                        SelectorOperator::In
                    },
                    values: if open {
                        Vec::new()
                    } else {
                        values.into_iter().collect()
                    },
                });
            }
        }
        cover
    }
}

/// Labels that must be there, with the values that they may have, if these are limited.
fn demanded(selector: &LabelSelector) -> impl Iterator<Item = (&String, Option<&[String]>)> {
    let equal = selector
        .match_labels
        .iter()
        .map(|(key, value)| (key, Some(std::slice::from_ref(value))));
    let further =
        selector
            .match_expressions
            .iter()
            .filter_map(|requirement| match requirement.operator {
                SelectorOperator::In => Some((&requirement.key, Some(&*requirement.values))),
                SelectorOperator::Exists => Some((&requirement.key, None)),
                SelectorOperator::NotIn | SelectorOperator::DoesNotExist => None,
            });
    equal.chain(further)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn velero_2_2_or_selectors_ask_for_no_less_than_they_take() {
        let all: Vec<BTreeMap<String, String>> =
            ["", "a=1", "a=2", "a=3", "a=1,b=1", "b=1", "b=2", "c=1"]
                .iter()
                .map(|text| {
                    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
                    pairs
                        .map(|(key, value)| (key.to_owned(), value.to_owned()))
                        .collect()
                })
                .collect();
        for (selectors, request) in [
            (&["a=1", "a=2"][..], "a in (1,2)"),
            (&["a=1", "a in (2,3)", "a=1,b=1"], "a in (1,2,3)"),
            (&["a=1", "b=1"], ""),
            (&["a=1", "a"], "a"),
            (&["a=1,b=1", "b=1,a=3"], "a in (1,3),b in (1)"),
            (&["!a", "a=1"], ""),
            (&["a!=1", "a=1"], ""),
            (&["a=1"], "a=1"),
        ] {
            let selectors: Vec<LabelSelector> =
                selectors.iter().map(|text| text.parse().unwrap()).collect();
            let labels = Labels::new(&LabelSelector::default(), &selectors).unwrap();
            let asked = labels.request();
            assert_eq!(asked.to_string(), request, "{selectors:?}");
            assert_eq!(labels.is_exact(), selectors.len() == 1);
            for own in &all {
                assert_eq!(
                    labels.matches(own),
                    selectors.iter().any(|one| one.matches(own))
                );
                assert!(
                    !labels.matches(own) || asked.matches(own),
                    "{selectors:?} {own:?}"
                );
            }
        }
    }
}
