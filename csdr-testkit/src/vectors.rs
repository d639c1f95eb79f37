//! Vectors: what the API server's own code makes of an object, against what csdr makes of it.
//!
//! A vector is a line `{"job":{"id","to","object",…},"result":{…}}`. [`judge`] converts `job.object` to `job.to` with
//! [`BuiltinConverter::faithful`] and compares it with `result.object`; both are brought into one form first. Absent are: `null`,
//! an empty `status`, `resources`, `metadata`, `strategy` or `updateStrategy`, an empty array, an empty map of strings or quantities,
//! the annotation `deprecated.daemonset.template.generation`. Every other `{}` has a meaning and stays. Numbers and quantities are
//! compared by value, times to the second, annotations and labels letter by letter.
//!
//! Rows apart, each with its rule:
//!
//! | row | rule |
//! |---|---|
//! | `job.sourceDefaults: false` | [`Verdict::Apart`]: the server's answer without the defaults of the stored version, which csdr never gives |
//! | `result.ok: false` | csdr must answer an error, or skip the object in the second stage |
//! | `result.strict` | the server dropped these unknown fields: compared without them, and each must be in csdr's answer or in its losses |
//! | the same version in and out | the first stage must not touch it; whatever the server takes away or replaces, the second stage must too |
//! | `result.created` | besides: the second stage for 1.36 must not refuse it, and must record all that it changes |
//! | `result.invalid` | besides: the second stage for 1.36 must answer something else than the refused object, or refuse it with a reason |
//! | `job.create` | the object goes through the second stage only, by the two rules above; `noCreate` rows are never stored, any answer passes |
//!
//! Whether what the second stage answers for an `invalid` row would be *accepted* is not judged here: that takes a real server.
//!
//! A list is converted item by item; Go writes the items of a list of one kind without `apiVersion` and `kind`, so they are compared
//! without.
//!
//! One difference is deliberate: the server loses `containerResource.container` of an autoscaling/v2beta1
//! HorizontalPodAutoscaler, csdr keeps it.

mod shape;
mod value;

use csdr_core::{
    Error, Result,
    conversion::{BuiltinConverter, Change, Converted, Edit, Loss, SkipReason, TargetApis, list},
    model::Tree,
};
use shape::{Difference, differences, normal, pointer};

/// What a vector came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// csdr does as the server does.
    Passed,
    /// It does not: the first differing path, and what differs.
    Failed(String),
    /// Not to be compared; why.
    Apart(String),
}

/// A vector's id and what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// `job.id`.
    pub id: String,
    /// Whether it passed.
    pub verdict: Verdict,
}

/// The release whose create code made `created` and `invalid`.
const CREATE_MINOR: u32 = 36;

/// Judges one line.
///
/// # Errors
/// `Corrupt` if the line is not JSON, `InvalidInput` if it is not a vector.
pub fn judge(line: &str) -> Result<Judged> {
    let row = Tree::parse(line.as_bytes())?;
    let (Some(id), Some(object), Some(to)) = (
        row.text_at(&["job", "id"]),
        row.at(&["job", "object"]),
        row.text_at(&["job", "to"]),
    ) else {
        return Err(Error::invalid(
            "line is no vector: job.id, job.to or job.object is missing",
        ));
    };
    let answer = row.at(&["result"]).ok_or_else(|| {
        Error::invalid("line is no vector: result is missing").with_context("id", id)
    })?;
    let vector = Vector {
        object,
        to,
        create: row.at(&["job", "create"]).and_then(Tree::as_bool) == Some(true),
        answer,
        converter: BuiltinConverter::new(),
        target: TargetApis::kubernetes(1, CREATE_MINOR)?,
    };
    let verdict = if row.at(&["job", "sourceDefaults"]).and_then(Tree::as_bool) == Some(false) {
        Verdict::Apart("the server's answer without the defaults of the stored version".to_owned())
    } else {
        match vector.judge() {
            Ok(()) => Verdict::Passed,
            Err(why) => Verdict::Failed(why),
        }
    };
    Ok(Judged {
        id: id.to_owned(),
        verdict,
    })
}

struct Vector<'a> {
    object: &'a Tree,
    to: &'a str,
    create: bool,
    answer: &'a Tree,
    converter: BuiltinConverter,
    target: TargetApis,
}

impl Vector<'_> {
    fn judge(&self) -> Result<(), String> {
        if self.answer.at(&["ok"]).and_then(Tree::as_bool) != Some(true) {
            return self.refused();
        }
        if self.create {
            return self.accepted(self.object.clone());
        }
        let expected = self
            .answer
            .at(&["object"])
            .ok_or("/: the vector has no result.object")?;
        // A list of anything is v1 whatever it holds.
        let anything = list::is_list(self.object) && self.object.text_at(&["kind"]) == Some("List");
        if self.object.text_at(&["apiVersion"]) == Some(self.to) && !anything {
            return self.same_version(expected);
        }
        let converted = self.faithful(self.object)?;
        let compared = match self.unknown_fields() {
            unknown if unknown.is_empty() => converted.tree.clone(),
            unknown => self.without(&unknown, &converted)?,
        };
        let found = differences(&normal(&bare(expected)), &normal(&bare(&compared)));
        match found.iter().find(|found| !self.deliberate(found)) {
            Some(found) => Err(found.sentence()),
            None => self.accepted(converted.tree),
        }
    }

    fn faithful(&self, object: &Tree) -> Result<Converted, String> {
        let to = self.to.parse().map_err(|error| refusal("job.to", &error))?;
        self.converter
            .faithful(object.clone(), &to)
            .map_err(|error| refusal("csdr answers an error", &error))
    }

    fn mended(&self, object: Tree) -> Result<Result<Converted, SkipReason>, String> {
        self.converter
            .acceptable(object, &self.target)
            .map_err(|error| refusal("the second stage answers an error", &error))
    }

    /// The server cannot read the object, or knows its kind no more.
    fn refused(&self) -> Result<(), String> {
        let Ok(converted) = self.faithful(self.object) else {
            return Ok(());
        };
        match self.mended(converted.tree) {
            Ok(Err(_)) | Err(_) => Ok(()),
            Ok(Ok(_)) => Err(format!(
                "/: csdr converts it, the server answers: {}",
                self.answer.text_at(&["error"]).unwrap_or("an error")
            )),
        }
    }

    /// The first stage leaves an object of the wanted version alone; what the server takes away from it, the second does too.
    fn same_version(&self, expected: &Tree) -> Result<(), String> {
        let converted = self.faithful(self.object)?;
        if let Some(found) = differences(self.object, &converted.tree).first() {
            return Err(format!(
                "{}, although it is in that version",
                found.sentence()
            ));
        }
        let mended = match self.mended(self.object.clone())? {
            Ok(mended) => normal(&mended.tree),
            Err(reason) => return Err(format!("/: the second stage skips it: {reason}")),
        };
        let expected = normal(expected);
        for changed in differences(&normal(self.object), &expected) {
            // Additions are the server's defaults: it makes them itself when it stores the object.
            if changed.expected.is_none() {
                continue;
            }
            let is = at(&mended, &changed.path).cloned();
            if is != changed.actual {
                let found = Difference {
                    path: changed.path,
                    expected: changed.actual,
                    actual: is,
                };
                return Err(found.sentence());
            }
        }
        Ok(())
    }

    /// The unknown fields that the server names, as it writes them.
    fn unknown_fields(&self) -> Vec<&str> {
        let said = self.answer.at(&["strict"]).and_then(Tree::as_array);
        said.unwrap_or_default()
            .iter()
            .filter_map(|line| Some(line.as_str()?.split_once("unknown field \"")?.1))
            .filter_map(|rest| Some(rest.rsplit_once('"')?.0))
            .collect()
    }

    /// What csdr makes of the object without its unknown fields, after a look that it kept or reported each of them.
    fn without(&self, unknown: &[&str], converted: &Converted) -> Result<Tree, String> {
        let mut object = self.object.clone();
        for field in unknown {
            let Some(value) = take(&mut object, field) else {
                continue;
            };
            let reported =
                |loss: &Loss| loss.value.as_ref().is_some_and(|lost| holds(lost, &value));
            if !holds(&converted.tree, &value) && !converted.losses.iter().any(reported) {
                let name = field.replace(['.', '['], "/").replace(']', "");
                return Err(format!("/{name}: unknown field was dropped silently"));
            }
        }
        Ok(self.faithful(&object)?.tree)
    }

    /// Differences that csdr means.
    fn deliberate(&self, found: &Difference) -> bool {
        let lost = match &found.expected {
            None => true,
            Some(value) => value.as_str() == Some(""),
        };
        self.object.text_at(&["apiVersion"]) == Some("autoscaling/v2beta1")
            && found
                .path
                .ends_with(&["containerResource".to_owned(), "container".to_owned()])
            && lost
            && found.actual.is_some()
    }

    /// The second stage: what a create would refuse is mended or refused, what it takes is left as it is in effect.
    fn accepted(&self, object: Tree) -> Result<(), String> {
        let said = self.answer.at(&["invalid"]).and_then(Tree::as_array);
        if let Some(said) = said.filter(|said| !said.is_empty()) {
            let Ok(mended) = self.mended(object)? else {
                return Ok(());
            };
            let refused = self.answer.at(&["object"]).unwrap_or(self.object);
            return match differences(&normal(refused), &normal(&mended.tree)).first() {
                Some(_) => Ok(()),
                None => Err(format!(
                    "/: the second stage leaves it, a create answers: {}",
                    said.first().and_then(Tree::as_str).unwrap_or("an error")
                )),
            };
        }
        if self.answer.at(&["created"]).is_none() {
            return Ok(());
        }
        match self.mended(object.clone())? {
            // Not a word about its form: the cluster makes such objects itself, or nothing stores them.
            Err(SkipReason::MadeByCluster { .. } | SkipReason::NeverStored) => Ok(()),
            Err(reason) => Err(format!(
                "/: a create takes it, the second stage says: {reason}"
            )),
            Ok(mended) => {
                let found = differences(&object, &mended.tree);
                match found.iter().find(|found| !recorded(found, &mended)) {
                    None => Ok(()),
                    Some(found) => Err(format!("{}, and it is not recorded", found.sentence())),
                }
            }
        }
    }
}

/// A list of one kind, as Go writes its items; anything else as it is.
fn bare(tree: &Tree) -> Tree {
    let mut tree = tree.clone();
    if list::is_list(&tree) && tree.text_at(&["kind"]) != Some("List") {
        let items = tree.at_mut(&["items"]).and_then(Tree::as_array_mut);
        for item in items.into_iter().flatten() {
            item.remove(&["apiVersion"]);
            item.remove(&["kind"]);
        }
    }
    tree
}

fn refusal(what: &str, error: &Error) -> String {
    format!("/: {what}: {}", error.chain())
}

/// Whether a change or loss speaks of the place of a difference.
fn recorded(found: &Difference, mended: &Converted) -> bool {
    let place = pointer(&found.path);
    let near = |path: &str| place.starts_with(path) || path.starts_with(&place);
    let by_change = |change: &Change| {
        near(&change.path) || matches!(&change.edit, Edit::Moved { from } if near(from))
    };
    mended.changes.iter().any(by_change) || mended.losses.iter().any(|loss| near(&loss.path))
}

/// The value at a path of keys and indices.
fn at<'a>(tree: &'a Tree, path: &[String]) -> Option<&'a Tree> {
    path.iter().try_fold(tree, |tree, key| match tree {
        Tree::Object(map) => map.get(key),
        Tree::Array(items) => items.get(key.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Whether a value stands anywhere in a tree.
fn holds(tree: &Tree, value: &Tree) -> bool {
    tree == value
        || match tree {
            Tree::Object(map) => map.values().any(|inner| holds(inner, value)),
            Tree::Array(items) => items.iter().any(|inner| holds(inner, value)),
            _ => false,
        }
}

/// Takes a field away that is named as Go's strict decoder does: `spec.rules[0].http`. Keys may hold dots.
fn take(tree: &mut Tree, field: &str) -> Option<Tree> {
    match tree {
        Tree::Object(map) => {
            if let Some(value) = map.shift_remove(field) {
                return Some(value);
            }
            map.iter_mut().find_map(|(key, value)| {
                let rest = field.strip_prefix(key)?;
                let dotted = rest.strip_prefix('.');
                take(
                    value,
                    dotted.or_else(|| rest.starts_with('[').then_some(rest))?,
                )
            })
        }
        Tree::Array(items) => {
            let (index, rest) = field.strip_prefix('[')?.split_once(']')?;
            let item = items.get_mut(index.parse::<usize>().ok()?)?;
            take(item, rest.strip_prefix('.').unwrap_or(rest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
