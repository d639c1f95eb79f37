use super::*;

fn verdict(line: &str) -> Verdict {
    judge(line).unwrap().verdict
}

/// A row of a kind without rules of its own, which converts by name alone.
fn lease(object: &str, result: &str) -> String {
    format!(
        r#"{{"job":{{"id":"a","to":"coordination.k8s.io/v1","object":{{"apiVersion":"coordination.k8s.io/v1beta1","kind":"Lease"{object}}}}},
        "result":{{"ok":true,"object":{{"apiVersion":"coordination.k8s.io/v1","kind":"Lease"{result}}}}}}}"#
    )
}

#[test]
fn what_only_the_encoder_says_is_no_difference() {
    let table = [
        (r#","spec":{"a":1}"#, r#","spec":{"a":1}"#, true),
        (r#","x":null"#, "", true),
        ("", r#","metadata":{"creationTimestamp":null}"#, true),
        ("", r#","status":{}"#, true),
        (r#","spec":{"list":[]}"#, r#","spec":{}"#, true),
        (r#","metadata":{"labels":{}}"#, r#","metadata":{}"#, true),
        (
            r#","metadata":{"labels":{"a":null}}"#,
            r#","metadata":{"labels":{"a":""}}"#,
            true,
        ),
        (
            r#","metadata":{"annotations":{"deprecated.daemonset.template.generation":"1"}}"#,
            "",
            true,
        ),
        // Everything else of that form has a meaning.
        (r#","spec":{"selector":{}}"#, r#","spec":{}"#, false),
        (
            r#","spec":{"subresources":{"status":{}}}"#,
            r#","spec":{"subresources":{}}"#,
            false,
        ),
        (
            r#","schema":{"openAPIV3Schema":{"properties":{"status":{}}}}"#,
            r#","schema":{"openAPIV3Schema":{"properties":{}}}"#,
            false,
        ),
        (
            r#","schema":{"openAPIV3Schema":{"default":{"a":null,"b":[]}}}"#,
            r#","schema":{"openAPIV3Schema":{"default":{}}}"#,
            false,
        ),
        (r#","spec":{"a":false}"#, r#","spec":{}"#, false),
    ];
    for (object, result, equal) in table {
        let verdict = verdict(&lease(object, result));
        assert_eq!(
            verdict == Verdict::Passed,
            equal,
            "{object} {result}: {verdict:?}"
        );
    }
}

#[test]
fn the_first_differing_path_is_named() {
    let line = lease(
        r#","spec":{"a":1,"b":{"c/d":[1,2]}}"#,
        r#","spec":{"a":1,"b":{"c/d":[1,3,4]}}"#,
    );
    let expected = "/spec/b/c~1d/1: expected 3, is 2";
    assert_eq!(verdict(&line), Verdict::Failed(expected.to_owned()));
}

#[test]
fn rows_apart() {
    let row = |job: &str, result: &str| {
        format!(
            r#"{{"job":{{"id":"a","to":"v1",{job}"object":{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"a"}},"x":1}}}},"result":{{{result}}}}}"#
        )
    };
    assert!(matches!(
        verdict(&row(r#""sourceDefaults":false,"#, r#""ok":true"#)),
        Verdict::Apart(_)
    ));
    let table = [
        // The server does not know the kind, csdr converts it.
        ("", r#""ok":false,"error":"no kind""#, false),
        // The same version: untouched, and what the server removes the second stage should remove.
        (
            "",
            r#""ok":true,"object":{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"x":1,"new":1}"#,
            true,
        ),
        (
            "",
            r#""ok":true,"object":{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}"#,
            false,
        ),
        // Created: left alone. Refused: something has to happen.
        (r#""create":true,"#, r#""ok":true,"created":{}"#, true),
        (
            r#""create":true,"#,
            r#""ok":true,"invalid":["x: bad"]"#,
            false,
        ),
        (r#""create":true,"#, r#""ok":true,"noCreate":true"#, true),
    ];
    for (job, result, passes) in table {
        let verdict = verdict(&row(job, result));
        assert_eq!(
            verdict == Verdict::Passed,
            passes,
            "{job} {result}: {verdict:?}"
        );
    }
}

#[test]
fn unknown_fields_are_compared_without_and_have_to_be_kept() {
    let line = lease(
        r#","spec":{"items":[{"odd.key":7}]}"#,
        r#","spec":{"items":[{}]}"#,
    );
    assert!(matches!(verdict(&line), Verdict::Failed(_)));
    let strict = line.replace(
        r#""ok":true"#,
        r#""ok":true,"strict":["strict decoding error: unknown field \"spec.items[0].odd.key\""]"#,
    );
    assert_eq!(verdict(&strict), Verdict::Passed);
}

#[test]
fn lists_are_converted_item_by_item() {
    let list = |version: &str, item: &str| {
        format!(
            r#"{{"apiVersion":"rbac.authorization.k8s.io/{version}","kind":"RoleList","items":[{{{item}"metadata":{{"name":"a"}}}}]}}"#
        )
    };
    for (item, name, passes) in [
        ("", "a", true),
        (r#""kind":"Role","#, "a", true),
        ("", "b", false),
    ] {
        let expected = list("v1", "").replace(r#""name":"a""#, &format!(r#""name":"{name}""#));
        let line = format!(
            r#"{{"job":{{"id":"a","to":"rbac.authorization.k8s.io/v1","object":{}}},"result":{{"ok":true,"object":{expected}}}}}"#,
            list("v1beta1", item)
        );
        assert_eq!(verdict(&line) == Verdict::Passed, passes, "{line}");
    }
}

#[test]
fn what_is_no_vector_is_an_error() {
    for line in [
        "",
        "{}",
        "[1]",
        r#"{"job":{"id":"a","to":"v1","object":{}}}"#,
    ] {
        assert!(judge(line).is_err(), "{line}");
    }
}
