//! ServiceAccounts and their tokens.

use super::{TransformItem, Verdict};
use crate::{Result, port::Transform};

/// Tokens that the source's cluster generated are not restored, and ServiceAccounts do not name them any more. A token Secret that a
/// user made is restored without its token: the target's controller fills it.
///
/// Source: velero.md section 3.9 (service-account, secret). Image pull secrets stay.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accounts;

impl Transform for Accounts {
    fn name(&self) -> &str {
        "service accounts"
    }

    fn transform(&self, item: &mut TransformItem<'_>) -> Result<Verdict> {
        match item.kind() {
            ("", "serviceaccounts") => {
                let prefix = format!("{}-token-", item.stored().id().name());
                let reason = "a token of the source; the target makes its own";
                item.node().drop_items(
                    &["secrets"],
                    |secret| {
                        secret
                            .text_at(&["name"])
                            .is_some_and(|name| name.starts_with(&prefix))
                    },
                    reason,
                );
                Ok(Verdict::Restore)
            }
            ("", "secrets") => Ok(token(item)),
            _ => Ok(Verdict::Restore),
        }
    }
}

fn token(item: &mut TransformItem<'_>) -> Verdict {
    if item.text(&["type"]) != Some("kubernetes.io/service-account-token") {
        return Verdict::Restore;
    }
    let annotation = |key| ["metadata", "annotations", key];
    let account = item.text(&annotation("kubernetes.io/service-account.name"));
    let generated = account.is_none_or(|account| {
        let name = item.stored().id().name();
        name.strip_prefix(account)
            .is_some_and(|rest| rest.starts_with("-token-"))
    });
    if generated {
        return Verdict::skip("token of a ServiceAccount: the target makes its own");
    }
    let reason = "belongs to the account in the source; the target's controller writes its own";
    item.remove(&annotation("kubernetes.io/service-account.uid"), reason);
    for key in ["token", "ca.crt", "namespace"] {
        item.remove(&["data", key], reason);
    }
    Verdict::Restore
}

#[cfg(test)]
mod tests {
    use crate::transform::table::transformed;

    #[test]
    fn velero_3_9_accounts_do_not_name_tokens_of_the_source() {
        let json = r#"{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"web","namespace":"n"},"secrets":[{"name":"web-token-abcde"},{"name":"web-dockercfg-x"},{"name":"mine"}],"imagePullSecrets":[{"name":"web-token-pull"},{"name":"registry"}]}"#;
        assert_eq!(
            transformed("serviceaccounts", json, "serviceaccounts/n/web"),
            r#"{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"web","namespace":"n"},"secrets":[{"name":"web-dockercfg-x"},{"name":"mine"}],"imagePullSecrets":[{"name":"web-token-pull"},{"name":"registry"}]}"#
        );
    }

    #[test]
    fn velero_3_9_generated_tokens_are_left_out_and_a_users_own_are_emptied() {
        let secret = |name: &str, annotations: &str| {
            let json = format!(
                r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"{name}","namespace":"n","annotations":{{{annotations}}}}},"type":"kubernetes.io/service-account-token","data":{{"token":"t","ca.crt":"c","namespace":"n","extra":"e"}}}}"#
            );
            transformed("secrets", &json, &format!("secrets/n/{name}"))
        };
        let skipped = "skip: token of a ServiceAccount: the target makes its own";
        let of =
            r#""kubernetes.io/service-account.name":"web","kubernetes.io/service-account.uid":"u""#;
        assert_eq!(secret("web-token-abcde", of), skipped);
        assert_eq!(secret("anything", ""), skipped);
        assert_eq!(
            secret("robot", of),
            r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"robot","namespace":"n","annotations":{"kubernetes.io/service-account.name":"web"}},"type":"kubernetes.io/service-account-token","data":{"extra":"e"}}"#
        );
    }
}
