//! APIService.

use super::{Family, Gv, nothing};
use crate::{Result, conversion::draft::Node};

pub(super) static FAMILIES: &[Family] = &[Family {
    kinds: &["APIService"],
    defaults,
    to_hub: nothing,
    from_hub: nothing,
}];

/// Source: kube-aggregator's defaults of v1beta1 and v1, which are the same.
fn defaults(node: &mut Node<'_>, _: Gv<'_>) -> Result<()> {
    node.at(&["spec", "service"], |service| {
        service.default(&["port"], 443);
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::conversion::faithful::table::check;

    #[test]
    fn api_services() {
        check(&[
            (
                r#"{"apiVersion":"apiregistration.k8s.io/v1beta1","kind":"APIService","spec":{"service":{"name":"s"}}}"#,
                "apiregistration.k8s.io/v1",
                r#"{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","spec":{"service":{"name":"s","port":443}}}"#,
            ),
            // A local service, and one that says its port.
            (
                r#"{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","spec":{"group":"g"}}"#,
                "apiregistration.k8s.io/v1beta1",
                r#"{"apiVersion":"apiregistration.k8s.io/v1beta1","kind":"APIService","spec":{"group":"g"}}"#,
            ),
            (
                r#"{"apiVersion":"apiregistration.k8s.io/v1beta1","kind":"APIService","spec":{"service":{"port":0}}}"#,
                "apiregistration.k8s.io/v1",
                r#"{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","spec":{"service":{"port":0}}}"#,
            ),
        ]);
    }
}
