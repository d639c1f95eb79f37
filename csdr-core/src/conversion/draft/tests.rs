use super::*;

#[test]
fn nothing_is_written_over_unseen() {
    let mut tree = Tree::parse(br#"{"text":"x","null":null,"from":1,"to":2}"#).unwrap();
    let mut log = Log::default();
    let mut root = Node::root(&mut tree, &mut log);
    for (path, writable) in [
        (&[][..], true),
        (&["new"], true),
        (&["text"], true),
        (&["null", "new"], true),
        (&["new", "new"], true),
        (&["text", "new"], false),
        (&["text", "new", "new"], false),
    ] {
        assert_eq!(root.reaches(path), writable, "{path:?}");
    }
    root.set(&["text", "new"], true, "not written");
    root.rename(&["from"], &["text", "new"]);
    root.rename(&["from"], &["to"]);
    let lost: Vec<_> = log.losses.iter().map(|loss| loss.value.clone()).collect();
    assert_eq!(lost, [Some(Tree::from(2))]);
    assert_eq!(tree.to_string(), r#"{"text":"x","null":null,"to":1}"#);
}

#[test]
fn every_edit_is_recorded_with_its_pointer() {
    let mut tree = Tree::parse(
        br#"{"spec":{"a/b":null,"items":[{"x":1},null,{"x":2}],"old":{"k":"v"},"gone":7}}"#,
    )
    .unwrap();
    let mut log = Log::default();
    let mut root = Node::root(&mut tree, &mut log);
    root.default(&["spec", "a/b"], "set");
    root.default(&["spec", "old"], "not written");
    root.each(&["spec", "items"], |item| {
        item.rename(&["x"], &["y"]);
    });
    root.rename(&["spec", "old"], &["spec", "new"]);
    root.lose(
        &["spec", "gone"],
        LossKind::NoCounterpart,
        Severity::Warning,
        "no place for it",
    );
    root.retain(&["spec", "items"], |item| {
        item.is_null()
            .then(|| (LossKind::Refused, Severity::Info, "null".into()))
    });
    let said: Vec<String> = log.changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            format!("/spec/a~1b added: {DEFAULT}"),
            "/spec/items/0/x → /spec/items/0/y: renamed".to_owned(),
            "/spec/items/2/x → /spec/items/2/y: renamed".to_owned(),
            "/spec/old → /spec/new: renamed".to_owned(),
        ]
    );
    let lost: Vec<String> = log.losses.iter().map(ToString::to_string).collect();
    assert_eq!(
        lost,
        [
            "warning: /spec/gone: no place for it",
            "info: /spec/items/1: null"
        ]
    );
    assert_eq!(
        tree.to_string(),
        r#"{"spec":{"a/b":"set","items":[{"y":1},{"y":2}],"new":{"k":"v"}}}"#
    );
}
