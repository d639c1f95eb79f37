use super::*;

fn refused(code: u16, body: &str) -> Error {
    let code = StatusCode::from_u16(code).unwrap();
    from_refusal(&Refusal::new(code, None, body.as_bytes()))
}

fn status(reason: &str, message: &str) -> String {
    serde_json::json!({"kind": "Status", "apiVersion": "v1", "reason": reason, "message": message})
        .to_string()
}

#[test]
fn the_reason_decides_and_then_the_code() {
    let terminating = "configmaps \"x\" is forbidden: unable to create new content in namespace n because it is being terminated";
    for (code, reason, message, kind) in [
        (409, "AlreadyExists", "", ErrorKind::AlreadyExists),
        (409, "Conflict", "", ErrorKind::Conflict),
        (409, "", "", ErrorKind::Conflict),
        (403, "Forbidden", "", ErrorKind::PermissionDenied),
        (403, "Forbidden", terminating, ErrorKind::Conflict),
        (
            403,
            "Forbidden",
            "pods \"p\" is forbidden: exceeded quota: q",
            ErrorKind::Exhausted,
        ),
        (
            401,
            "Unauthorized",
            "Unauthorized",
            ErrorKind::Unauthenticated,
        ),
        (404, "NotFound", "", ErrorKind::NotFound),
        (405, "MethodNotAllowed", "", ErrorKind::Unsupported),
        (410, "Expired", "", ErrorKind::Expired),
        (415, "UnsupportedMediaType", "", ErrorKind::Unsupported),
        (422, "Invalid", "", ErrorKind::InvalidInput),
        (400, "BadRequest", "", ErrorKind::InvalidInput),
        (429, "TooManyRequests", "", ErrorKind::RateLimited),
        (500, "ServerTimeout", "", ErrorKind::Timeout),
        (
            500,
            "InternalError",
            "failed calling webhook \"w\"",
            ErrorKind::Unavailable,
        ),
        (500, "InternalError", "", ErrorKind::Unexpected),
        (503, "ServiceUnavailable", "", ErrorKind::Unavailable),
        (504, "Timeout", "", ErrorKind::Timeout),
    ] {
        let error = refused(code, &status(reason, message));
        assert_eq!(error.kind(), kind, "{code} {reason}");
    }
}

#[test]
fn a_body_that_is_no_status_is_not_shown() {
    let error = refused(502, "<html>hunter2</html>");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.retry(), Retry::After(None));
    assert_eq!(
        error.to_string(),
        "the server answered 502 Bad Gateway (status=502)"
    );
}

#[test]
fn causes_are_told_once_and_without_values() {
    let body = serde_json::json!({
        "kind": "Status", "reason": "Invalid", "message": "ConfigMap \"x\" is invalid",
        "details": {"causes": [
            {"reason": "FieldValueInvalid", "field": "data[k]", "message": "Invalid value: \"hunter2\": too odd"},
            {"reason": "FieldValueRequired", "field": "spec.x", "message": "Required value"},
        ]},
    });
    let error = refused(422, &body.to_string());
    assert_eq!(
        error.message(),
        "ConfigMap \"x\" is invalid; data[k]: Invalid value: …: too odd; spec.x: Required value"
    );
}

#[test]
fn retry_after_is_taken_from_the_header_and_else_from_the_details() {
    let body = r#"{"kind":"Status","reason":"TooManyRequests","details":{"retryAfterSeconds":7}}"#;
    let code = StatusCode::TOO_MANY_REQUESTS;
    let after = |header| from_refusal(&Refusal::new(code, header, body.as_bytes())).retry();
    assert_eq!(after(Some("3")), Retry::After(Some(Duration::from_secs(3))));
    assert_eq!(after(None), Retry::After(Some(Duration::from_secs(7))));
}

#[test]
fn tls_errors_are_found_inside_of_io_errors() {
    let inner = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
    let outer = io::Error::new(io::ErrorKind::InvalidData, inner);
    let error = from_kube(kube::Error::Service(Box::new(outer)));
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(
        error.message().contains("certificate has expired"),
        "{error}"
    );
    assert_eq!(error.retry(), Retry::Never);
}

#[test]
fn a_refused_connection_says_what_to_check() {
    let io = io::Error::from(io::ErrorKind::ConnectionRefused);
    let error = from_kube(kube::Error::Service(Box::new(io)));
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("check the address"), "{error}");
}
