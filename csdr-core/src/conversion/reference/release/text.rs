//! The documents of a manifest's text.

use super::super::{
    super::{
        draft::Log,
        outcome::{LossKind, Severity},
    },
    Sight,
    served::{Way, way},
    written,
};
use crate::{
    manifest::yaml::{YamlLimits, documents, pieces, with_document},
    model::{ApiVersion, Tree},
};

/// What happened, in words without any value.
#[derive(Default)]
pub(super) struct Told {
    pub(super) converted: Vec<String>,
    pub(super) lost: Vec<(LossKind, Severity, String)>,
}

/// The text with the documents converted whose version the target does not serve; `None` if there are none.
pub(super) fn converted(text: &str, sight: &Sight<'_>, told: &mut Told) -> Option<String> {
    let before = told.converted.len();
    let new: String = pieces(text)
        .into_iter()
        .map(|piece| document(piece, sight, told).unwrap_or_else(|| piece.to_owned()))
        .collect();
    (told.converted.len() > before).then_some(new)
}

/// Versions that are looked for before anything is parsed: most documents need nothing.
fn may_need_it(piece: &str) -> bool {
    piece.contains("apiVersion")
}

fn document(piece: &str, sight: &Sight<'_>, told: &mut Told) -> Option<String> {
    if !may_need_it(piece) {
        return None;
    }
    let mut found = documents(piece, &YamlLimits::default());
    let (Some(document), true) = (found.pop(), found.is_empty()) else {
        return None;
    };
    let Ok(mut tree) = document.tree else {
        told.lost.push((
            LossKind::Inert,
            Severity::Info,
            "a document is no YAML that csdr reads and stays as it is".to_owned(),
        ));
        return None;
    };
    let (api_version, kind) = (tree.text_at(&["apiVersion"])?, tree.text_at(&["kind"])?);
    let old: ApiVersion = api_version.parse().ok()?;
    let name = tree.text_at(&["metadata", "name"]).unwrap_or_default();
    let what = format!("{kind} {}", name.escape_debug());
    let to = match way(sight.target, &old, kind) {
        Way::To(to) => to,
        Way::Gone => {
            told.lost.push((
                LossKind::Dangling,
                Severity::Warning,
                format!(
                    "{what} is written in {old}, and the target has no such kind: `helm upgrade` fails until it is taken out of the release"
                ),
            ));
            return None;
        }
        Way::Stays => return None,
    };
    let mut log = Log::default();
    if written::convert(&mut tree, &to, &mut log).is_err() {
        told.lost.push((
            LossKind::Dangling,
            Severity::Warning,
            format!(
                "{what} is written in {old}, which the target does not serve, and csdr cannot convert it: `helm upgrade` fails until it is written in {to}"
            ),
        ));
        return None;
    }
    told.converted.push(format!("{what}: {old} → {to}"));
    told.lost.extend(log.losses.into_iter().map(|loss| {
        let reason = format!("{what} at {}: {}", loss.path, loss.reason);
        (loss.kind, loss.severity, reason)
    }));
    Some(one_line(piece, &old, &to, &tree).unwrap_or_else(|| with_document(piece, &tree)))
}

/// The piece with another apiVersion, if that line is all that differs: comments and layout stay.
fn one_line(piece: &str, old: &ApiVersion, to: &ApiVersion, wanted: &Tree) -> Option<String> {
    let line = piece
        .split_inclusive('\n')
        .find(|line| line.starts_with("apiVersion:"))?;
    let new = piece.replacen(
        line,
        &line.replacen(&old.to_string(), &to.to_string(), 1),
        1,
    );
    let mut read = documents(&new, &YamlLimits::default());
    let tree = read.pop()?.tree.ok()?;
    (read.is_empty() && tree == *wanted).then_some(new)
}
