//! How the API server reaches a webhook: shared by admission webhooks and the conversion webhook of a definition.
//!
//! Source: `ValidateWebhookURL`, `ValidateWebhookService` of `k8s.io/apiserver/pkg/util/webhook`. The beta versions demanded the same,
//! so what fails here was never accepted.

use super::{label, name, refuse};
use crate::conversion::{
    draft::Node,
    outcome::{LossKind, Severity, SkipReason},
};
use crate::model::Tree;

/// Versions of a review that an API server understands.
const UNDERSTOOD: [&str; 2] = ["v1", "v1beta1"];

/// Refuses a client configuration that names not exactly one usable address.
pub(super) fn check(node: &Node<'_>, path: &[&str]) -> Result<(), SkipReason> {
    let config = node.get(path);
    let url = config
        .and_then(|config| config.at(&["url"]))
        .filter(|url| !url.is_null());
    let service = config
        .and_then(|config| config.at(&["service"]))
        .filter(|service| !service.is_null());
    let no =
        |below: &[&str], advice: &'static str| Err(refuse(node, &[path, below].concat(), advice));
    match (url, service) {
        (Some(_), Some(_)) | (None, None) => no(&[], "a webhook needs either a url or a service"),
        (Some(url), None) => match url.as_str() {
            Some(url) if is_usable_url(url) => Ok(()),
            _ => no(
                &["url"],
                "the address of a webhook must be https://host[/path], without user, query or fragment",
            ),
        },
        (None, Some(service)) => {
            for field in ["namespace", "name"] {
                if service.text_at(&[field]).is_none_or(str::is_empty) {
                    return no(
                        &["service", field],
                        "the service of a webhook needs its namespace and name",
                    );
                }
            }
            let port = service.at(&["port"]).filter(|port| !port.is_null());
            if port.is_some_and(|port| {
                !port
                    .as_i64()
                    .is_some_and(|port| (1..=65535).contains(&port))
            }) {
                return no(&["service", "port"], "not a port number");
            }
            if service
                .text_at(&["path"])
                .is_some_and(|path| !is_usable_path(path))
            {
                return no(
                    &["service", "path"],
                    "every part of the path must be a DNS subdomain",
                );
            }
            Ok(())
        }
    }
}

fn is_usable_url(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let host = rest.split('/').next().unwrap_or_default();
    scheme.eq_ignore_ascii_case("https")
        && fragment.is_empty()
        && query.is_empty()
        && !host.is_empty()
        && !host.contains(['@', ' '])
        && !url.contains(|character: char| character.is_ascii_control())
}

fn is_usable_path(path: &str) -> bool {
    if path.is_empty() || path == "/" {
        return true;
    }
    path.strip_prefix('/')
        .map(|path| path.strip_suffix('/').unwrap_or(path))
        .is_some_and(|path| path.split('/').all(label::is_domain))
}

/// Mends the list of review versions that a webhook understands. Answers whether it holds one that the server speaks.
pub(super) fn review_versions(node: &mut Node<'_>, path: &[&str]) -> bool {
    let empty = match node.get(path) {
        None => true,
        Some(Tree::Array(versions)) => versions.is_empty(),
        Some(_) => return false,
    };
    if empty {
        node.set(
            path,
            Tree::Array(vec!["v1beta1".into()]),
            "the target demands a version of the review",
        );
        node.warn(
            path,
            LossKind::Assumed,
            Severity::Warning,
            "not stored which review versions the webhook understands; v1beta1 was the only one when that field was optional",
        );
        return true;
    }
    let versions = node.get(path).and_then(Tree::as_array).unwrap_or_default();
    if !versions.iter().any(|version| {
        version
            .as_str()
            .is_some_and(|version| UNDERSTOOD.contains(&version))
    }) {
        return false;
    }
    let mut seen: Vec<Tree> = Vec::new();
    node.retain(path, |version| {
        let text = version.as_str().unwrap_or_default();
        let reason = if seen.contains(version) {
            "named twice"
        } else if name::is_label(text) {
            seen.push(version.clone());
            return None;
        } else {
            "not the name of a version"
        };
        Some((LossKind::Refused, Severity::Info, reason.into()))
    });
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (url, usable) in [
            ("https://w.example/x", true),
            ("HTTPS://w.example:8443", true),
            ("https://w.example/?", true),
            ("http://w.example/x", false),
            ("https:///x", false),
            ("https://u@w.example/x", false),
            ("https://w.example/x?a=b", false),
            ("https://w.example/x#y", false),
            ("w.example", false),
            ("", false),
        ] {
            assert_eq!(is_usable_url(url), usable, "{url}");
        }
        for (path, usable) in [
            ("", true),
            ("/", true),
            ("/validate", true),
            ("/apis/a.b/v1/", true),
            ("validate", false),
            ("//", false),
            ("/a//b", false),
            ("/A", false),
        ] {
            assert_eq!(is_usable_path(path), usable, "{path}");
        }
    }
}
