//! Rules of groups, versions and resources: webhooks and admission policies.
//!
//! A rule of a version that is no longer served never matches: with `matchPolicy: Exact` because nobody writes in that version, with
//! `Equivalent` because the server does not know any more what it was equivalent to. The policy would be off, and nobody would
//! see it. A rule of its own is added for what took its place: lists within the old one would also match what nobody named.
//! Source: api-versions.md section 5, point 4.

use super::{
    super::{
        draft::Node,
        outcome::{Edit, LossKind, Severity},
    },
    Rule, Sight,
    rules::texts,
    served::{EXTENSIONS, MOVED, Way, kind_of, way},
};
use crate::model::{ApiVersion, GroupResource, Tree, builtin};

const GROUP: &str = "admissionregistration.k8s.io";

pub(super) static RULES: &[Rule] = &[
    Rule {
        group: GROUP,
        kinds: &[
            "ValidatingWebhookConfiguration",
            "MutatingWebhookConfiguration",
        ],
        needles: &[],
        rewrite: |node, sight| node.each(&["webhooks"], |hook| list(hook, &["rules"], sight)),
    },
    Rule {
        group: GROUP,
        kinds: &["ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"],
        needles: &[],
        rewrite: |node, sight| matched(node, "matchConstraints", sight),
    },
    Rule {
        group: GROUP,
        kinds: &[
            "ValidatingAdmissionPolicyBinding",
            "MutatingAdmissionPolicyBinding",
        ],
        needles: &[],
        rewrite: |node, sight| matched(node, "matchResources", sight),
    },
];

fn matched(node: &mut Node<'_>, field: &str, sight: &Sight<'_>) {
    for rules in ["resourceRules", "excludeResourceRules"] {
        list(node, &["spec", field, rules], sight);
    }
}

/// What a rule must say as well.
#[derive(PartialEq, Eq)]
struct Wanted {
    group: String,
    version: String,
    resources: Vec<String>,
}

fn list(node: &mut Node<'_>, path: &[&str], sight: &Sight<'_>) {
    let Some(rules) = node.get(path).and_then(Tree::as_array) else {
        return;
    };
    let rules = rules.to_vec();
    let mut added: Vec<Tree> = Vec::new();
    for rule in &rules {
        let found = successors(rule, sight);
        for wanted in found.wanted {
            let new = with(rule, &wanted);
            if !rules.iter().chain(&added).any(|other| covers(other, &new)) {
                added.push(new);
            }
        }
        for gone in found.gone {
            node.warn(
                path,
                LossKind::Dangling,
                Severity::Warning,
                format!(
                    "a rule names {gone}, which the target serves in no version that the rule names: it never matches that; check what should be ruled instead"
                ),
            );
        }
    }
    for rule in added {
        let mut grown = node.get(path).cloned().unwrap_or_default();
        let Some(items) = grown.as_array_mut() else {
            return;
        };
        let at = items.len().to_string();
        items.push(rule.clone());
        let mut place = path.to_vec();
        place.push(&at);
        let reason = format!(
            "the target does not serve the version that another rule names, which would never match: {}/{} of {} is ruled as well; check that the policy understands it",
            texts(&rule, "apiGroups").join(","),
            texts(&rule, "apiVersions").join(","),
            texts(&rule, "resources").join(","),
        );
        node.record(
            &place,
            Edit::Added,
            None,
            Some(rule),
            Severity::Warning,
            reason,
        );
        node.tree_mut().set(path, grown);
    }
}

#[derive(Default)]
struct Found {
    wanted: Vec<Wanted>,
    gone: Vec<String>,
}

impl Found {
    fn want(&mut self, group: &str, version: &str, resource: String) {
        let same = |wanted: &&mut Wanted| wanted.group == group && wanted.version == version;
        match self.wanted.iter_mut().find(same) {
            Some(wanted) => {
                if !wanted.resources.contains(&resource) {
                    wanted.resources.push(resource);
                }
            }
            None => self.wanted.push(Wanted {
                group: group.to_owned(),
                version: version.to_owned(),
                resources: vec![resource],
            }),
        }
    }
}

/// What took the place of everything that a rule names and the target does not serve.
fn successors(rule: &Tree, sight: &Sight<'_>) -> Found {
    let mut found = Found::default();
    let versions = texts(rule, "apiVersions");
    for group in texts(rule, "apiGroups") {
        for resource in texts(rule, "resources") {
            if !resource.starts_with('*') {
                one(&group, &versions, &resource, sight, &mut found);
            } else if group != EXTENSIONS {
                every(&group, &versions, &resource, sight, &mut found);
            }
            if group == EXTENSIONS {
                for (to, word) in moved(&resource) {
                    if versions.iter().any(|version| version == "*") {
                        found.want(to, "*", word);
                    } else if resource.starts_with('*') {
                        one(&group, &versions, &word, sight, &mut found);
                    }
                }
            }
        }
    }
    found
}

/// One resource of a group in every version that the rule names.
fn one(group: &str, versions: &[String], resource: &str, sight: &Sight<'_>, found: &mut Found) {
    let plural = resource.split('/').next().unwrap_or_default();
    let Some(kind) = kind_of(sight.target, group, plural) else {
        return;
    };
    let builtin = GroupResource::new(group, plural)
        .ok()
        .and_then(|resource| builtin::resource(&resource));
    let ways: Vec<(&String, Way)> = versions
        .iter()
        // A rule that lists versions of several groups means no combination that never was.
        .filter(|version| builtin.is_none_or(|row| row.knows(version)))
        .filter_map(|version| {
            let api_version = ApiVersion::new(group, version.as_str()).ok()?;
            Some((version, way(sight.target, &api_version, &kind)))
        })
        .collect();
    if ways.iter().any(|(_, way)| *way == Way::Stays) {
        return;
    }
    for (version, way) in ways {
        match way {
            // What a custom resource's versions mean, only its author knows.
            Way::To(to) if builtin.is_some() => {
                found.want(to.group(), to.version(), resource.to_owned());
            }
            _ => found.gone.push(format!("{resource} of {group}/{version}")),
        }
    }
}

/// Every resource of a group: nothing to do as long as one of the versions that the rule names is served for one of them.
fn every(group: &str, versions: &[String], word: &str, sight: &Sight<'_>, found: &mut Found) {
    let rows = builtin::kinds().iter().filter(|row| row.group == group);
    let ways: Vec<Way> = rows
        .flat_map(|row| {
            let known = versions.iter().filter(|version| row.knows(version));
            known.filter_map(|version| {
                let api_version = ApiVersion::new(group, version.as_str()).ok()?;
                Some(way(sight.target, &api_version, row.kind))
            })
        })
        .collect();
    if ways.contains(&Way::Stays) {
        return;
    }
    for way in ways {
        if let Way::To(to) = way {
            found.want(to.group(), to.version(), word.to_owned());
        }
    }
}

/// Where a word for resources of `extensions` leads: group and word. Source: api-versions.md section 1.1.
fn moved(resource: &str) -> Vec<(&'static str, String)> {
    let (name, sub) = match resource.split_once('/') {
        Some((name, sub)) => (name, Some(sub)),
        None => (resource, None),
    };
    MOVED
        .iter()
        .filter(|moved| name == "*" && moved.group != "policy" || name == moved.resource)
        .flat_map(|moved| {
            let plain = moved.resource.to_owned();
            match sub {
                None => vec![plain],
                // `*/*` is every resource with every subresource.
                Some("*") if name == "*" => vec![plain.clone(), format!("{plain}/*")],
                Some(sub) => vec![format!("{plain}/{sub}")],
            }
            .into_iter()
            .map(|word| (moved.group, word))
        })
        .collect()
}

/// The rule with other words for what it matches; everything else stays.
fn with(rule: &Tree, wanted: &Wanted) -> Tree {
    let mut new = rule.clone();
    let list = |words: &[String]| -> Tree {
        words
            .iter()
            .map(|word| Tree::from(word.as_str()))
            .collect::<Vec<_>>()
            .into()
    };
    new.set(&["apiGroups"], list(std::slice::from_ref(&wanted.group)));
    new.set(
        &["apiVersions"],
        list(std::slice::from_ref(&wanted.version)),
    );
    new.set(&["resources"], list(&wanted.resources));
    new
}

/// Whether a rule matches all that another one does.
fn covers(rule: &Tree, wanted: &Tree) -> bool {
    let (Some(own), Some(theirs)) = (rule.as_object(), wanted.as_object()) else {
        return false;
    };
    let lists = ["apiGroups", "apiVersions", "resources", "operations"];
    let same_rest = own
        .keys()
        .chain(theirs.keys())
        .filter(|key| !lists.contains(key))
        .all(|key| own.get(key) == theirs.get(key));
    same_rest
        && lists.into_iter().all(|key| {
            let said = texts(rule, key);
            let any = |word: &str| said.iter().any(|own| own == word);
            texts(wanted, key).iter().all(|word| {
                any(word) || any("*") && !word.contains('/') || key == "resources" && any("*/*")
            })
        })
}
