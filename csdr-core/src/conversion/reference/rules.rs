//! Rules of groups and resources: RBAC and flow control.
//!
//! A rule that names `extensions` gets the group to which its resources went; what it has is never taken away.

use super::{
    super::{
        draft::Node,
        outcome::{Edit, LossKind, Severity},
    },
    Rule, Sight,
    served::{EXTENSIONS, MOVED, Moved},
};
use crate::model::Tree;

const EXTENSIONS_NEEDLE: &str = "\"extensions\"";

pub(super) static RULES: &[Rule] = &[
    Rule {
        group: "rbac.authorization.k8s.io",
        kinds: &["ClusterRole", "Role"],
        needles: &[EXTENSIONS_NEEDLE, "podsecuritypolicies"],
        rewrite: role,
    },
    Rule {
        group: "flowcontrol.apiserver.k8s.io",
        kinds: &["FlowSchema"],
        needles: &[EXTENSIONS_NEEDLE],
        rewrite: flow_schema,
    },
];

fn role(node: &mut Node<'_>, sight: &Sight<'_>) {
    // The server writes the rules of an aggregated role itself.
    if !node.has(&["aggregationRule"]) {
        list(node, &["rules"], sight);
    }
}

fn flow_schema(node: &mut Node<'_>, sight: &Sight<'_>) {
    node.each(&["spec", "rules"], |rule| {
        list(rule, &["resourceRules"], sight);
    });
}

/// Goes through the rules of one list; what one of them does not say, another may.
fn list(node: &mut Node<'_>, path: &[&str], sight: &Sight<'_>) {
    let others: Vec<Tree> = match node.get(path).and_then(Tree::as_array) {
        Some(rules) => rules.to_vec(),
        None => return,
    };
    node.each(path, |rule| one(rule, &others, sight));
}

fn one(rule: &mut Node<'_>, others: &[Tree], sight: &Sight<'_>) {
    let tree = rule.tree();
    let (groups, resources) = (texts(tree, "apiGroups"), texts(tree, "resources"));
    let has = |group: &str| groups.iter().any(|own| *own == group || *own == "*");
    note_security_policies(rule, sight);
    let (tree, groups) = (rule.tree(), &groups);
    if !groups.iter().any(|group| group == EXTENSIONS) {
        return;
    }
    let everything = resources.iter().any(|resource| resource.starts_with("*"));
    let mut added: Vec<&'static str> = Vec::new();
    for moved in MOVED {
        let named = resources
            .iter()
            .any(|resource| resource.split('/').next() == Some(moved.resource));
        let wanted = named || everything && moved.group != "policy";
        if wanted
            && !has(moved.group)
            && !added.contains(&moved.group)
            && is_served(moved, sight)
            && !others
                .iter()
                .any(|other| says_the_same(other, tree, moved.group))
        {
            added.push(moved.group);
        }
    }
    if added.is_empty() {
        return;
    }
    let before = rule.get(&["apiGroups"]).cloned();
    let mut after = before.clone();
    if let Some(list) = after.as_mut().and_then(Tree::as_array_mut) {
        list.extend(added.iter().map(|group| Tree::from(*group)));
    }
    let (severity, note) = if everything {
        (
            Severity::Warning,
            "; the rule names every resource, so it covers all of the added group",
        )
    } else {
        (Severity::Info, "")
    };
    let reason = format!(
        "what the rule names in extensions is in {} now{note}",
        added.join(" and ")
    );
    rule.record(
        &["apiGroups"],
        Edit::Replaced,
        before,
        after.clone(),
        severity,
        reason,
    );
    if let Some(after) = after {
        rule.tree_mut().set(&["apiGroups"], after);
    }
}

/// Nobody asks for the use of a PodSecurityPolicy where there are none.
fn note_security_policies(rule: &mut Node<'_>, sight: &Sight<'_>) {
    let tree = rule.tree();
    let named = texts(tree, "resources").contains(&"podsecuritypolicies".to_owned())
        && texts(tree, "apiGroups")
            .iter()
            .any(|group| group == EXTENSIONS || group == "policy");
    let served = MOVED
        .iter()
        .filter(|moved| moved.kind == "PodSecurityPolicy")
        .any(|moved| is_served(moved, sight));
    if named && !served {
        rule.warn(
            &["resources"],
            LossKind::Inert,
            Severity::Info,
            "the target has no PodSecurityPolicy: a right to use one says nothing there; the Pod Security labels of the namespace decide instead",
        );
    }
}

/// Whether the target serves what was moved, in its new group.
fn is_served(moved: &Moved, sight: &Sight<'_>) -> bool {
    sight.target.resource(moved.group, moved.kind).is_some()
}

/// Whether another rule grants in `group` all that `rule` names, with the same verbs at least and nothing else in the way.
fn says_the_same(other: &Tree, rule: &Tree, group: &str) -> bool {
    let (Some(theirs), Some(own)) = (other.as_object(), rule.as_object()) else {
        return false;
    };
    let rest = |key: &&str| !["apiGroups", "resources", "verbs"].contains(key);
    let same_rest = theirs
        .keys()
        .chain(own.keys())
        .filter(rest)
        .all(|key| theirs.get(key) == own.get(key));
    let covers = |key: &str, wanted: &[String]| {
        let said = texts(other, key);
        said.iter().any(|text| text == "*") || wanted.iter().all(|text| said.contains(text))
    };
    let resources: Vec<String> = texts(rule, "resources")
        .into_iter()
        .filter(|resource| belongs(resource, group))
        .collect();
    same_rest
        && covers("apiGroups", &[group.to_owned()])
        && covers("resources", &resources)
        && covers("verbs", &texts(rule, "verbs"))
}

/// Whether a resource went to `group`, or may have.
fn belongs(resource: &str, group: &str) -> bool {
    let name = resource.split('/').next().unwrap_or_default();
    name == "*"
        || MOVED
            .iter()
            .any(|moved| moved.resource == name && moved.group == group)
}

/// The strings of a list.
pub(super) fn texts(tree: &Tree, key: &str) -> Vec<String> {
    tree.at(&[key])
        .and_then(Tree::as_array)
        .unwrap_or_default()
        .iter()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}
