//! Source: api-versions.md section 2.8 and the edge cases of 2.10b.

use super::super::table::{check, convert};

const STATUS: &str =
    r#""status":{"storedVersions":["v1"],"acceptedNames":{"kind":"","plural":""}}"#;
const NAMES: &str =
    r#""names":{"kind":"Foo","plural":"foos","singular":"foo","listKind":"FooList"}"#;

fn object(version: &str, spec: &str) -> String {
    format!(
        r#"{{"apiVersion":"apiextensions.k8s.io/{version}","kind":"CustomResourceDefinition","spec":{{{spec},{NAMES}}},{STATUS}}}"#
    )
}

/// From v1beta1 to v1, with everything said that would be defaulted; `None`: the version list is `versions` on both sides.
fn up(spec: &str, expected: &str) {
    let rest = r#""scope":"Cluster","preserveUnknownFields":true"#;
    let none = if spec.contains(r#""conversion""#) {
        ""
    } else {
        r#","conversion":{"strategy":"None"}"#
    };
    check(&[(
        &object("v1beta1", &format!("{spec},{rest}{none}")),
        "apiextensions.k8s.io/v1",
        &object("v1", &format!("{expected},{rest}{none}")),
    )]);
}

fn down(spec: &str, expected: &str) {
    let rest = r#""scope":"Cluster","preserveUnknownFields":true"#;
    let none = if spec.contains(r#""conversion""#) {
        ""
    } else {
        r#","conversion":{"strategy":"None"}"#
    };
    check(&[(
        &object("v1", &format!("{spec},{rest}{none}")),
        "apiextensions.k8s.io/v1beta1",
        &object("v1beta1", &format!("{expected},{rest}{none}")),
    )]);
}

#[test]
fn what_is_said_once_stands_in_every_version() {
    up(
        r#""version":"v1","versions":[{"name":"v1"},{"name":"v2"}],"validation":{"openAPIV3Schema":{"type":"object"}},
        "subresources":{"status":{}},"additionalPrinterColumns":[{"name":"A","JSONPath":".a"}]"#,
        r#""versions":[
        {"name":"v1","schema":{"openAPIV3Schema":{"type":"object"}},"subresources":{"status":{}},"additionalPrinterColumns":[{"name":"A","jsonPath":".a"}]},
        {"name":"v2","schema":{"openAPIV3Schema":{"type":"object"}},"subresources":{"status":{}},"additionalPrinterColumns":[{"name":"A","jsonPath":".a"}]}]"#,
    );
    // Empty objects are said, an empty list is not.
    up(
        r#""versions":[{"name":"v1"}],"validation":{},"subresources":{},"additionalPrinterColumns":[]"#,
        r#""versions":[{"name":"v1","schema":{},"subresources":{}}]"#,
    );
    // The server writes over what a version says.
    up(
        r#""versions":[{"name":"v1","schema":{"openAPIV3Schema":{"type":"string"}}}],"validation":{"openAPIV3Schema":{"type":"object"}}"#,
        r#""versions":[{"name":"v1","schema":{"openAPIV3Schema":{"type":"object"}}}]"#,
    );
    up(
        r#""versions":[{"name":"v1","schema":{"openAPIV3Schema":{"type":"object"}},"additionalPrinterColumns":[{"JSONPath":".a"}]},{"name":"v2"}]"#,
        r#""versions":[{"name":"v1","schema":{"openAPIV3Schema":{"type":"object"}},"additionalPrinterColumns":[{"jsonPath":".a"}]},{"name":"v2"}]"#,
    );
    // Without a version to stand in, it stays.
    up(r#""validation":{"a":1}"#, r#""validation":{"a":1}"#);
}

#[test]
fn the_single_version_is_the_first_of_the_list() {
    up(
        r#""version":"v1""#,
        r#""versions":[{"name":"v1","served":true,"storage":true}]"#,
    );
    up(
        r#""version":"other","versions":[{"name":"v1"}]"#,
        r#""versions":[{"name":"v1"}]"#,
    );
    down(
        r#""versions":[{"name":"v2"},{"name":"v1"}]"#,
        r#""version":"v2","versions":[{"name":"v2"},{"name":"v1"}]"#,
    );
}

#[test]
fn the_webhook_of_a_conversion() {
    up(
        r#""versions":[],"conversion":{"strategy":"Webhook","webhookClientConfig":{"service":{"name":"s"}}}"#,
        r#""versions":[],"conversion":{"strategy":"Webhook","webhook":{"clientConfig":{"service":{"name":"s","port":443}},
        "conversionReviewVersions":["v1beta1"]}}"#,
    );
    up(
        r#""versions":[],"conversion":{"strategy":"None","conversionReviewVersions":[]}"#,
        r#""versions":[],"conversion":{"strategy":"None"}"#,
    );
    up(
        r#""versions":[],"conversion":{"strategy":"None","conversionReviewVersions":["v1"]}"#,
        r#""versions":[],"conversion":{"strategy":"None","webhook":{"conversionReviewVersions":["v1"]}}"#,
    );
    up(
        r#""versions":[],"conversion":{}"#,
        r#""versions":[],"conversion":{"strategy":"None"}"#,
    );
    down(
        r#""versions":[],"conversion":{"strategy":"Webhook","webhook":{"clientConfig":{"service":{"name":"s"}},"conversionReviewVersions":["v1"]}}"#,
        r#""versions":[],"conversion":{"strategy":"Webhook","webhookClientConfig":{"service":{"name":"s","port":443}},
        "conversionReviewVersions":["v1"]}"#,
    );
}

#[test]
fn the_defaults() {
    let bare = |version: &str| {
        format!(
            r#"{{"apiVersion":"apiextensions.k8s.io/{version}","kind":"CustomResourceDefinition",
            "spec":{{"versions":[{{"name":"a"}},{{"name":"v1","storage":true}}],"names":{{"kind":"Foo","plural":"foos","singular":""}}}}}}"#
        )
    };
    let versions = r#""versions":[{"name":"a"},{"name":"v1","storage":true}],"conversion":{"strategy":"None"}"#;
    check(&[
        (
            &bare("v1beta1"),
            "apiextensions.k8s.io/v1",
            &object(
                "v1",
                &format!(r#"{versions},"scope":"Namespaced","preserveUnknownFields":true"#),
            ),
        ),
        // v1 demands a scope, and has another default for unknown fields.
        (
            &bare("v1"),
            "apiextensions.k8s.io/v1beta1",
            &object(
                "v1beta1",
                &format!(r#"{versions},"version":"a","preserveUnknownFields":false"#),
            ),
        ),
    ]);
    let pruned = object(
        "v1beta1",
        r#""versions":[],"scope":"Cluster","conversion":{"strategy":"None"},"preserveUnknownFields":false"#,
    );
    let expected = object(
        "v1",
        r#""versions":[],"scope":"Cluster","conversion":{"strategy":"None"}"#,
    );
    check(&[(&pruned, "apiextensions.k8s.io/v1", &expected)]);
}

#[test]
fn what_all_versions_agree_on_is_said_once() {
    let column = r#""additionalPrinterColumns":[{"name":"A","jsonPath":".a"}]"#;
    let old = r#""additionalPrinterColumns":[{"name":"A","JSONPath":".a"}]"#;
    let schema = r#"{"openAPIV3Schema":{"type":"object"}}"#;
    down(
        &format!(
            r#""versions":[{{"name":"v1","schema":{schema},"subresources":{{}},{column}}},{{"name":"v2","schema":{schema},"subresources":{{}},{column}}}]"#
        ),
        &format!(
            r#""version":"v1","versions":[{{"name":"v1"}},{{"name":"v2"}}],"validation":{schema},"subresources":{{}},{old}"#
        ),
    );
    // One field differs: only that one stays.
    down(
        &format!(
            r#""versions":[{{"name":"v1","schema":{schema},{column}}},{{"name":"v2","schema":{schema},"additionalPrinterColumns":[]}}]"#
        ),
        &format!(
            r#""version":"v1","versions":[{{"name":"v1",{old}}},{{"name":"v2","additionalPrinterColumns":[]}}],"validation":{schema}"#
        ),
    );
    // The server does not tell an absent from an empty list.
    down(
        r#""versions":[{"name":"v1","schema":{"openAPIV3Schema":{"required":[]}}},{"name":"v2","schema":{"openAPIV3Schema":{}}}]"#,
        r#""version":"v1","versions":[{"name":"v1"},{"name":"v2"}],"validation":{"openAPIV3Schema":{"required":[]}}"#,
    );
    // Selectable fields follow the schema.
    down(
        r#""versions":[{"name":"v1","schema":{},"selectableFields":[{"jsonPath":".a"}]},{"name":"v2","selectableFields":[{"jsonPath":".a"}]}]"#,
        r#""version":"v1","versions":[{"name":"v1","schema":{},"selectableFields":[{"jsonPath":".a"}]},{"name":"v2","selectableFields":[{"jsonPath":".a"}]}]"#,
    );
}

#[test]
fn a_definition_that_goes_up_and_down_is_the_same_again() {
    let said = object(
        "v1beta1",
        r#""version":"v1","versions":[{"name":"v1"},{"name":"v2"}],"scope":"Cluster","conversion":{"strategy":"None"},
        "preserveUnknownFields":false,"validation":{"openAPIV3Schema":{"type":"object"}}"#,
    );
    let (tree, log) = convert(&said, "apiextensions.k8s.io/v1").unwrap();
    assert!(log.losses.is_empty());
    let (tree, log) = convert(&tree.to_string(), "apiextensions.k8s.io/v1beta1").unwrap();
    assert!(log.losses.is_empty());
    assert_eq!(tree, crate::model::Tree::parse(said.as_bytes()).unwrap());
}
