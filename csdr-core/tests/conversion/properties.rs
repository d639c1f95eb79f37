//! What must hold for any object.

use crate::mutate::{EVERY_FIELD, Edit, edit, leaves, object, without_nulls};
use csdr_core::{
    conversion::{BuiltinConverter, Change, Conversion, Loss, TargetApis, VersionPolicy},
    lifecycle::{self, Lifecycle},
    model::{ApiVersion, Object, Tree},
    port::ApiVersionConverter,
};
use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use std::collections::BTreeSet;

/// Any small value.
fn value() -> impl Strategy<Value = Tree> {
    prop_oneof![
        Just(Tree::Null),
        Just(Tree::object()),
        Just(Tree::Array(Vec::new())),
        any::<bool>().prop_map(Tree::Bool),
        prop_oneof![Just(0), Just(-1), Just(1), Just(80), any::<i32>()]
            .prop_map(|n| Tree::from(i64::from(n))),
        prop_oneof![
            Just(""),
            Just("0"),
            Just("8080"),
            Just("*"),
            Just("v1"),
            Just("extensions/v1beta1"),
            Just("None"),
            Just("[{\"type\":\"Pods\"}]"),
            Just("{"),
            Just("a/b/c"),
            Just("100m")
        ]
        .prop_map(Tree::from),
        Just(Tree::parse(br#"[{"a":[null,{"b":1e3}]},"x",3]"#).unwrap()),
        Just(
            Tree::parse(br#"{"name":"n","kind":"Deployment","apiVersion":"extensions/v1beta1"}"#)
                .unwrap()
        ),
    ]
}

fn any_edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        3 => Just(Edit::Remove),
        4 => value().prop_map(Edit::Replace),
        1 => Just(Edit::Double),
        1 => prop_oneof![Just("name"), Just("spec"), Just("selector"), Just("behavior"), Just("unknown")]
            .prop_map(|name| Edit::Rename(name.to_owned())),
    ]
}

/// An every-field object of which something is missing: what servers and people write.
fn partial() -> impl Strategy<Value = Tree> {
    let edits = prop_oneof![4 => Just(Edit::Remove), 1 => Just(Edit::Clear)];
    mutated(edits, 12)
}

/// An every-field object to which anything was done.
fn anything() -> impl Strategy<Value = Tree> {
    mutated(any_edit(), 8)
}

fn mutated(edits: impl Strategy<Value = Edit>, most: usize) -> impl Strategy<Value = Tree> {
    let edits = prop::collection::vec((any::<usize>(), edits), 0..most);
    (0..EVERY_FIELD.len(), edits).prop_map(|(at, edits)| {
        let mut tree = EVERY_FIELD[at].clone();
        let identity = |tree: &Tree| {
            ["apiVersion", "kind"].map(|key| tree.at(&[key]).cloned().unwrap_or_default())
        };
        let before = identity(&tree);
        for (place, change) in &edits {
            edit(&mut tree, *place, change);
        }
        for (key, value) in ["apiVersion", "kind"].into_iter().zip(before) {
            tree.set(&[key], value);
        }
        if tree.text_at(&["metadata", "name"]).is_none() {
            tree.remove(&["metadata"]);
            tree.set(&["metadata", "name"], Tree::from("name"));
        }
        tree
    })
}

fn minor() -> impl Strategy<Value = u32> {
    lifecycle::OLDEST..=lifecycle::NEWEST
}

/// The version of an object, and the others of its family.
fn versions(tree: &Tree) -> Option<(ApiVersion, &'static Lifecycle, Vec<ApiVersion>)> {
    let own: ApiVersion = tree.text_at(&["apiVersion"])?.parse().ok()?;
    let row = lifecycle::row(own.group(), own.version(), tree.text_at(&["kind"])?)?;
    let others = lifecycle::family(row)
        // What no release up to the newest has is not converted to.
        .filter(|member| {
            member.introduced <= lifecycle::NEWEST && member.api_version() != own.to_string()
        })
        .map(|member| ApiVersion::new(member.group, member.version).unwrap())
        .collect();
    Some((own, row, others))
}

/// Leaves of the input that are neither in the output, nor told as changed or lost.
fn unaccounted(input: &Tree, output: &Tree, changes: &[Change], losses: &[Loss]) -> Vec<String> {
    let kept: BTreeSet<String> = leaves(output)
        .into_iter()
        .map(|(_, value)| value.to_string())
        .collect();
    // A value may stand in a text now: a HorizontalPodAutoscaler's metrics in an annotation.
    let text = output.to_string();
    let told: Vec<&str> = changes
        .iter()
        .flat_map(|change| {
            let from = match &change.edit {
                csdr_core::conversion::Edit::Moved { from } => Some(from.as_str()),
                _ => None,
            };
            [Some(change.path.as_str()), from]
        })
        .flatten()
        .chain(losses.iter().map(|loss| loss.path.as_str()))
        .collect();
    let below = |path: &str, told: &&str| {
        path.strip_prefix(*told)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    leaves(input)
        .into_iter()
        .filter(|(path, value)| {
            let plain = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            !kept.contains(&value.to_string())
                && !told.iter().any(|told| below(path, told))
                && (plain.is_empty() || !text.contains(&plain))
        })
        .map(|(path, _)| path)
        .collect()
}

/// Leaves that two objects do not share; `null` is absent.
fn difference(one: &Tree, other: &Tree) -> Vec<(String, Tree)> {
    let (one, other) = (without_nulls(one), without_nulls(other));
    if one == other {
        return Vec::new();
    }
    let (one, other) = (leaves(&one), leaves(&other));
    let mut found: Vec<_> = one
        .iter()
        .filter(|leaf| !other.contains(leaf))
        .cloned()
        .collect();
    found.extend(other.into_iter().filter(|leaf| !one.contains(leaf)));
    if found.is_empty() {
        // They differ in what holds no leaf: `{}` against absent.
        found.push((String::new(), Tree::Null));
    }
    found
}

fn check_accounts(
    object: &Object,
    conversion: &Conversion,
) -> Result<(), proptest::test_runner::TestCaseError> {
    let Conversion::Converted {
        object: made,
        to,
        changes,
        losses,
    } = conversion
    else {
        return Ok(());
    };
    let (input, output) = (object.tree().unwrap(), made.tree().unwrap());
    let missing = unaccounted(&input, &output, changes, losses);
    prop_assert!(
        missing.is_empty(),
        "{} → {to}: {missing:?}",
        object.meta().kind
    );
    prop_assert_eq!(made.id().name(), object.id().name());
    prop_assert_eq!(made.id().namespace(), object.id().namespace());
    for (label, value) in &object.meta().labels {
        prop_assert_eq!(made.meta().labels.get(label), Some(value));
    }
    prop_assert_eq!(&made.meta().kind.api_version, to);
    if input == output {
        // Only told of, not changed.
        prop_assert!(changes.is_empty());
        prop_assert_eq!(made.json(), object.json());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing panics; the answer is the same each time; nothing is dropped silently.
    #[test]
    fn anything_is_answered(tree in anything(), minor in minor(), preferred in any::<bool>()) {
        let Some(object) = object(&tree) else { return Ok(()) };
        let target = TargetApis::kubernetes(1, minor).unwrap();
        let policy = if preferred { VersionPolicy::Preferred } else { VersionPolicy::Keep };
        let converter = BuiltinConverter::new().with_policy(policy);
        let Ok(conversion) = converter.convert(&object, &target) else { return Ok(()) };
        prop_assert_eq!(&converter.convert(&object, &target).unwrap(), &conversion);
        check_accounts(&object, &conversion)?;
        if let Conversion::Converted { object: made, .. } = &conversion {
            prop_assert!(target.serves(&made.meta().kind));
        }
    }

    /// The first stage answers to every version of the family, and drops nothing silently.
    #[test]
    fn every_version_is_reached(tree in anything()) {
        let Some((_, row, others)) = versions(&tree) else { return Ok(()) };
        let converter = BuiltinConverter::new();
        for to in others {
            // What a rule cannot read is an error that says so.
            let Ok(done) = converter.faithful(tree.clone(), &to) else { continue };
            let written = to.to_string();
            prop_assert_eq!(done.tree.text_at(&["apiVersion"]), Some(written.as_str()));
            let missing = unaccounted(&tree, &done.tree, &done.changes, &done.losses);
            prop_assert!(missing.is_empty(), "{} → {}: {:?}", row, to, missing);
        }
    }

    /// An object in the wanted version already is not touched.
    #[test]
    fn the_same_version_is_not_touched(tree in anything()) {
        let Some((own, ..)) = versions(&tree) else { return Ok(()) };
        let done = BuiltinConverter::new().faithful(tree.clone(), &own).unwrap();
        prop_assert!(done.changes.is_empty());
        prop_assert_eq!(done.tree.to_string(), tree.to_string());
    }

    /// Down and up again: the same object as up alone.
    #[test]
    fn up_then_down_then_up_is_stable(tree in partial()) {
        let Some((own, row, others)) = versions(&tree) else { return Ok(()) };
        let converter = BuiltinConverter::new();
        for to in others {
            let convert = |tree: Tree, to: &ApiVersion| converter.faithful(tree, to).map(|done| done.tree);
            let Ok(up) = convert(tree.clone(), &to) else { continue };
            let down = convert(up.clone(), &own).unwrap();
            let again = convert(down.clone(), &to).unwrap();
            let down_again = convert(again.clone(), &own).unwrap();
            // Once around, a version that knows less has forgotten what it cannot say.
            let forgot = difference(&up, &again);
            let stable = forgot.is_empty() || difference(&down, &down_again).is_empty();
            prop_assert!(stable, "{row} → {to}: {forgot:?}");
        }
    }
}

/// The objects as they are: every pair of versions, without the luck of a draw.
#[test]
fn every_pair_of_versions_is_stable() {
    let converter = BuiltinConverter::new();
    let mut pairs = 0;
    for tree in EVERY_FIELD.iter() {
        let Some((own, row, others)) = versions(tree) else {
            continue;
        };
        for to in others {
            let convert =
                |tree: &Tree, to: &ApiVersion| converter.faithful(tree.clone(), to).unwrap();
            let up = convert(tree, &to);
            let missing = unaccounted(tree, &up.tree, &up.changes, &up.losses);
            assert!(missing.is_empty(), "{row} → {to}: {missing:?}");
            let down = convert(&up.tree, &own);
            let again = convert(&down.tree, &to);
            assert_eq!(
                convert(&again.tree, &own).tree,
                down.tree,
                "{row} → {to} and back, twice"
            );
            pairs += 1;
        }
    }
    assert!(pairs > 150, "{pairs}");
}
