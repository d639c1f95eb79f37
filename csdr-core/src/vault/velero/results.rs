//! Velero's `-results.gz`.

use crate::{model::ObjectId, report::Notes};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Errors and warnings as `velero backup describe` and `velero restore describe` show them: those about objects of a namespace under its
/// name, those about cluster-scoped objects and kinds under `cluster`, the rest under `velero`. Source: velero.md section 1.6.
pub(crate) fn results(errors: &Notes, warnings: &Notes) -> Value {
    json!({ "errors": side(errors), "warnings": side(warnings) })
}

fn side(notes: &Notes) -> Value {
    let (mut velero, mut cluster) = (Vec::new(), Vec::new());
    let mut namespaces: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for note in notes.iter() {
        let text = note.to_string();
        match note.about.parse::<ObjectId>() {
            Err(_) => velero.push(text),
            Ok(id) => match id.namespace() {
                Some(namespace) => namespaces
                    .entry(namespace.to_owned())
                    .or_default()
                    .push(text),
                None => cluster.push(text),
            },
        }
    }
    if notes.dropped() > 0 {
        velero.push(format!("and {} more", notes.dropped()));
    }
    json!({ "velero": velero, "cluster": cluster, "namespaces": namespaces })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Note;

    #[test]
    fn velero_1_6_results_stand_under_their_namespace() {
        let mut errors = Notes::default();
        for about in ["", "namespace shop", "services/shop/web", "nodes/one"] {
            errors.push(Note::new(about, "is bad"));
        }
        let found = results(&errors, &Notes::default());
        let expected = json!({
            "errors": {
                "velero": ["is bad", "namespace shop: is bad"],
                "cluster": ["nodes/one: is bad"],
                "namespaces": { "shop": ["services/shop/web: is bad"] },
            },
            "warnings": { "velero": [], "cluster": [], "namespaces": {} },
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_not_kept_is_counted() {
        let mut warnings = Notes::default();
        for _ in 0..=Notes::KEPT {
            warnings.push(Note::new("", "x"));
        }
        let found = results(&Notes::default(), &warnings);
        let lines = found["warnings"]["velero"].as_array().unwrap();
        assert_eq!(lines.len(), Notes::KEPT + 1);
        assert_eq!(lines[Notes::KEPT], "and 1 more");
    }
}
