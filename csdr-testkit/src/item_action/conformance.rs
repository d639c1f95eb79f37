//! The contract of [`ItemAction`] as tests: one rule, one function, one name.
//!
//! An implementation runs them all with one line in its tests; each rule becomes a test of its own. Objects of its own kinds, if it looks
//! at others than [`samples`] has, are a second argument:
//!
//! ```
//! use csdr_core::related::Pods;
//!
//! csdr_testkit::item_action_conformance!(Pods, csdr_testkit::item_action::conformance::samples());
//! ```
//!
//! The rules say nothing of *what* belongs to an object.

pub use crate::vault::conformance::{Verdict, Violation};

use crate::compare::{altered, leaves};
use csdr_core::{
    model::{GroupResource, Object, Tree},
    port::ItemAction,
    related::{Interest, Reach, Related, Target},
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Resource and JSON of objects that name others.
const SAMPLES: [(&str, &str); 9] = [
    (
        "pods",
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop"},"spec":{"serviceAccountName":"web","priorityClassName":"high","imagePullSecrets":[{"name":"pull"}],"containers":[{"name":"a","image":"example.invalid/a:1","env":[{"name":"A","valueFrom":{"secretKeyRef":{"name":"env","key":"a"}}}]}],"volumes":[{"name":"data","persistentVolumeClaim":{"claimName":"data"}},{"name":"conf","configMap":{"name":"conf"}}]}}"#,
    ),
    (
        "persistentvolumeclaims",
        r#"{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"data","namespace":"shop"},"spec":{"volumeName":"pv-1","storageClassName":"fast","dataSource":{"kind":"PersistentVolumeClaim","name":"other"}}}"#,
    ),
    (
        "persistentvolumes",
        r#"{"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"pv-1"},"spec":{"storageClassName":"fast","csi":{"driver":"a","volumeHandle":"b","nodePublishSecretRef":{"name":"key","namespace":"shop"}}}}"#,
    ),
    (
        "serviceaccounts",
        r#"{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"web","namespace":"shop"},"imagePullSecrets":[{"name":"pull"}]}"#,
    ),
    (
        "clusterrolebindings.rbac.authorization.k8s.io",
        r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"web"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"reader"},"subjects":[{"kind":"ServiceAccount","name":"web","namespace":"shop"}]}"#,
    ),
    (
        "ingresses.networking.k8s.io",
        r#"{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"web","namespace":"shop"},"spec":{"ingressClassName":"alb","tls":[{"secretName":"cert"}]}}"#,
    ),
    (
        "horizontalpodautoscalers.autoscaling",
        r#"{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"web","namespace":"shop"},"spec":{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"web"}}}"#,
    ),
    (
        "statefulsets.apps",
        r#"{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"db","namespace":"shop"},"spec":{"replicas":2,"template":{"spec":{"serviceAccountName":"db","volumes":[{"name":"a","secret":{"secretName":"a"}}]}},"volumeClaimTemplates":[{"metadata":{"name":"data"}}]}}"#,
    ),
    (
        "widgets.example.com",
        r#"{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"a","namespace":"shop"},"spec":{"serviceAccountName":"web"}}"#,
    ),
];

/// Objects of the kinds that csdr's own actions look at.
///
/// # Panics
/// Never: the objects are written down here.
#[allow(clippy::expect_used, reason = "constants of this file")]
pub fn samples() -> Vec<Object> {
    SAMPLES
        .iter()
        .map(|(resource, json)| {
            let resource: GroupResource = resource.parse().expect("a resource");
            Object::parse(resource, json.as_bytes().to_vec()).expect("an object")
        })
        .collect()
}

/// Runs a macro with the name of every rule.
#[doc(hidden)]
#[macro_export]
macro_rules! __item_action_rules {
    ($run:path, $($first:tt)*) => {
        $run! {
            $($first)*;
            it_has_a_name
            the_same_question_has_one_answer
            an_object_does_not_name_itself
            kinds_without_interest_have_no_answer
            near_is_the_own_namespace
            only_what_is_looked_at_in_full_serves
            odd_types_name_nothing
        }
    };
}

/// One `#[test]` for each rule of the contract. The arguments make an action, and the objects that it is asked about.
#[macro_export]
macro_rules! item_action_conformance {
    ($action:expr, $samples:expr) => {
        $crate::__item_action_rules!($crate::__item_action_tests, $action, $samples);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __item_action_tests {
    ($action:expr, $samples:expr; $($rule:ident)*) => {
        $(
            #[test]
            fn $rule() {
                if let Err(violation) = $crate::item_action::conformance::$rule(&$action, &$samples) {
                    panic!("{}: {}", stringify!($rule), violation);
                }
            }
        )*
    };
}

macro_rules! run_all {
    (; $($rule:ident)*) => {
        /// Runs every rule; answers the rules in order with their verdicts.
        pub fn run_all(action: &dyn ItemAction, samples: &[Object]) -> Vec<(&'static str, Verdict)> {
            vec![$((stringify!($rule), $rule(action, samples)),)*]
        }
    };
}
__item_action_rules!(run_all,);

/// Fails the rule with a text.
macro_rules! demand {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err(Violation::new(format!($($text)+)));
        }
    };
}

/// Its name is a short line.
///
/// # Errors
/// The violation.
pub fn it_has_a_name(action: &dyn ItemAction, _: &[Object]) -> Verdict {
    let name = action.name();
    let one_line = !name.trim().is_empty() && name.len() <= 64 && !name.contains(char::is_control);
    demand!(one_line, "{name:?} is not a short line");
    Ok(())
}

/// It is pure.
///
/// # Errors
/// The violation.
pub fn the_same_question_has_one_answer(action: &dyn ItemAction, samples: &[Object]) -> Verdict {
    for object in samples {
        let resource = object.id().resource();
        demand!(
            action.interest(resource) == action.interest(resource),
            "{resource}: two interests"
        );
        demand!(
            action.related(object)? == action.related(object)?,
            "{}: two answers",
            object.id()
        );
    }
    Ok(())
}

/// What belongs to an object is another one.
///
/// # Errors
/// The violation.
pub fn an_object_does_not_name_itself(action: &dyn ItemAction, samples: &[Object]) -> Verdict {
    for object in samples {
        for related in action.related(object)? {
            demand!(
                !matches!(target(&related), Target::Object(id) if id == object.id()),
                "{} belongs to itself",
                object.id()
            );
        }
    }
    Ok(())
}

/// It only speaks of kinds that it wants to see.
///
/// # Errors
/// The violation.
pub fn kinds_without_interest_have_no_answer(
    action: &dyn ItemAction,
    samples: &[Object],
) -> Verdict {
    for object in samples {
        let looked = matches!(
            action.interest(object.id().resource()),
            Interest::Captured(_) | Interest::All
        );
        demand!(
            looked || action.related(object)?.is_empty(),
            "{}: an answer without interest",
            object.id()
        );
    }
    Ok(())
}

/// Who says that everything lies in the own namespace is not asked where whole namespaces are taken.
///
/// # Errors
/// The violation.
pub fn near_is_the_own_namespace(action: &dyn ItemAction, samples: &[Object]) -> Verdict {
    for object in samples {
        if action.interest(object.id().resource()) != Interest::Captured(Reach::Namespace) {
            continue;
        }
        for related in action.related(object)? {
            let namespace = match target(&related) {
                Target::Object(id) => id.namespace(),
                Target::Kind { namespace, .. } => namespace.as_deref(),
            };
            demand!(
                namespace == object.id().namespace(),
                "{}: {} lies elsewhere",
                object.id(),
                target(&related)
            );
        }
    }
    Ok(())
}

/// Only objects of kinds that are looked at in full can serve others: of other kinds the captured ones alone are seen.
///
/// # Errors
/// The violation.
pub fn only_what_is_looked_at_in_full_serves(
    action: &dyn ItemAction,
    samples: &[Object],
) -> Verdict {
    for object in samples {
        if action.interest(object.id().resource()) == Interest::All {
            continue;
        }
        for related in action.related(object)? {
            demand!(
                !matches!(related, Related::Serves(_)),
                "{}: serves {}, and is not looked at in full",
                object.id(),
                target(&related)
            );
        }
    }
    Ok(())
}

/// A field of another type than it should have names nothing; it neither panics nor fails.
///
/// # Errors
/// The violation.
pub fn odd_types_name_nothing(action: &dyn ItemAction, samples: &[Object]) -> Verdict {
    for object in samples {
        let tree = object.tree()?;
        for leaf in leaves(&tree) {
            let head = [
                "/apiVersion",
                "/kind",
                "/metadata/name",
                "/metadata/namespace",
            ];
            if head.contains(&leaf.as_str()) {
                continue;
            }
            for odd in [
                Tree::Null,
                Tree::from(7),
                Tree::object(),
                Tree::Array(vec![Tree::Null, Tree::from(true)]),
            ] {
                let Some(odd) = altered(&tree, &leaf, Some(odd)) else {
                    continue;
                };
                let odd = Object::from_tree(object.id().resource().clone(), &odd)?;
                let answer = catch_unwind(AssertUnwindSafe(|| action.related(&odd)));
                demand!(answer.is_ok(), "{}: panics at {leaf}", object.id());
                demand!(
                    answer.is_ok_and(|answer| answer.is_ok()),
                    "{}: fails at {leaf}",
                    object.id()
                );
            }
        }
    }
    Ok(())
}

fn target(related: &Related) -> &Target {
    match related {
        Related::Needs(target) | Related::Serves(target) => target,
    }
}
