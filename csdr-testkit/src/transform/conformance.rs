//! The contract of [`Transform`] as tests: one rule, one function, one name.
//!
//! An implementation runs them all with one line in its tests; each rule becomes a test of its own:
//!
//! ```
//! use csdr_core::transform::Services;
//!
//! csdr_testkit::transform_conformance!(Services::default());
//! ```
//!
//! The rules say nothing of *what* a transform changes: that is for its own tests.

pub use crate::vault::conformance::{Verdict, Violation};

use csdr_core::{
    conversion::{Change, Loss},
    model::{GroupResource, Object},
    port::Transform,
    transform::{self, TransformItem},
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A text that stands in a Secret only.
const CANARY: &str = "aHVudGVyMi1jYW5hcnk";

/// Resource and JSON of objects as a restore meets them.
const OBJECTS: [(&str, &str); 8] = [
    (
        "pods",
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop","labels":{"app":"web"},"annotations":{"a":"b"}},"spec":{"serviceAccountName":"web","containers":[{"name":"c","image":"nginx:1"}]},"status":{"phase":"Running"}}"#,
    ),
    (
        "deployments.apps",
        r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop"},"spec":{"replicas":1,"template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"nginx:1"}]}}}}"#,
    ),
    (
        "statefulsets.apps",
        r#"{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"db","namespace":"shop"},"spec":{"volumeClaimTemplates":[{"metadata":{"name":"data"},"spec":{"storageClassName":"disk","accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"5Gi"}}}}]}}"#,
    ),
    (
        "services",
        r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"shop"},"spec":{"type":"LoadBalancer","clusterIP":"10.0.0.7","ports":[{"port":80,"nodePort":30080}]}}"#,
    ),
    (
        "persistentvolumes",
        r#"{"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"pv"},"spec":{"persistentVolumeReclaimPolicy":"Retain","claimRef":{"namespace":"shop","name":"data"}}}"#,
    ),
    (
        "jobs.batch",
        r#"{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"done","namespace":"shop"},"spec":{},"status":{"completionTime":"2024-01-01T00:00:00Z"}}"#,
    ),
    (
        "secrets",
        r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"robot","namespace":"shop","annotations":{"kubernetes.io/service-account.name":"web"}},"type":"kubernetes.io/service-account-token","data":{"token":"aHVudGVyMi1jYW5hcnk","ca.crt":"aHVudGVyMi1jYW5hcnk"}}"#,
    ),
    (
        "widgets.example.com",
        r#"{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"a","namespace":"shop"},"spec":{"image":"nginx:1"}}"#,
    ),
];

/// What no server stores, and an archive from anywhere may hold.
const ODD: [&str; 5] = [
    "null",
    "1e999",
    "\"text\"",
    "[null,[],{\"a\":1}]",
    "{\"\":{}}",
];

/// Runs a macro with the name of every rule.
#[doc(hidden)]
#[macro_export]
macro_rules! __transform_rules {
    ($run:path, $($first:tt)*) => {
        $run! {
            $($first)*;
            the_same_item_has_one_answer
            an_object_stays_what_it_is
            a_reason_is_a_few_words
            the_name_is_short
            content_of_secrets_is_not_shown
            odd_types_do_not_panic
        }
    };
}

/// One `#[test]` for each rule of the contract. The argument makes a transform.
#[macro_export]
macro_rules! transform_conformance {
    ($transform:expr) => {
        $crate::__transform_rules!($crate::__transform_tests, $transform);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __transform_tests {
    ($transform:expr; $($rule:ident)*) => {
        $(
            #[test]
            fn $rule() {
                if let Err(violation) = $crate::transform::conformance::$rule(&$transform) {
                    panic!("{}: {}", stringify!($rule), violation);
                }
            }
        )*
    };
}

macro_rules! run_all {
    (; $($rule:ident)*) => {
        /// Runs every rule; answers the rules in order with their verdicts.
        pub fn run_all(transform: &dyn Transform) -> Vec<(&'static str, Verdict)> {
            vec![$((stringify!($rule), $rule(transform)),)*]
        }
    };
}
__transform_rules!(run_all,);

/// Fails the rule with a text.
macro_rules! demand {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err(Violation::new(format!($($text)+)));
        }
    };
}

fn objects() -> Result<Vec<Object>, Violation> {
    let parse = |(resource, json): &(&str, &str)| -> Result<Object, Violation> {
        let resource: GroupResource = resource.parse()?;
        Ok(Object::parse(resource, json.as_bytes().to_vec())?)
    };
    OBJECTS.iter().map(parse).collect()
}

/// What a transform made of an object.
#[derive(PartialEq)]
struct Answer {
    /// The verdict, or the error's text.
    verdict: Result<transform::Verdict, String>,
    json: String,
    changes: Vec<Change>,
    losses: Vec<Loss>,
}

fn answer(transform: &dyn Transform, object: &Object) -> Result<Answer, Violation> {
    let mut item = TransformItem::new(object, object.id().clone(), object.tree()?);
    let verdict = transform.transform(&mut item);
    let (tree, changes, losses) = item.into_parts();
    Ok(Answer {
        verdict: verdict.map_err(|error| error.chain()),
        json: tree.to_string(),
        changes,
        losses,
    })
}

/// Pure: no clock, no randomness, no memory of what was asked before.
///
/// # Errors
/// The violation.
pub fn the_same_item_has_one_answer(transform: &dyn Transform) -> Verdict {
    let objects = objects()?;
    let mut first = Vec::new();
    for object in &objects {
        first.push(answer(transform, object)?);
    }
    for (object, first) in objects.iter().zip(first).rev() {
        demand!(
            answer(transform, object)? == first,
            "{} has another answer the second time",
            object.id()
        );
    }
    Ok(())
}

/// `apiVersion` and `kind` stay: another kind is another object.
///
/// # Errors
/// The violation.
pub fn an_object_stays_what_it_is(transform: &dyn Transform) -> Verdict {
    for object in objects()? {
        let before = object.tree()?;
        let mut item = TransformItem::new(&object, object.id().clone(), object.tree()?);
        let Ok(transform::Verdict::Restore) = transform.transform(&mut item) else {
            continue;
        };
        for field in ["apiVersion", "kind"] {
            demand!(
                item.text(&[field]) == before.text_at(&[field]),
                "{}: {field} is another one",
                object.id()
            );
        }
    }
    Ok(())
}

/// Why an object is not restored, or was changed, is told in a few words on one line, without a full stop.
///
/// # Errors
/// The violation.
pub fn a_reason_is_a_few_words(transform: &dyn Transform) -> Verdict {
    for object in objects()? {
        let answer = answer(transform, &object)?;
        let skip = match &answer.verdict {
            Ok(transform::Verdict::Skip { reason }) => Some(reason),
            _ => None,
        };
        let changes = answer.changes.iter().map(|change| &change.reason);
        let losses = answer.losses.iter().map(|loss| &loss.reason);
        for reason in skip.into_iter().chain(changes).chain(losses) {
            demand!(
                !reason.trim().is_empty() && !reason.contains('\n') && !reason.ends_with('.'),
                "{}: not a reason: {reason:?}",
                object.id()
            );
        }
    }
    Ok(())
}

/// The name stands in plans: short, on one line, and the same at each call.
///
/// # Errors
/// The violation.
pub fn the_name_is_short(transform: &dyn Transform) -> Verdict {
    let name = transform.name().to_owned();
    demand!(
        !name.trim().is_empty() && name.len() <= 40 && !name.contains('\n'),
        "not a name: {name:?}"
    );
    demand!(
        transform.name() == name,
        "the name is another one the second time"
    );
    Ok(())
}

/// Neither reasons nor errors show what a Secret holds.
///
/// # Errors
/// The violation.
pub fn content_of_secrets_is_not_shown(transform: &dyn Transform) -> Verdict {
    for object in objects()? {
        let answer = answer(transform, &object)?;
        let mut texts: Vec<String> = match answer.verdict {
            Ok(transform::Verdict::Restore) => Vec::new(),
            Ok(transform::Verdict::Skip { reason }) => vec![reason.into_owned()],
            Err(error) => vec![error],
        };
        let changes = answer.changes.iter();
        texts.extend(changes.map(|change| {
            format!(
                "{change} {:?} {:?}",
                text(&change.before),
                text(&change.after)
            )
        }));
        texts.extend(
            answer
                .losses
                .iter()
                .map(|loss| format!("{loss} {:?}", text(&loss.value))),
        );
        for text in texts {
            demand!(!text.contains(CANARY), "{}: shown", object.id());
        }
    }
    Ok(())
}

fn text(value: &Option<csdr_core::model::Tree>) -> Option<String> {
    value.as_ref().map(ToString::to_string)
}

/// An archive may hold anything: a field of another type is left alone, or an error, never a panic.
///
/// # Errors
/// The violation.
pub fn odd_types_do_not_panic(transform: &dyn Transform) -> Verdict {
    for object in objects()? {
        let tree = object.tree()?;
        for field in [
            "metadata/annotations",
            "metadata/finalizers",
            "spec",
            "spec/ports",
            "spec/template",
            "spec/containers",
            "status",
            "data",
            "secrets",
        ] {
            for odd in ODD {
                let path: Vec<&str> = field.split('/').collect();
                let mut odd_tree = tree.clone();
                odd_tree.set(&path, csdr_core::model::Tree::parse(odd.as_bytes())?);
                let Ok(odd_object) = Object::from_tree(object.id().resource().clone(), &odd_tree)
                else {
                    continue;
                };
                let asked = catch_unwind(AssertUnwindSafe(|| answer(transform, &odd_object)));
                demand!(asked.is_ok(), "{}: panics at {odd} in {field}", object.id());
            }
        }
    }
    Ok(())
}
