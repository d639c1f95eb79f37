//! The contract of [`ApiVersionConverter`] as tests: one rule, one function, one name.
//!
//! An implementation runs them all with one line in its tests; each rule becomes a test of its own:
//!
//! ```
//! use csdr_core::conversion::BuiltinConverter;
//!
//! csdr_testkit::converter_conformance!(BuiltinConverter::new());
//! ```
//!
//! The rules ask about objects that old releases of Kubernetes serve and the newest does not, and about what cannot be converted. They say nothing of
//! *what* a version is made into: that is what [`vectors`](crate::vectors) are for.

pub use crate::vault::conformance::{Verdict, Violation};

use crate::compare::{altered, leaves};
use csdr_core::{
    conversion::{Conversion, Edit, TargetApis},
    model::{GroupResource, Object, Tree},
    port::ApiVersionConverter,
};
use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Resource and JSON of objects that an old server serves and the newest does not.
const OLD: [(&str, &str); 5] = [
    (
        "ingresses.networking.k8s.io",
        r#"{"apiVersion":"networking.k8s.io/v1beta1","kind":"Ingress","metadata":{"name":"web","namespace":"shop","labels":{"app":"shop"},"annotations":{"a":"b"}},"spec":{"backend":{"serviceName":"web","servicePort":"http"},"rules":[{"host":"shop.example.com","http":{"paths":[{"path":"/a","backend":{"serviceName":"api","servicePort":8080}}]}}]}}"#,
    ),
    (
        "cronjobs.batch",
        r#"{"apiVersion":"batch/v1beta1","kind":"CronJob","metadata":{"name":"nightly","namespace":"shop","labels":{"app":"shop"}},"spec":{"schedule":"0 1 * * *","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"a","image":"example.invalid/a:1"}]}}}}}}"#,
    ),
    (
        "poddisruptionbudgets.policy",
        r#"{"apiVersion":"policy/v1beta1","kind":"PodDisruptionBudget","metadata":{"name":"web","namespace":"shop","labels":{"app":"shop"}},"spec":{"minAvailable":"50%","selector":{}}}"#,
    ),
    (
        "horizontalpodautoscalers.autoscaling",
        r#"{"apiVersion":"autoscaling/v2beta1","kind":"HorizontalPodAutoscaler","metadata":{"name":"web","namespace":"shop","labels":{"app":"shop"}},"spec":{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"web"},"minReplicas":2,"maxReplicas":9,"metrics":[{"type":"Resource","resource":{"name":"cpu","targetAverageUtilization":61}}]}}"#,
    ),
    (
        "roles.rbac.authorization.k8s.io",
        r#"{"apiVersion":"rbac.authorization.k8s.io/v1beta1","kind":"Role","metadata":{"name":"reader","namespace":"shop","labels":{"app":"shop"}},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]}"#,
    ),
];

/// What no release makes into anything: a kind without successor, and one that nobody defines.
const NOWHERE: [(&str, &str); 2] = [
    (
        "podsecuritypolicies.policy",
        r#"{"apiVersion":"policy/v1beta1","kind":"PodSecurityPolicy","metadata":{"name":"open"},"spec":{}}"#,
    ),
    (
        "widgets.example.com",
        r#"{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"a","namespace":"shop"},"spec":{}}"#,
    ),
];

/// The minor of the release that the rules convert for.
const NEWEST: u32 = csdr_core::lifecycle::NEWEST;

/// Runs a macro with the name of every rule.
#[doc(hidden)]
#[macro_export]
macro_rules! __converter_rules {
    ($run:path, $($first:tt)*) => {
        $run! {
            $($first)*;
            the_same_question_has_one_answer
            what_is_served_is_not_touched
            the_answer_is_of_the_version_that_it_says
            name_and_namespace_stay
            labels_stay
            nothing_is_dropped_silently
            what_cannot_be_converted_is_an_answer
            odd_types_do_not_panic
        }
    };
}

/// One `#[test]` for each rule of the contract. The argument makes a converter.
#[macro_export]
macro_rules! converter_conformance {
    ($converter:expr) => {
        $crate::__converter_rules!($crate::__converter_tests, $converter);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __converter_tests {
    ($converter:expr; $($rule:ident)*) => {
        $(
            #[test]
            fn $rule() {
                if let Err(violation) = $crate::converter::conformance::$rule(&$converter) {
                    panic!("{}: {}", stringify!($rule), violation);
                }
            }
        )*
    };
}

macro_rules! run_all {
    (; $($rule:ident)*) => {
        /// Runs every rule; answers the rules in order with their verdicts.
        pub fn run_all(converter: &dyn ApiVersionConverter) -> Vec<(&'static str, Verdict)> {
            vec![$((stringify!($rule), $rule(converter)),)*]
        }
    };
}
__converter_rules!(run_all,);

/// Fails the rule with a text.
macro_rules! demand {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err(Violation::new(format!($($text)+)));
        }
    };
}

fn objects(table: &[(&str, &str)]) -> Result<Vec<Object>, Violation> {
    let parse = |(resource, json): &(&str, &str)| -> Result<Object, Violation> {
        let resource: GroupResource = resource.parse()?;
        Ok(Object::parse(resource, json.as_bytes().to_vec())?)
    };
    table.iter().map(parse).collect()
}

/// Objects of the old release with what the converter makes of them for the new one. Those that it does not convert are left out.
fn converted(
    converter: &dyn ApiVersionConverter,
) -> Result<Vec<(Object, Object, Conversion)>, Violation> {
    let target = TargetApis::kubernetes(1, NEWEST)?;
    let mut found = Vec::new();
    for object in objects(&OLD)? {
        let conversion = converter.convert(&object, &target)?;
        if let Conversion::Converted { object: made, .. } = &conversion {
            found.push((object, made.clone(), conversion));
        }
    }
    demand!(!found.is_empty(), "nothing was converted");
    Ok(found)
}

/// The same object and target give the same answer.
///
/// # Errors
/// How the converter breaks the rule.
pub fn the_same_question_has_one_answer(converter: &dyn ApiVersionConverter) -> Verdict {
    let target = TargetApis::kubernetes(1, NEWEST)?;
    for object in objects(&OLD)? {
        let first = converter.convert(&object, &target)?;
        for _ in 0..3 {
            let again = converter.convert(&object, &target)?;
            demand!(
                again == first,
                "{} was answered in two ways: {first:?} and {again:?}",
                object.id()
            );
        }
    }
    Ok(())
}

/// What was converted for a target is `Unchanged` on it.
///
/// # Errors
/// How the converter breaks the rule.
pub fn what_is_served_is_not_touched(converter: &dyn ApiVersionConverter) -> Verdict {
    let target = TargetApis::kubernetes(1, NEWEST)?;
    for (_, made, _) in converted(converter)? {
        let answer = converter.convert(&made, &target)?;
        demand!(
            answer == Conversion::Unchanged,
            "the target takes {} as it is, and it became {answer:?}",
            made.id()
        );
    }
    Ok(())
}

/// A converted object is of the version that the answer names, and the target serves that.
///
/// # Errors
/// How the converter breaks the rule.
pub fn the_answer_is_of_the_version_that_it_says(converter: &dyn ApiVersionConverter) -> Verdict {
    let target = TargetApis::kubernetes(1, NEWEST)?;
    for (object, made, conversion) in converted(converter)? {
        let Conversion::Converted { to, .. } = conversion else {
            continue;
        };
        let kind = &made.meta().kind;
        demand!(
            kind.api_version == to,
            "{} was said to be {to}, and is {}",
            object.id(),
            kind.api_version
        );
        demand!(
            target.serves(kind),
            "{} became {kind}, which the target does not serve",
            object.id()
        );
    }
    Ok(())
}

/// Name and namespace stay.
///
/// # Errors
/// How the converter breaks the rule.
pub fn name_and_namespace_stay(converter: &dyn ApiVersionConverter) -> Verdict {
    for (object, made, _) in converted(converter)? {
        let (before, after) = (object.id(), made.id());
        demand!(
            (before.namespace(), before.name()) == (after.namespace(), after.name()),
            "{before} became {after}"
        );
    }
    Ok(())
}

/// Labels stay: selectors choose by them.
///
/// # Errors
/// How the converter breaks the rule.
pub fn labels_stay(converter: &dyn ApiVersionConverter) -> Verdict {
    for (object, made, _) in converted(converter)? {
        demand!(
            object.meta().labels == made.meta().labels,
            "labels of {} became {:?}",
            object.id(),
            made.meta().labels
        );
    }
    Ok(())
}

/// Every leaf of the object stands in the result, or is told as changed or lost.
///
/// # Errors
/// How the converter breaks the rule.
pub fn nothing_is_dropped_silently(converter: &dyn ApiVersionConverter) -> Verdict {
    for (object, made, conversion) in converted(converter)? {
        let Conversion::Converted {
            changes, losses, ..
        } = &conversion
        else {
            continue;
        };
        let mut told: Vec<&str> = losses.iter().map(|loss| loss.path.as_str()).collect();
        for change in changes {
            told.push(&change.path);
            if let Edit::Moved { from } = &change.edit {
                told.push(from);
            }
        }
        let (before, after) = (object.tree()?, made.tree()?);
        let values = |tree: &Tree| -> BTreeSet<String> {
            let leaves = leaves(tree);
            let found = leaves.iter().filter_map(|leaf| value_at(tree, leaf));
            found.map(ToString::to_string).collect()
        };
        // A field may have moved: what counts is that its value is somewhere.
        let kept = values(&after);
        for leaf in leaves(&before) {
            let is_told = told.iter().any(|told| {
                let rest = leaf.strip_prefix(told);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            });
            let value = value_at(&before, &leaf).map(ToString::to_string);
            let is_kept = value.is_some_and(|value| kept.contains(&value));
            demand!(
                is_told || is_kept,
                "{leaf} of {} is gone, and nothing says so",
                object.id()
            );
        }
    }
    Ok(())
}

/// What cannot be converted is `Skipped` or `NoRoute`, not an error: one object must not end a restore.
///
/// # Errors
/// How the converter breaks the rule.
pub fn what_cannot_be_converted_is_an_answer(converter: &dyn ApiVersionConverter) -> Verdict {
    let target = TargetApis::kubernetes(1, NEWEST)?;
    for object in objects(&NOWHERE)? {
        let answer = converter.convert(&object, &target)?;
        demand!(
            matches!(
                answer,
                Conversion::Skipped { .. } | Conversion::NoRoute { .. }
            ),
            "{} became {answer:?}",
            object.id()
        );
    }
    Ok(())
}

/// A value of another type anywhere is no reason to panic.
///
/// # Errors
/// How the converter breaks the rule.
pub fn odd_types_do_not_panic(converter: &dyn ApiVersionConverter) -> Verdict {
    let target = TargetApis::kubernetes(1, NEWEST)?;
    let odd = [
        Tree::Null,
        true.into(),
        7i64.into(),
        "".into(),
        Vec::new().into(),
        Tree::object(),
    ];
    for object in objects(&OLD)? {
        let tree = object.tree()?;
        for place in places(&tree) {
            for value in &odd {
                let Some(tree) = altered(&tree, &place, Some(value.clone())) else {
                    continue;
                };
                // Without name or kind it is no object.
                let resource = object.id().resource().clone();
                let Ok(object) = Object::from_tree(resource, &tree) else {
                    continue;
                };
                let answer = catch_unwind(AssertUnwindSafe(|| converter.convert(&object, &target)));
                demand!(
                    answer.is_ok(),
                    "it panicked at {} with {value} at {place}",
                    object.id()
                );
            }
        }
    }
    Ok(())
}

/// Every place of a tree below its root: leaves, and what holds them.
fn places(tree: &Tree) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for leaf in leaves(tree) {
        let mut place = leaf.as_str();
        while !place.is_empty() {
            found.insert(place.to_owned());
            place = place.rsplit_once('/').map_or("", |(above, _)| above);
        }
    }
    found
}

fn value_at<'a>(tree: &'a Tree, pointer: &str) -> Option<&'a Tree> {
    let mut place = tree;
    for segment in pointer.split('/').skip(1) {
        let key = segment.replace("~1", "/").replace("~0", "~");
        place = match place {
            Tree::Array(items) => items.get(key.parse::<usize>().ok()?)?,
            other => other.at(&[key.as_str()])?,
        };
    }
    Some(place)
}
