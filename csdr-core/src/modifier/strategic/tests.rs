use super::*;

/// An object of a kind with these further members, and what a patch makes of it: the members again, or why not.
fn patched(kind: &str, object: &str, patch: &str) -> String {
    let (api_version, kind) = kind.rsplit_once(' ').unwrap();
    let head = format!(r#"{{"apiVersion":"{api_version}","kind":"{kind}""#);
    let json = match object {
        "{}" => format!("{head}}}"),
        object => format!("{head},{}", object.strip_prefix('{').unwrap()),
    };
    let parse = |json: &str| {
        Tree::parse(json.as_bytes()).unwrap_or_else(|error| panic!("{json}: {}", error.chain()))
    };
    let mut tree = parse(&json);
    match apply(&parse(patch), &mut tree) {
        Ok(()) => {
            tree.remove(&["apiVersion"]);
            tree.remove(&["kind"]);
            tree.to_string()
        }
        Err(refusal) => format!("{}: {}", refusal.path, refusal.reason),
    }
}

const POD: &str = "v1 Pod";

/// Objects, patches, and what kube-apiserver 1.36 answered (`PATCH …?dryRun=All`; `null`: it refused). Recorded once; the cluster test
/// `strategic` of csdr-k8s asks the server anew.
const SERVER: &str = include_str!("../../../tests/data/strategic.json");

/// A server does not write what is empty.
fn without_empty(tree: &Tree) -> Option<Tree> {
    match tree {
        Tree::Object(map) => {
            let members = map
                .iter()
                .filter_map(|(key, value)| Some((key.to_owned(), without_empty(value)?)));
            let members: Tree = members.collect();
            (members != Tree::object()).then_some(members)
        }
        Tree::Array(items) if items.is_empty() => None,
        Tree::Array(items) => {
            let items = items
                .iter()
                .map(|item| without_empty(item).unwrap_or_default());
            Some(Tree::Array(items.collect()))
        }
        value => Some(value.clone()),
    }
}

#[test]
fn a_patch_makes_what_the_server_makes() {
    let recorded = Tree::parse(SERVER.as_bytes()).unwrap();
    let (mut taken, mut refused) = (0, 0);
    for group in recorded.as_array().unwrap() {
        let object = group.at(&["object"]).unwrap();
        for case in group.at(&["patches"]).and_then(Tree::as_array).unwrap() {
            let [patch, theirs] = case.as_array().unwrap() else {
                panic!("not a patch and an answer");
            };
            let mut ours = object.clone();
            match (apply(patch, &mut ours), theirs) {
                (Err(_), Tree::Null) => refused += 1,
                (Ok(()), theirs) => {
                    let (ours, theirs) = (without_empty(&ours), without_empty(theirs));
                    let text = |tree: &Option<Tree>| tree.as_ref().map(Tree::to_string);
                    assert!(
                        ours == theirs,
                        "{patch}\nours:   {:?}\ntheirs: {:?}",
                        text(&ours),
                        text(&theirs)
                    );
                    taken += 1;
                }
                (Err(refusal), _) => panic!("{patch}: {refusal}, and the server took it"),
            }
        }
    }
    assert_eq!((taken, refused), (45, 7));
}

#[test]
fn lists_with_a_key_are_merged_by_it() {
    for (object, patch, result) in [
        // An item that is known is merged, a new one stands in the order of the patch in front.
        (
            r#"{"spec":{"containers":[{"name":"a","image":"1","env":[{"name":"X","value":"1"}]},{"name":"b","image":"1"}]}}"#,
            r#"{"spec":{"containers":[{"name":"b","image":"2"},{"name":"c","image":"3"}]}}"#,
            r#"{"spec":{"containers":[{"name":"a","image":"1","env":[{"name":"X","value":"1"}]},{"name":"b","image":"2"},{"name":"c","image":"3"}]}}"#,
        ),
        (
            r#"{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}"#,
            r#"{"spec":{"containers":[{"name":"new"},{"name":"a","image":"1"}]}}"#,
            r#"{"spec":{"containers":[{"name":"new"},{"name":"a","image":"1"},{"name":"b"}]}}"#,
        ),
        (
            r#"{"spec":{"containers":[{"name":"a","env":[{"name":"X","value":"1"},{"name":"Y","value":"2"}]}]}}"#,
            r#"{"spec":{"containers":[{"name":"a","env":[{"name":"Y","value":"3"},{"$patch":"delete","name":"X"}]}]}}"#,
            r#"{"spec":{"containers":[{"name":"a","env":[{"name":"Y","value":"3"}]}]}}"#,
        ),
        (
            r#"{"spec":{"containers":[{"name":"a","env":[{"name":"X"},{"name":"Y"}]}]}}"#,
            r#"{"spec":{"containers":[{"name":"a","env":[{"$patch":"replace"},{"name":"Z"}]}]}}"#,
            r#"{"spec":{"containers":[{"name":"a","env":[{"name":"Z"}]}]}}"#,
        ),
        // Lists without a strategy are replaced.
        (
            r#"{"spec":{"containers":[{"name":"a","args":["x"]}],"tolerations":[{"key":"a"}]}}"#,
            r#"{"spec":{"containers":[{"name":"a","args":["y"]}],"tolerations":[{"key":"b"}]}}"#,
            r#"{"spec":{"containers":[{"name":"a","args":["y"]}],"tolerations":[{"key":"b"}]}}"#,
        ),
        // Two ports of one number are one to the patch: the first is changed.
        (
            r#"{"spec":{"containers":[{"name":"a","ports":[{"containerPort":53,"protocol":"UDP"},{"containerPort":53,"protocol":"TCP"}]}]}}"#,
            r#"{"spec":{"containers":[{"name":"a","ports":[{"containerPort":53,"name":"dns"}]}]}}"#,
            r#"{"spec":{"containers":[{"name":"a","ports":[{"containerPort":53,"protocol":"UDP","name":"dns"},{"containerPort":53,"protocol":"TCP"}]}]}}"#,
        ),
        // Maps without a strategy are merged, and nulls remove.
        (
            r#"{"metadata":{"labels":{"a":"1","b":"2"}}}"#,
            r#"{"metadata":{"labels":{"a":null,"c":"3","d":null}}}"#,
            r#"{"metadata":{"labels":{"b":"2","c":"3"}}}"#,
        ),
        // What is new comes without nulls and directives.
        (
            r#"{"spec":{}}"#,
            r#"{"spec":{"containers":[{"name":"a","image":null},{"name":"b","$patch":"delete"}],"securityContext":{"$patch":"replace","x":1}}}"#,
            r#"{"spec":{"containers":[{"name":"a"}]}}"#,
        ),
        (
            r#"{"spec":{"containers":[{"name":"a"}]}}"#,
            r#"{"spec":{"containers":[{"name":"b","$setElementOrder/env":[],"env":null}]}}"#,
            r#"{"spec":{"containers":[{"name":"b"},{"name":"a"}]}}"#,
        ),
    ] {
        assert_eq!(patched(POD, object, patch), result, "{patch}");
    }
}

#[test]
fn lists_of_plain_values_are_sets() {
    for (object, patch, result) in [
        (
            r#"{"metadata":{"finalizers":["a","b"]}}"#,
            r#"{"metadata":{"finalizers":["c","a"]}}"#,
            r#"{"metadata":{"finalizers":["c","a","b"]}}"#,
        ),
        (
            r#"{"metadata":{"finalizers":["a","b","c"]}}"#,
            r#"{"metadata":{"$deleteFromPrimitiveList/finalizers":["b","x"]}}"#,
            r#"{"metadata":{"finalizers":["a","c"]}}"#,
        ),
        (
            r#"{"metadata":{"finalizers":["a","b"]}}"#,
            r#"{"metadata":{"$setElementOrder/finalizers":["b","a"]}}"#,
            r#"{"metadata":{"finalizers":["b","a"]}}"#,
        ),
        (
            r#"{"metadata":{}}"#,
            r#"{"metadata":{"$deleteFromPrimitiveList/finalizers":["b"],"$setElementOrder/finalizers":["b"]}}"#,
            r#"{"metadata":{}}"#,
        ),
    ] {
        assert_eq!(patched(POD, object, patch), result, "{patch}");
    }
}

#[test]
fn directives() {
    for (kind, object, patch, result) in [
        (
            "apps/v1 Deployment",
            r#"{"spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}}}}"#,
            r#"{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}"#,
            r#"{"spec":{"strategy":{"type":"Recreate"}}}"#,
        ),
        (
            "apps/v1 Deployment",
            r#"{"spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}}}}"#,
            r#"{"spec":{"strategy":{"$patch":"replace","type":"Recreate"}}}"#,
            r#"{"spec":{"strategy":{"type":"Recreate"}}}"#,
        ),
        (
            POD,
            r#"{"spec":{"volumes":[{"name":"a","emptyDir":{}},{"name":"b","emptyDir":{}}]}}"#,
            r#"{"spec":{"volumes":[{"name":"a","$retainKeys":["name","configMap"],"configMap":{"name":"x"}}]}}"#,
            r#"{"spec":{"volumes":[{"name":"a","configMap":{"name":"x"}},{"name":"b","emptyDir":{}}]}}"#,
        ),
        (
            POD,
            r#"{"spec":{"containers":[{"name":"a"},{"name":"b"},{"name":"c"}]}}"#,
            r#"{"spec":{"$setElementOrder/containers":[{"name":"c"},{"name":"d"},{"name":"a"}],"containers":[{"name":"d"}]}}"#,
            r#"{"spec":{"containers":[{"name":"b"},{"name":"c"},{"name":"d"},{"name":"a"}]}}"#,
        ),
        (
            "v1 ConfigMap",
            r#"{"data":{"a":"1"},"metadata":{"name":"x"}}"#,
            r#"{"data":{"$patch":"delete"}}"#,
            r#"{"data":{},"metadata":{"name":"x"}}"#,
        ),
        (
            "policy/v1 PodDisruptionBudget",
            r#"{"spec":{"selector":{"matchLabels":{"a":"1"}}}}"#,
            r#"{"spec":{"selector":{"matchLabels":{"b":"2"}}}}"#,
            r#"{"spec":{"selector":{"matchLabels":{"b":"2"}}}}"#,
        ),
        // A release of a kind that the table does not have has the lists of the others.
        (
            "batch/v2alpha1 CronJob",
            r#"{"metadata":{"finalizers":["a"]}}"#,
            r#"{"metadata":{"finalizers":["b"]}}"#,
            r#"{"metadata":{"finalizers":["b","a"]}}"#,
        ),
    ] {
        assert_eq!(patched(kind, object, patch), result, "{patch}");
    }
}

#[test]
fn what_a_server_refuses_is_refused() {
    for (object, patch, result) in [
        (
            r#"{"spec":{"containers":[{"name":"a","env":[{"name":"X"}]}]}}"#,
            r#"{"spec":{"containers":[{"name":"a","env":[{"value":"1"}]}]}}"#,
            "/spec/containers/a/env: an item has no `name`, by which the list is merged",
        ),
        (
            r#"{"spec":{"containers":[{"name":"a"}]}}"#,
            r#"{"spec":{"containers":[{"name":"a","$patch":"merge"}]}}"#,
            "/spec/containers: `$patch` is `replace` or `delete` in a list",
        ),
        (
            r#"{"spec":{"containers":[{"name":"a"}]}}"#,
            r#"{"spec":{"containers":["a"]}}"#,
            "/spec/containers: items of the list are of several types",
        ),
        (
            r#"{"spec":{}}"#,
            r#"{"spec":{"$patch":"merge"}}"#,
            "/spec/$patch: `$patch` is `replace` or `delete` here",
        ),
        (
            r#"{"spec":{"volumes":[{"name":"a"}]}}"#,
            r#"{"spec":{"volumes":[{"name":"a","$retainKeys":["name"],"emptyDir":{}}]}}"#,
            "/spec/volumes/a/emptyDir: the patch sets a key that `$retainKeys` does not name",
        ),
        (
            r#"{"spec":{"volumes":[{"name":"a"}]}}"#,
            r#"{"spec":{"volumes":[{"name":"a","$retainKeys":"name"}]}}"#,
            "/spec/volumes/a/$retainKeys: `$retainKeys` is a list of keys",
        ),
        (
            r#"{"spec":{"containers":[{"name":"a"}]}}"#,
            r#"{"spec":{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"name":"b"}]}}"#,
            "/spec/containers: the items of the patch do not stand in the order of `$setElementOrder`",
        ),
        (
            r#"{"metadata":{"finalizers":["a"]}}"#,
            r#"{"metadata":{"$deleteFromPrimitiveList":["a"]}}"#,
            "/metadata/$deleteFromPrimitiveList: the directive is written `$deleteFromPrimitiveList/<field>`",
        ),
        (
            r#"{"spec":{"containers":[{"name":"a"}]}}"#,
            r#"{"spec":{"$deleteFromPrimitiveList/containers":[{"name":"a"}]}}"#,
            "/spec/containers: `$deleteFromPrimitiveList` is for lists of plain values",
        ),
    ] {
        assert_eq!(patched(POD, object, patch), result, "{patch}");
    }
}

#[test]
fn the_table_is_sorted_and_its_numbers_stand_for_something() {
    let kinds = table::KINDS
        .iter()
        .map(|row| (row.kind, row.group, row.version));
    let kinds: Vec<_> = kinds.collect();
    assert!(kinds.is_sorted() && kinds.len() > 80, "{}", kinds.len());
    for shape in table::SHAPES {
        assert!(shape.is_sorted_by_key(|(name, ..)| name));
        let known = |number: u16| usize::from(number) <= table::SHAPES.len();
        assert!(shape.iter().all(|(_, _, _, number)| known(*number)));
    }
    for (api_version, kind) in [
        ("v1", "Pod"),
        ("apps/v1", "Deployment"),
        ("extensions/v1beta1", "Ingress"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("apiregistration.k8s.io/v1", "APIService"),
    ] {
        assert!(
            Kind::of(api_version, kind).is_some_and(|kind| kind.shape > 0),
            "{kind}"
        );
    }
    assert!(Kind::of("apps.example.com/v1", "Deployment").is_none());
}
