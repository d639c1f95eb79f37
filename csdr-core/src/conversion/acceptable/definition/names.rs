//! Names, group, scope and the approval of protected groups.

use crate::conversion::{
    acceptable::{label, name, refuse},
    draft::Node,
    outcome::{Edit, LossKind, Severity, SkipReason},
};
use crate::model::Tree;
use std::borrow::Cow;

/// Says that a group of the Kubernetes project was approved there, or that it was not.
const APPROVED: &str = "api-approved.kubernetes.io";

pub(super) fn mend(node: &mut Node<'_>) -> Result<(), SkipReason> {
    identity(node)?;
    for field in ["shortNames", "categories"] {
        node.retain(&["spec", "names", field], |item| {
            let fits = item.as_str().is_some_and(name::is_label);
            (!fits).then_some((
                LossKind::Refused,
                Severity::Warning,
                Cow::Borrowed("must be a lower-case DNS label"),
            ))
        });
    }
    scope(node)?;
    approval(node);
    Ok(())
}

fn text<'a>(node: &'a Node<'_>, path: &[&str]) -> &'a str {
    node.text(path).unwrap_or_default()
}

/// The name of a definition is `<plural>.<group>`: each follows from the others.
fn identity(node: &mut Node<'_>) -> Result<(), SkipReason> {
    const PLURAL: [&str; 3] = ["spec", "names", "plural"];
    const GROUP: [&str; 2] = ["spec", "group"];
    const NAME: [&str; 2] = ["metadata", "name"];
    const REASON: &str = "follows from the other parts of <plural>.<group>";
    let (name, plural, group) = (text(node, &NAME), text(node, &PLURAL), text(node, &GROUP));
    if plural.is_empty() && !group.is_empty() {
        if let Some(plural) = name
            .strip_suffix(group)
            .and_then(|name| name.strip_suffix('.'))
        {
            let plural = plural.to_owned();
            node.set(&PLURAL, plural, REASON);
        }
    } else if group.is_empty() && !plural.is_empty() {
        if let Some(group) = name
            .strip_prefix(plural)
            .and_then(|name| name.strip_prefix('.'))
        {
            let group = group.to_owned();
            node.set(&GROUP, group, REASON);
        }
    } else if name.is_empty() {
        let name = format!("{plural}.{group}");
        node.set(&NAME, name, REASON);
    }
    let (name, plural, group) = (text(node, &NAME), text(node, &PLURAL), text(node, &GROUP));
    let kind = text(node, &["spec", "names", "kind"]).to_owned();
    let lower = kind.to_lowercase();
    let no = |path: &[&str], advice: &'static str| Err(refuse(node, path, advice));
    if !label::is_domain(group) || !group.contains('.') {
        return no(
            &GROUP,
            "the group must be a domain name with at least one dot",
        );
    }
    if !name::is_label(plural) {
        return no(&PLURAL, "the plural must be a lower-case DNS label");
    }
    if name != format!("{plural}.{group}") {
        return no(&NAME, "a definition must be called <plural>.<group>");
    }
    if !name::is_label(&lower) {
        return no(
            &["spec", "names", "kind"],
            "the kind must be a DNS label apart from its case",
        );
    }
    derived(node, "singular", &lower, name::is_label);
    derived(node, "listKind", &format!("{kind}List"), |text| {
        text != kind && name::is_label(&text.to_lowercase())
    });
    Ok(())
}

/// A name that the server derives from the kind where it is absent.
fn derived(node: &mut Node<'_>, field: &str, usual: &str, fits: impl Fn(&str) -> bool) {
    let path = ["spec", "names", field];
    if node
        .text(&path)
        .is_some_and(|text| !text.is_empty() && !fits(text))
    {
        node.set(
            &path,
            usual,
            "the target refuses the stored name; this is what it derives from the kind",
        );
    }
}

fn scope(node: &mut Node<'_>) -> Result<(), SkipReason> {
    const SCOPE: [&str; 2] = ["spec", "scope"];
    let scope = text(node, &SCOPE);
    if scope.is_empty() {
        node.set(
            &SCOPE,
            "Namespaced",
            "required; this was the default of v1beta1",
        );
        return Ok(());
    }
    let Some(known) = ["Namespaced", "Cluster"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(scope))
    else {
        return Err(refuse(
            node,
            &SCOPE,
            "the scope must be Namespaced or Cluster",
        ));
    };
    node.set(&SCOPE, known, "the case of the letters counts");
    Ok(())
}

fn approval(node: &mut Node<'_>) {
    let group = text(node, &["spec", "group"]);
    let protected = ["k8s.io", "kubernetes.io"].into_iter().any(|domain| {
        group
            .strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    });
    let path = ["metadata", "annotations", APPROVED];
    let stored = text(node, &path);
    if !protected || stored.starts_with("unapproved") || is_url(stored) {
        return;
    }
    let before = node.get(&path).cloned();
    let after: Tree = if stored.is_empty() {
        "unapproved, restored from a cluster that did not ask for approval".into()
    } else {
        format!("unapproved, stored was: {stored}").into()
    };
    let edit = if before.is_some() {
        Edit::Replaced
    } else {
        Edit::Added
    };
    node.record(
        &path,
        edit,
        before,
        Some(after.clone()),
        Severity::Info,
        "v1 demands this annotation of groups that belong to the Kubernetes project",
    );
    node.tree_mut().set(&path, after);
}

/// What `url.ParseRequestURI` takes, with a scheme and a host.
fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character))
            && !host.is_empty()
            && !text.contains(|character: char| character == ' ' || character.is_ascii_control())
    })
}
