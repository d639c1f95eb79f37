//! Source: api-versions.md section 2.1 and the edge cases of 2.10b.

use super::super::table::{check, convert};

/// A backend inside an Ingress of networking.k8s.io/v1beta1, and what v1 makes of it.
fn up(backend: &str, expected: &str) {
    check(&[(
        &format!(
            r#"{{"apiVersion":"networking.k8s.io/v1beta1","kind":"Ingress","spec":{{"backend":{backend},
            "rules":[{{"http":{{"paths":[{{"path":"/","backend":{backend}}}]}}}}]}}}}"#
        ),
        "networking.k8s.io/v1",
        &format!(
            r#"{{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","spec":{{"defaultBackend":{expected},
            "rules":[{{"http":{{"paths":[{{"path":"/","backend":{expected},"pathType":"ImplementationSpecific"}}]}}}}]}}}}"#
        ),
    )]);
}

#[test]
fn a_flat_backend_becomes_a_service() {
    let table = [
        (
            r#"{"serviceName":"s","servicePort":80}"#,
            r#"{"service":{"name":"s","port":{"number":80}}}"#,
        ),
        (
            r#"{"serviceName":"s","servicePort":"http"}"#,
            r#"{"service":{"name":"s","port":{"name":"http"}}}"#,
        ),
        // A text of digits stays a name: to make it a number is for the second stage.
        (
            r#"{"serviceName":"s","servicePort":"8080"}"#,
            r#"{"service":{"name":"s","port":{"name":"8080"}}}"#,
        ),
        (
            r#"{"serviceName":"s"}"#,
            r#"{"service":{"name":"s","port":{}}}"#,
        ),
        (
            r#"{"serviceName":"s","servicePort":0}"#,
            r#"{"service":{"name":"s","port":{}}}"#,
        ),
        // An empty text counts as set, 0 does not.
        (
            r#"{"serviceName":"","servicePort":""}"#,
            r#"{"service":{"name":"","port":{}}}"#,
        ),
        (
            r#"{"servicePort":80}"#,
            r#"{"service":{"name":"","port":{"number":80}}}"#,
        ),
        (r#"{"serviceName":"","servicePort":0}"#, "{}"),
        ("{}", "{}"),
        (
            r#"{"resource":{"kind":"B","name":"b"}}"#,
            r#"{"resource":{"kind":"B","name":"b"}}"#,
        ),
        (
            r#"{"resource":{"kind":"B","name":"b"},"serviceName":"s","servicePort":1}"#,
            r#"{"resource":{"kind":"B","name":"b"},"service":{"name":"s","port":{"number":1}}}"#,
        ),
        // Written in the form of v1 by mistake: kept, unless it is said in the old form, too.
        (
            r#"{"service":{"name":"s","port":{"number":80}}}"#,
            r#"{"service":{"name":"s","port":{"number":80}}}"#,
        ),
        (
            r#"{"service":{"name":"new","port":{"number":1}},"serviceName":"old","servicePort":2}"#,
            r#"{"service":{"name":"old","port":{"number":2}}}"#,
        ),
        // Of another form: left alone.
        (r#"{"servicePort":{}}"#, r#"{"servicePort":{}}"#),
        ("7", "7"),
    ];
    for (backend, expected) in table {
        up(backend, expected);
    }
}

#[test]
fn a_service_becomes_a_flat_backend() {
    let table = [
        (
            r#"{"service":{"name":"s","port":{"number":80}}}"#,
            r#"{"serviceName":"s","servicePort":80}"#,
        ),
        (
            r#"{"service":{"name":"s","port":{"name":"http","number":80}}}"#,
            r#"{"serviceName":"s","servicePort":"http"}"#,
        ),
        (
            r#"{"service":{"name":"s","port":{"name":""}}}"#,
            r#"{"serviceName":"s","servicePort":0}"#,
        ),
        (
            r#"{"service":{"name":"s"}}"#,
            r#"{"serviceName":"s","servicePort":0}"#,
        ),
        (
            r#"{"resource":{"kind":"B","name":"b"}}"#,
            r#"{"resource":{"kind":"B","name":"b"},"servicePort":0}"#,
        ),
        (
            r#"{"service":{"name":"s","port":{"number":1},"zone":"a"}}"#,
            r#"{"service":{"zone":"a"},"serviceName":"s","servicePort":1}"#,
        ),
    ];
    for to in ["networking.k8s.io/v1beta1", "extensions/v1beta1"] {
        for (backend, expected) in table {
            check(&[(
                &format!(
                    r#"{{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","spec":{{"defaultBackend":{backend},
                    "rules":[{{"http":{{"paths":[{{"pathType":"Prefix","backend":{backend}}}]}}}}]}}}}"#
                ),
                to,
                &format!(
                    r#"{{"apiVersion":"{to}","kind":"Ingress","spec":{{"backend":{expected},
                    "rules":[{{"http":{{"paths":[{{"pathType":"Prefix","backend":{expected}}}]}}}}]}}}}"#
                ),
            )]);
        }
    }
}

#[test]
fn a_class_gets_its_default_only_from_the_version_that_has_one() {
    let class = |version: &str, scope: &str| {
        format!(
            r#"{{"apiVersion":"networking.k8s.io/{version}","kind":"IngressClass",
            "spec":{{"controller":"c","parameters":{{"kind":"K","name":"n"{scope}}}}}}}"#
        )
    };
    check(&[
        (
            &class("v1beta1", ""),
            "networking.k8s.io/v1",
            &class("v1", ""),
        ),
        (
            &class("v1", ""),
            "networking.k8s.io/v1beta1",
            &class("v1beta1", r#","scope":"Cluster""#),
        ),
    ]);
}

#[test]
fn the_old_groups_say_the_same() {
    let ingress = |version: &str| {
        format!(
            r#"{{"apiVersion":"{version}","kind":"Ingress","spec":{{"backend":{{"serviceName":"s","servicePort":1}}}}}}"#
        )
    };
    check(&[(
        &ingress("extensions/v1beta1"),
        "networking.k8s.io/v1beta1",
        &ingress("networking.k8s.io/v1beta1"),
    )]);
    let (_, log) = convert(&ingress("extensions/v1beta1"), "networking.k8s.io/v1").unwrap();
    assert!(log.losses.is_empty());
}
