use super::*;

/// Every place of a tree, as a path of keys and positions.
fn places(tree: &Tree, at: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    found.push(at.clone());
    let mut below = |key: String, tree: &Tree| {
        at.push(key);
        places(tree, at, found);
        at.pop();
    };
    match tree {
        Tree::Object(members) => members
            .iter()
            .for_each(|(key, tree)| below(key.to_owned(), tree)),
        Tree::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(at, tree)| below(at.to_string(), tree)),
        _ => {}
    }
}

fn place<'a>(tree: &'a mut Tree, path: &[String]) -> Option<&'a mut Tree> {
    path.iter().try_fold(tree, |tree, key| match tree {
        Tree::Object(members) => members.get_mut(key),
        Tree::Array(items) => items.get_mut(key.parse::<usize>().ok()?),
        _ => None,
    })
}

// The house rule: a rule that meets a wrong type leaves it alone, and nothing that stood there is gone unsaid.
#[test]
fn odd_types_anywhere_are_kept_or_said() {
    let spec = r#"{"rollbackTo":{"revision":3},"templateGeneration":5,"selector":{"matchLabels":{"app":"x"}},
        "strategy":{"type":"Recreate","rollingUpdate":{"maxSurge":1}},
        "updateStrategy":{"type":"OnDelete","rollingUpdate":{"maxSurge":1}},
        "persistentVolumeClaimRetentionPolicy":{"whenScaled":"Delete"},
        "volumeClaimTemplates":[{"metadata":{"name":"c"},"spec":{"resources":{"requests":{"storage":"1u"}}},"status":{"phase":""}}],
        "template":{"metadata":{"labels":{"app":"x"},"annotations":{"pod.beta.kubernetes.io/init-containers":"[]"}},
            "spec":{"serviceAccount":"s","volumes":[{"name":"v","hostPath":{"path":"/"}}],
                "containers":[{"image":"i","ports":[{"protocol":""}],"livenessProbe":{"httpGet":{"path":""}}}]}}}"#;
    let odd = ["true", "7", r#""odd""#, r#"["odd"]"#, r#"{"odd":"odd"}"#].map(tree);
    for (kind, from, to) in [
        ("Deployment", "extensions/v1beta1", "apps/v1"),
        ("Deployment", "apps/v1", "apps/v1beta1"),
        ("DaemonSet", "extensions/v1beta1", "apps/v1"),
        ("DaemonSet", "apps/v1beta2", "extensions/v1beta1"),
        ("ReplicaSet", "extensions/v1beta1", "apps/v1"),
        ("StatefulSet", "apps/v1beta1", "apps/v1"),
    ] {
        let annotations = r#"{"deprecated.deployment.rollback.to":"3","deprecated.daemonset.template.generation":"4"}"#;
        let whole = tree(&format!(
            r#"{{"metadata":{{"name":"a","annotations":{annotations}}},"spec":{spec}}}"#
        ));
        let mut found = Vec::new();
        places(&whole, &mut Vec::new(), &mut found);
        for (path, odd) in found
            .iter()
            .skip(1)
            .flat_map(|path| odd.iter().map(move |odd| (path, odd)))
        {
            let mut object = whole.clone();
            *place(&mut object, path).unwrap() = odd.clone();
            object.set(&["apiVersion"], from.into());
            object.set(&["kind"], kind.into());
            let mut log = Log::default();
            faithful::convert(&mut object, &to.parse().unwrap(), &mut log).unwrap();
            let kept = place(&mut object, path).is_some_and(|at| contains(at, odd));
            let said = log
                .changes
                .iter()
                .filter_map(|change| change.before.as_ref());
            let lost = log.losses.iter().filter_map(|loss| loss.value.as_ref());
            assert!(
                kept || said.chain(lost).any(|before| contains(before, odd)),
                "{kind} {from} {path:?} {odd}\n{object}"
            );
        }
    }
}

/// Whether a tree is another one, or holds it with more beside it.
fn contains(tree: &Tree, part: &Tree) -> bool {
    match (tree, part) {
        (Tree::Object(all), Tree::Object(some))
            if some.iter().all(|(key, value)| all.get(key) == Some(value)) =>
        {
            true
        }
        (Tree::Object(all), part) => all.values().any(|value| contains(value, part)),
        (tree, part) => tree == part,
    }
}
