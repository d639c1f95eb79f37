//! Any patch on any object: an answer, never a panic; and nothing half done.

use super::*;
use crate::modifier::strategic;
use proptest::prelude::*;

fn leaf() -> impl Strategy<Value = Tree> {
    let names = vec!["a", "web", "delete", "replace", "merge", "80"];
    prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::from),
        (0i64..3).prop_map(Tree::from),
        prop::sample::select(names).prop_map(Tree::from),
    ]
}

/// Trees of the keys that strategic merge patches know.
fn any_tree() -> impl Strategy<Value = Tree> {
    let keys = vec![
        "spec",
        "template",
        "metadata",
        "containers",
        "ports",
        "env",
        "name",
        "containerPort",
        "finalizers",
        "volumes",
        "$patch",
        "$retainKeys",
        "$setElementOrder/containers",
        "$setElementOrder/ports",
        "$setElementOrder/finalizers",
        "$deleteFromPrimitiveList/finalizers",
        "$setElementOrder",
        "$deleteFromPrimitiveList",
        "labels",
        "a",
    ];
    leaf().prop_recursive(6, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Tree::from),
            prop::collection::vec((prop::sample::select(keys.clone()), inner), 0..6)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn pod(mut spec: Tree) -> Tree {
    if spec.as_object().is_none() {
        spec = Tree::object();
    }
    spec.set(&["apiVersion"], "v1".into());
    spec.set(&["kind"], "Pod".into());
    spec
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn strategic_and_merge_patches_answer(object in any_tree(), patch in any_tree()) {
        let mut tree = pod(object);
        let before = tree.clone();
        if strategic::apply(&patch, &mut tree).is_ok() {
            // What was made is a tree that can be read again.
            prop_assert_eq!(&Tree::parse(&tree.to_json()).unwrap(), &tree);
        }
        let mut tree = before.clone();
        tree.merge(&patch);
        prop_assert_eq!(&Tree::parse(&tree.to_json()).unwrap(), &tree);
        // A patch that says nothing changes nothing.
        let mut tree = before.clone();
        strategic::apply(&Tree::object(), &mut tree).unwrap();
        prop_assert_eq!(tree, before);
    }

    #[test]
    fn rules_of_any_text_answer(
        object in any_tree(),
        operations in prop::collection::vec(
            (
                prop::sample::select(vec!["add", "remove", "replace", "move", "copy", "test"]),
                "(/(spec|containers|a|-|0|1|\\$patch|~0|~1)){1,4}",
                "(/(spec|containers|a|0)){1,3}",
                "[a-z\"{}\\[\\]:,0-9 ]{0,8}",
            ),
            1..5,
        ),
    ) {
        let mut object = pod(object);
        object.set(&["metadata"], tree(r#"{"name":"a","namespace":"n"}"#));
        let stored = Object::from_tree("pods".parse().unwrap(), &object).unwrap();
        let mut rule = ResourceModifierRule::new(ModifierConditions::of("pods"));
        for (operation, path, from, value) in operations {
            rule = rule.with_patch(JsonPatchOperation::new(operation, path).with_from(from).with_value(value));
        }
        if let Ok(modifiers) = ResourceModifiers::new(&ResourceModifierSpec::default().with_rule(rule)) {
            let mut item = TransformItem::new(&stored, stored.id().clone(), object.clone());
            modifiers.transform(&mut item).unwrap();
            let told = !item.changes().is_empty() || !item.losses().is_empty();
            prop_assert!(told || *item.tree() == object || item.changes().is_empty());
            prop_assert!(Tree::parse(&item.tree().to_json()).is_ok());
        }
    }
}
