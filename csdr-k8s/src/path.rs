//! Paths and queries of the API.

use csdr_core::{
    Error, Result,
    model::{ApiVersion, GroupResource, GroupVersionResource, ObjectId},
};
use std::fmt::Write as _;

/// The path of a resource's objects, in one namespace or, with `None`, in all or outside of any.
///
/// # Errors
/// `InvalidInput` if a part could lead the path elsewhere.
pub(crate) fn collection(
    resource: &GroupVersionResource,
    namespace: Option<&str>,
) -> Result<String> {
    // Invariant: these two refuse whatever is not a plain path segment.
    ApiVersion::new(&*resource.group, &*resource.version)?;
    GroupResource::new(&*resource.group, &*resource.resource)?;
    let mut path = match resource.group.as_str() {
        "" => format!("/api/{}", resource.version),
        group => format!("/apis/{group}/{}", resource.version),
    };
    if let Some(namespace) = namespace {
        if matches!(namespace, "" | "." | "..") {
            return Err(Error::invalid("not a namespace")
                .with_context("namespace", namespace.escape_debug()));
        }
        path.push_str("/namespaces/");
        push_encoded(&mut path, namespace);
    }
    path.push('/');
    path.push_str(&resource.resource);
    Ok(path)
}

/// The path of one object in `version`.
///
/// # Errors
/// As [`collection`].
pub(crate) fn object(id: &ObjectId, version: &str) -> Result<String> {
    let mut path = collection(&id.resource().with_version(version), id.namespace())?;
    path.push('/');
    push_encoded(&mut path, id.name());
    Ok(path)
}

/// Adds `name=value` to a path's query.
pub(crate) fn push_query(path: &mut String, name: &str, value: &str) {
    path.push(if path.contains('?') { '&' } else { '?' });
    path.push_str(name);
    path.push('=');
    push_encoded(path, value);
}

/// Percent-encodes all but RFC 3986's unreserved characters.
fn push_encoded(path: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            path.push(char::from(byte));
        } else {
            // Writing into a String does not fail.
            let _ = write!(path, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (id, version, expected) in [
            (
                "configmaps/shop/a",
                "v1",
                "/api/v1/namespaces/shop/configmaps/a",
            ),
            ("namespaces/shop", "v1", "/api/v1/namespaces/shop"),
            (
                "clusterroles.rbac.authorization.k8s.io/system:a b",
                "v1",
                "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Aa%20b",
            ),
        ] {
            assert_eq!(object(&id.parse().unwrap(), version).unwrap(), expected);
        }
    }

    #[test]
    fn nothing_leads_elsewhere() {
        let pods = |version: &str, resource: &str| GroupVersionResource {
            group: String::new(),
            version: version.into(),
            resource: resource.into(),
        };
        assert!(collection(&pods("v1/x", "pods"), None).is_err());
        assert!(collection(&pods("v1", "pods/../secrets"), None).is_err());
        assert!(collection(&pods("v1", "pods"), Some("..")).is_err());
        assert_eq!(
            collection(&pods("v1", "pods"), Some("a/../b?x")).unwrap(),
            "/api/v1/namespaces/a%2F..%2Fb%3Fx/pods"
        );
    }

    #[test]
    fn queries_are_encoded() {
        let mut path = "/x".to_owned();
        push_query(&mut path, "labelSelector", "a in (b,c)");
        push_query(&mut path, "limit", "5");
        assert_eq!(path, "/x?labelSelector=a%20in%20%28b%2Cc%29&limit=5");
    }
}
