//! Names of namespaces inside of text.

use super::NamespaceMapping;

/// The user that a ServiceAccount is. Source: Kubernetes, `ServiceAccountUsernamePrefix`.
const USER: &str = "system:serviceaccount:";
/// The group of all ServiceAccounts of a namespace. Source: Kubernetes, `ServiceAccountGroupPrefix`.
const GROUP: &str = "system:serviceaccounts:";

/// A ServiceAccount's user or group under its new name, if its namespace is mapped.
pub(super) fn subject(mapping: &NamespaceMapping, name: &str) -> Option<String> {
    if let Some(namespace) = name.strip_prefix(GROUP) {
        return Some(format!("{GROUP}{}", mapping.of(namespace)?));
    }
    let (namespace, account) = name.strip_prefix(USER)?.split_once(':')?;
    Some(format!("{USER}{}:{account}", mapping.of(namespace)?))
}

/// A Service's name in the cluster under its new name: `….<ns>.svc`, with or without the cluster's domain.
pub(super) fn host(mapping: &NamespaceMapping, host: &str) -> Option<String> {
    let labels: Vec<&str> = host.split('.').collect();
    let at = labels.iter().rposition(|label| *label == "svc")?;
    // A Service stands in front of its namespace.
    let namespace = labels.get(at.checked_sub(1).filter(|at| *at > 0)?)?;
    let domain = labels.get(at + 1..)?;
    if !matches!(
        domain,
        [] | [""] | ["cluster", "local"] | ["cluster", "local", ""]
    ) {
        return None;
    }
    let to = mapping.of(namespace)?;
    let mut labels: Vec<&str> = labels.clone();
    *labels.get_mut(at - 1)? = to;
    Some(labels.join("."))
}

/// How sure it is that a text names a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    /// A name of the cluster's DNS or of a ServiceAccount.
    Sure,
    /// It looks like one.
    Likely,
}

/// Where only part of the text may be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The bare name of a namespace counts, too.
    Bare,
    /// Only what could hardly be anything else.
    Strict,
}

/// A text with the namespaces in it under their new names, if any is mapped; and the first one that is.
pub(super) fn rewritten(
    mapping: &NamespaceMapping,
    text: &str,
    scope: Scope,
) -> Option<(String, String, Certainty)> {
    let mut out = String::with_capacity(text.len());
    let (mut first, mut certainty) = (None, Certainty::Likely);
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
        let (token, behind) = rest.split_at(end);
        match in_token(mapping, token, &out, behind, scope) {
            Some((new, namespace, how)) => {
                out.push_str(&new);
                first.get_or_insert_with(|| namespace.to_owned());
                certainty = certainty.min(how);
            }
            None => out.push_str(token),
        }
        let next = behind.chars().next().map_or(0, char::len_utf8);
        let (separator, left) = behind.split_at(next);
        out.push_str(separator);
        rest = left;
    }
    first.map(|namespace| (out, namespace, certainty))
}

/// Characters of DNS names.
fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '.'
}

/// Looks at one word: `before` is what stands in front of it (under its new names), `behind` what follows.
fn in_token<'t>(
    mapping: &NamespaceMapping,
    token: &'t str,
    before: &str,
    behind: &str,
    scope: Scope,
) -> Option<(String, &'t str, Certainty)> {
    let name = token.trim_end_matches('.');
    let dots = &token[name.len()..];
    let labels: Vec<&str> = name.split('.').collect();
    // `<service>.<ns>.svc…`, in any domain.
    for (at, pair) in labels.windows(2).enumerate() {
        if let [namespace, "svc"] = pair
            && at > 0
            && let Some(to) = mapping.of(namespace)
        {
            let mut labels: Vec<&str> = labels.clone();
            labels[at] = to;
            return Some((labels.join(".") + dots, *namespace, Certainty::Sure));
        }
    }
    // `system:serviceaccounts:<ns>`, `system:serviceaccount:<ns>:<name>`.
    if before.ends_with(USER) && behind.starts_with(':') || before.ends_with(GROUP) {
        let to = mapping.of(name)?;
        return Some((format!("{to}{dots}"), name, Certainty::Sure));
    }
    // `<service>.<ns>`: one label in front, as a host of a URL or with a port, or alone.
    if let [service, namespace] = labels[..]
        && !service.is_empty()
        && let Some(to) = mapping.of(namespace)
        && (before.ends_with("//")
            || before.ends_with('@')
            || starts_with_port(behind)
            || scope == Scope::Bare && before.is_empty() && behind.is_empty())
    {
        return Some((
            format!("{service}.{to}{dots}"),
            namespace,
            Certainty::Likely,
        ));
    }
    let to = mapping.of(name)?;
    let is_told = says_namespace(before);
    let is_value = scope == Scope::Bare
        && (before.is_empty() || before.ends_with('=') && !before.contains(char::is_whitespace))
        && (behind.is_empty() || behind.starts_with('/') && !behind.starts_with("//"));
    (is_told || is_value).then(|| (format!("{to}{dots}"), name, Certainty::Likely))
}

/// `:6379`, not `: text`.
fn starts_with_port(behind: &str) -> bool {
    let digit = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    behind.strip_prefix(':').is_some_and(digit)
}

/// `namespace: `, `namespace=`, `"namespace":"`, `--namespace `, `-n `, `/namespaces/`.
fn says_namespace(before: &str) -> bool {
    let before = before.trim_end_matches(['"', '\'']);
    if before.ends_with("-n ") || before.ends_with("/namespaces/") {
        return true;
    }
    let word = before.trim_end_matches([' ', ':', '=', '"', '\'']);
    let between = &before[word.len()..];
    !between.is_empty()
        && word
            .get(word.len().saturating_sub("namespace".len())..)
            .is_some_and(|end| end.eq_ignore_ascii_case("namespace"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping() -> NamespaceMapping {
        NamespaceMapping::new(
            [("shop", "copy"), ("a", "b"), ("b", "a")].map(|(f, t)| (f.to_owned(), t.to_owned())),
        )
    }

    #[test]
    fn hosts_of_services() {
        for (from, to) in [
            ("db.shop.svc", Some("db.copy.svc")),
            (
                "db.shop.svc.cluster.local",
                Some("db.copy.svc.cluster.local"),
            ),
            (
                "db.shop.svc.cluster.local.",
                Some("db.copy.svc.cluster.local."),
            ),
            ("db-0.db.shop.svc", Some("db-0.db.copy.svc")),
            ("db.a.svc", Some("db.b.svc")),
            ("db.b.svc", Some("db.a.svc")),
            ("shop.svc", None),
            ("db.other.svc", None),
            ("db.shop", None),
            ("db.shop.svc.example.com", None),
            ("shop.example.com", None),
        ] {
            assert_eq!(host(&mapping(), from).as_deref(), to, "{from}");
        }
    }

    #[test]
    fn subjects() {
        for (from, to) in [
            (
                "system:serviceaccounts:shop",
                Some("system:serviceaccounts:copy"),
            ),
            (
                "system:serviceaccount:shop:web",
                Some("system:serviceaccount:copy:web"),
            ),
            ("system:serviceaccounts", None),
            ("system:serviceaccounts:other", None),
            ("shop", None),
        ] {
            assert_eq!(subject(&mapping(), from).as_deref(), to, "{from}");
        }
    }

    #[test]
    fn text_that_names_a_namespace() {
        use Certainty::{Likely, Sure};
        use Scope::{Bare, Strict};
        for (scope, from, to) in [
            (
                Strict,
                "http://db.shop.svc:80/x",
                Some(("http://db.copy.svc:80/x", Sure)),
            ),
            (
                Strict,
                "db.shop.svc.k8s.example",
                Some(("db.copy.svc.k8s.example", Sure)),
            ),
            (
                Strict,
                "a.a.svc, b.b.svc.",
                Some(("a.b.svc, b.a.svc.", Sure)),
            ),
            (
                Strict,
                "redis://u:p@db.shop:6379",
                Some(("redis://u:p@db.copy:6379", Likely)),
            ),
            (
                Strict,
                "http://db.shop/x and db.shop",
                Some(("http://db.copy/x and db.shop", Likely)),
            ),
            (Strict, "see http://shop/x, a shop. shop", None),
            (
                Strict,
                "system:serviceaccount:shop:web",
                Some(("system:serviceaccount:copy:web", Sure)),
            ),
            (
                Strict,
                "metadata:\n  namespace: shop\n",
                Some(("metadata:\n  namespace: copy\n", Likely)),
            ),
            (
                Strict,
                r#"{"targetNamespace":"shop"}"#,
                Some((r#"{"targetNamespace":"copy"}"#, Likely)),
            ),
            (
                Strict,
                "kubectl -n shop get",
                Some(("kubectl -n copy get", Likely)),
            ),
            (
                Strict,
                "/api/v1/namespaces/shop/pods",
                Some(("/api/v1/namespaces/copy/pods", Likely)),
            ),
            (Strict, "shop", None),
            (Bare, "shop", Some(("copy", Likely))),
            (Bare, "db.shop", Some(("db.copy", Likely))),
            (Bare, "shop/db", Some(("copy/db", Likely))),
            (Bare, "--watch=shop", Some(("--watch=copy", Likely))),
            (Bare, "shop db", None),
            (Bare, "shops", None),
            (Bare, "my-shop", None),
            (Bare, "shop.example.com", None),
            (Bare, "ünïcödé shop ✓", None),
        ] {
            let found = rewritten(&mapping(), from, scope);
            let found = found.map(|(text, _, certainty)| (text, certainty));
            assert_eq!(
                found,
                to.map(|(text, how)| (text.to_owned(), how)),
                "{from}"
            );
        }
    }
}
