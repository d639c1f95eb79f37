//! EndpointSlice.

use super::{Family, Gv};
use crate::{Result, conversion::draft::Node, model::Tree};

pub(super) static FAMILIES: &[Family] = &[Family {
    kinds: &["EndpointSlice"],
    defaults,
    to_hub,
    from_hub,
}];

const ZONE: &str = "topology.kubernetes.io/zone";
const HOSTNAME: &str = "kubernetes.io/hostname";

/// Source: api-versions.md section 2.7. `addressType` had a default in v1alpha1 only.
fn defaults(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    if version == "v1alpha1" {
        node.default(&["addressType"], "IP");
    }
    node.each(&["ports"], |port| {
        port.default(&["name"], "");
        port.default(&["protocol"], "TCP");
    });
    Ok(())
}

fn to_hub(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    if version != "v1" {
        node.each(&["endpoints"], endpoint_to_hub);
    }
    Ok(())
}

/// The zone becomes a field, and so is the node's name already; what else a topology says has no place in v1.
fn endpoint_to_hub(endpoint: &mut Node<'_>) {
    match endpoint.tree().at(&["topology"]) {
        Some(Tree::Object(_)) => {}
        Some(Tree::Null) => {
            endpoint.tree_mut().remove(&["topology"]);
            return;
        }
        _ => return,
    }
    endpoint.rename(&["topology"], &["deprecatedTopology"]);
    let zone = ["deprecatedTopology", ZONE];
    if endpoint.text(&zone).is_some() {
        endpoint.rename(&zone, &["zone"]);
    }
    let hostname = ["deprecatedTopology", HOSTNAME];
    let node_name = endpoint.text(&["nodeName"]);
    if node_name.is_some() && node_name == endpoint.text(&hostname) {
        endpoint.remove(&hostname, "nodeName says it");
    }
    let left = endpoint
        .get(&["deprecatedTopology"])
        .and_then(|map| map.as_object());
    // That a create wipes what is left of it is the second stage's affair.
    if left.is_some_and(|map| map.is_empty()) {
        endpoint.tree_mut().remove(&["deprecatedTopology"]);
    }
}

fn from_hub(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    if version == "v1" {
        return Ok(());
    }
    node.each(&["endpoints"], |endpoint| {
        endpoint.rename(&["deprecatedTopology"], &["topology"]);
        if endpoint.text(&["zone"]).is_some() {
            endpoint.rename(&["zone"], &["topology", ZONE]);
        }
        let node_name = endpoint.text(&["nodeName"]).map(str::to_owned);
        if let Some(name) = node_name.filter(|_| endpoint.is_zero(&["topology", HOSTNAME])) {
            let reason = "before v1 the topology says the node's name";
            endpoint.set(&["topology", HOSTNAME], name, reason);
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::conversion::faithful::table::check;

    /// An EndpointSlice with one endpoint.
    fn of(version: &str, endpoint: &str) -> String {
        format!(
            r#"{{"apiVersion":"discovery.k8s.io/{version}","kind":"EndpointSlice","addressType":"IPv4","endpoints":[{endpoint}]}}"#
        )
    }

    #[test]
    fn topology_upwards() {
        let table = [
            (
                r#"{"topology":{"topology.kubernetes.io/zone":"z"}}"#,
                r#"{"zone":"z"}"#,
            ),
            (
                r#"{"nodeName":"n","topology":{"kubernetes.io/hostname":"n","topology.kubernetes.io/region":"r"}}"#,
                r#"{"nodeName":"n","deprecatedTopology":{"topology.kubernetes.io/region":"r"}}"#,
            ),
            // Another host than the node, and one without a node, stay.
            (
                r#"{"nodeName":"n","topology":{"kubernetes.io/hostname":"m"}}"#,
                r#"{"nodeName":"n","deprecatedTopology":{"kubernetes.io/hostname":"m"}}"#,
            ),
            (
                r#"{"topology":{"kubernetes.io/hostname":"m"}}"#,
                r#"{"deprecatedTopology":{"kubernetes.io/hostname":"m"}}"#,
            ),
            (r#"{"topology":{},"conditions":{}}"#, r#"{"conditions":{}}"#),
            (r#"{"topology":"odd"}"#, r#"{"topology":"odd"}"#),
            (r#"{"topology":null}"#, "{}"),
        ];
        for (endpoint, expected) in table {
            let expected = of("v1", expected);
            check(&[
                (&of("v1beta1", endpoint), "discovery.k8s.io/v1", &expected),
                (&of("v1alpha1", endpoint), "discovery.k8s.io/v1", &expected),
            ]);
        }
    }

    #[test]
    fn topology_downwards() {
        let table = [
            (
                r#"{"zone":"z","nodeName":"n"}"#,
                r#"{"nodeName":"n","topology":{"topology.kubernetes.io/zone":"z","kubernetes.io/hostname":"n"}}"#,
            ),
            (
                r#"{"nodeName":"n","deprecatedTopology":{"kubernetes.io/hostname":"m"}}"#,
                r#"{"nodeName":"n","topology":{"kubernetes.io/hostname":"m"}}"#,
            ),
            ("{}", "{}"),
        ];
        for (endpoint, expected) in table {
            check(&[(
                &of("v1", endpoint),
                "discovery.k8s.io/v1beta1",
                &of("v1beta1", expected),
            )]);
        }
    }

    #[test]
    fn defaults_of_ports_and_of_the_address_type() {
        check(&[(
            r#"{"apiVersion":"discovery.k8s.io/v1alpha1","kind":"EndpointSlice","ports":[{"port":1},{"name":"a","protocol":"UDP"}]}"#,
            "discovery.k8s.io/v1beta1",
            r#"{"apiVersion":"discovery.k8s.io/v1beta1","kind":"EndpointSlice","addressType":"IP",
                "ports":[{"port":1,"name":"","protocol":"TCP"},{"name":"a","protocol":"UDP"}]}"#,
        )]);
    }
}
