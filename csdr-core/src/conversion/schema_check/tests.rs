use super::*;

/// Resources whose verdict a real API server gave (`dryRun=All` POST to Kubernetes 1.36.3): `schema` is that of `spec`, `refused` and
/// `pruned` are what is listed.
const JUDGED: &str = include_str!("../../../tests/data/conversion/judged_resources.jsonl");

#[test]
fn verdicts_are_those_of_the_server() {
    let mut cases = 0;
    for line in JUDGED.lines() {
        let case = Tree::parse(line.as_bytes()).unwrap();
        let (schema, spec) = (case.at(&["schema"]).unwrap(), case.at(&["spec"]).unwrap());
        let definition = Tree::parse(
            format!(
                r#"{{"spec":{{"group":"x.io","versions":[{{"name":"v1","schema":{{"openAPIV3Schema":{{"type":"object","properties":{{"spec":{schema}}}}}}}}}]}}}}"#
            )
            .as_bytes(),
        )
        .unwrap();
        let resource = Tree::parse(
            format!(
                r#"{{"apiVersion":"x.io/v1","kind":"Foo","metadata":{{"name":"a"}},"spec":{spec}}}"#
            )
            .as_bytes(),
        )
        .unwrap();
        let failures = check_custom_resource(&definition, &resource).unwrap();
        let said = |verdict: SchemaVerdict| -> Vec<&str> {
            let mut paths: Vec<&str> = failures
                .iter()
                .filter(|failure| failure.verdict == verdict)
                .map(|failure| failure.path.as_str())
                .collect();
            paths.dedup();
            paths
        };
        let expected = |key: &str| -> Vec<&str> {
            case.at(&[key])
                .and_then(Tree::as_array)
                .unwrap_or_default()
                .iter()
                .filter_map(Tree::as_str)
                .collect()
        };
        assert_eq!(said(SchemaVerdict::Refused), expected("refused"), "{line}");
        assert_eq!(said(SchemaVerdict::Pruned), expected("pruned"), "{line}");
        cases += 1;
    }
    assert!(cases > 50, "{cases}");
}

#[test]
fn a_version_that_the_definition_lacks_is_an_error() {
    let definition =
        Tree::parse(br#"{"spec":{"group":"x.io","versions":[{"name":"v1"}]}}"#).unwrap();
    for (resource, kind) in [
        (
            r#"{"apiVersion":"x.io/v2","kind":"Foo"}"#,
            ErrorKind::NotFound,
        ),
        (
            r#"{"apiVersion":"y.io/v1","kind":"Foo"}"#,
            ErrorKind::NotFound,
        ),
        (r#"{"kind":"Foo"}"#, ErrorKind::InvalidInput),
    ] {
        let error = check_custom_resource(&definition, &Tree::parse(resource.as_bytes()).unwrap())
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{resource}");
    }
    let without_schema = Tree::parse(br#"{"apiVersion":"x.io/v1","kind":"Foo","spec":1}"#).unwrap();
    assert_eq!(
        check_custom_resource(&definition, &without_schema).unwrap(),
        []
    );
}
