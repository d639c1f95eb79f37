//! Seccomp and AppArmor: annotations of a Pod became fields.
//!
//! Servers that knew both wrote the field from the annotation when a *Pod* was created, never in a template: a Deployment with the
//! annotation alone runs unconfined where nobody reads it any more. Source: api-versions.md section 2.13; `applySeccompVersionSkew`
//! (1.19 to 1.26), `applyAppArmorVersionSkew` (1.30 and newer), `validateSeccompAnnotationsAndFields` and
//! `validateAppArmorAnnotationsAndFieldsMatchOnCreate`.

use super::{Context, pod::CONTAINERS};
use crate::{
    conversion::{
        draft::{Node, map},
        outcome::{Edit, LossKind, Severity, SkipReason},
    },
    model::Tree,
};
use std::collections::BTreeMap;

/// The first minor with `seccompProfile`.
pub(super) const SECCOMP: u32 = 19;
/// The first minor with `appArmorProfile`.
pub(super) const APP_ARMOR: u32 = 30;

const POD_SECCOMP: &str = "seccomp.security.alpha.kubernetes.io/pod";
const FROM_ANNOTATION: &str =
    "what the annotation asks for: in a template nobody reads the annotation any more";
const OTHER_THAN_FIELD: &str =
    "the annotation asks for another profile than the field; they must agree, and the field counts";
const INTO_ANNOTATION: &str = "the target knows only the annotation";

/// How one of the two is written.
struct Kind {
    field: &'static str,
    annotation: &'static str,
    runtime_default: &'static [&'static str],
}

const SECCOMP_KIND: Kind = Kind {
    field: "seccompProfile",
    annotation: "container.seccomp.security.alpha.kubernetes.io/",
    runtime_default: &["runtime/default", "docker/default"],
};
const APP_ARMOR_KIND: Kind = Kind {
    field: "appArmorProfile",
    annotation: "container.apparmor.security.beta.kubernetes.io/",
    runtime_default: &["runtime/default"],
};

impl Kind {
    /// The field that an annotation's value stands for.
    fn read(&self, value: &str) -> Option<Tree> {
        if value == "unconfined" {
            return Some(map([("type", "Unconfined".into())]));
        }
        if self.runtime_default.contains(&value) {
            return Some(map([("type", "RuntimeDefault".into())]));
        }
        let profile = value.strip_prefix("localhost/")?;
        (!profile.is_empty()).then(|| {
            map([
                ("type", "Localhost".into()),
                ("localhostProfile", profile.into()),
            ])
        })
    }

    /// The annotation's value for a field.
    fn write(field: &Tree) -> Option<String> {
        match field.text_at(&["type"])? {
            "Unconfined" => Some("unconfined".to_owned()),
            "RuntimeDefault" => Some("runtime/default".to_owned()),
            "Localhost" => Some(format!(
                "localhost/{}",
                field.text_at(&["localhostProfile"])?
            )),
            _ => None,
        }
    }

    /// Whether the field says what the annotation says.
    fn agree(&self, value: &str, field: &Tree) -> bool {
        self.read(value).is_some_and(|read| {
            let parts = ["type", "localhostProfile"];
            parts
                .iter()
                .all(|part| read.text_at(&[part]) == field.text_at(&[part]))
        })
    }
}

/// What is to become of annotations, once the containers are through.
#[derive(Default)]
struct Annotations {
    gone: Vec<String>,
    new: Vec<(String, String)>,
}

impl Annotations {
    fn apply(self, pod: &mut Node<'_>) {
        for key in self.gone {
            pod.lose(
                &["metadata", "annotations", &key],
                LossKind::Meaning,
                Severity::Warning,
                OTHER_THAN_FIELD,
            );
        }
        for (key, value) in self.new {
            pod.add(&["metadata", "annotations", &key], value, INTO_ANNOTATION);
        }
    }
}

/// Brings annotations and fields together as the target needs them.
pub(super) fn mend(pod: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    let annotations = pod.tree().texts_at(&["metadata", "annotations"]);
    let mut after = Annotations::default();
    if context.minor >= SECCOMP {
        fields_of_seccomp(pod, &annotations, &mut after);
    } else {
        into_annotations(pod, &SECCOMP_KIND, Some(POD_SECCOMP), &mut after);
    }
    if context.minor >= APP_ARMOR {
        if pod.text(&["spec", "os", "name"]) != Some("windows") {
            fields_of_app_armor(pod, &annotations, &mut after);
        }
    } else {
        into_annotations(pod, &APP_ARMOR_KIND, None, &mut after);
    }
    after.apply(pod);
    Ok(())
}

fn each_container(pod: &mut Node<'_>, mut rule: impl FnMut(&str, &mut Node<'_>)) {
    for containers in CONTAINERS {
        pod.each(&["spec", containers], |container| {
            if let Some(name) = container.text(&["name"]).map(str::to_owned) {
                rule(&name, container);
            }
        });
    }
}

fn fields_of_seccomp(
    pod: &mut Node<'_>,
    annotations: &BTreeMap<String, String>,
    after: &mut Annotations,
) {
    let kind = &SECCOMP_KIND;
    if !annotations
        .keys()
        .any(|key| key == POD_SECCOMP || key.starts_with(kind.annotation))
    {
        return;
    }
    let path = ["spec", "securityContext", kind.field];
    if let Some(value) = annotations.get(POD_SECCOMP) {
        match (pod.get(&path), kind.read(value)) {
            (None, Some(profile)) if pod.has(&["spec"]) => {
                pod.set(&path, profile, FROM_ANNOTATION);
            }
            (Some(field), _) if !kind.agree(value, field) => {
                after.gone.push(POD_SECCOMP.to_owned());
            }
            _ => {}
        }
    }
    each_container(pod, |name, container| {
        let key = format!("{}{name}", kind.annotation);
        let path = ["securityContext", kind.field];
        let Some(value) = annotations.get(&key) else {
            return;
        };
        match (container.get(&path), kind.read(value)) {
            (None, Some(profile)) => container.set(&path, profile, FROM_ANNOTATION),
            (Some(field), _) if !kind.agree(value, field) => after.gone.push(key),
            _ => {}
        }
    });
}

fn fields_of_app_armor(
    pod: &mut Node<'_>,
    annotations: &BTreeMap<String, String>,
    after: &mut Annotations,
) {
    let kind = &APP_ARMOR_KIND;
    let of_pod = pod.get(&["spec", "securityContext", kind.field]).cloned();
    each_container(pod, |name, container| {
        let key = format!("{}{name}", kind.annotation);
        let path = ["securityContext", kind.field];
        let Some(value) = annotations.get(&key) else {
            return;
        };
        if let Some(field) = container.get(&path) {
            if !kind.agree(value, field) {
                after.gone.push(key);
            }
            return;
        }
        match (kind.read(value), &of_pod) {
            // A profile that the whole Pod has is not written into the container.
            (Some(_), Some(field)) if kind.agree(value, field) => {}
            (Some(profile), _) => container.set(&path, profile, FROM_ANNOTATION),
            (None, Some(_)) => after.gone.push(key),
            (None, None) => {}
        }
    });
}

/// For a target that knows no field: the annotation says it.
fn into_annotations(pod: &mut Node<'_>, kind: &Kind, whole: Option<&str>, after: &mut Annotations) {
    let path = ["spec", "securityContext", kind.field];
    let of_pod = pod.get(&path).cloned();
    if let (Some(key), Some(value)) = (whole, of_pod.as_ref().and_then(Kind::write)) {
        after.new.push((key.to_owned(), value));
    }
    take(pod, &path);
    each_container(pod, |name, container| {
        let path = ["securityContext", kind.field];
        // Where the Pod as a whole has no annotation, each container has the Pod's profile.
        let inherited = of_pod.as_ref().filter(|_| whole.is_none());
        let field = container.get(&path).or(inherited);
        if let Some(value) = field.and_then(Kind::write) {
            after
                .new
                .push((format!("{}{name}", kind.annotation), value));
        }
        take(container, &path);
    });
}

/// Takes a field away that an annotation says; one that cannot be said so is lost.
fn take(node: &mut Node<'_>, path: &[&str]) {
    let Some(field) = node.get(path).cloned() else {
        return;
    };
    if Kind::write(&field).is_none() {
        node.lose(
            path,
            LossKind::NoCounterpart,
            Severity::Warning,
            "the target has no such field",
        );
        return;
    }
    node.tree_mut().remove(path);
    node.record(
        path,
        Edit::Removed,
        Some(field),
        None,
        Severity::Info,
        "said by the annotation, the only form that the target knows",
    );
}
