//! Node ports: kept, or given anew by the target.

use crate::{Result, model::Tree, transform::TransformItem};
use std::collections::BTreeSet;

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Takes away the ports that do not stay.
pub(super) fn apply(item: &mut TransformItem<'_>, preserve: Option<bool>) -> Result<()> {
    let kind = item.text(&["spec", "type"]).unwrap_or("ClusterIP");
    let moved = item.stored().id().namespace() != item.target().namespace();
    if preserve == Some(true) || kind == "ExternalName" {
        return Ok(());
    }
    let keeps_ports = preserve.is_none() && kind == "NodePort" && !moved;
    let ports = item.get(&["spec", "ports"]).and_then(Tree::as_array);
    let has_ports = ports
        .unwrap_or_default()
        .iter()
        .any(|port| has(port, "nodePort"));
    let has_check = item
        .get(&["spec"])
        .is_some_and(|spec| has(spec, "healthCheckNodePort"));
    if !(has_ports && !keeps_ports || has_check) {
        return Ok(());
    }
    let declared = Declared::of(&item.stored().tree()?);
    let reason = "chosen by the source's server; the target chooses another one";
    if !keeps_ports {
        item.node().each(&["spec", "ports"], |port| {
            if has(port.tree(), "nodePort") && !declared.port(port.tree()) {
                port.remove(&["nodePort"], reason);
            }
        });
    }
    if has_check && !declared.health_check {
        item.remove(&["spec", "healthCheckNodePort"], reason);
    }
    Ok(())
}

fn has(tree: &Tree, field: &str) -> bool {
    tree.at(&[field])
        .and_then(Tree::as_i64)
        .is_some_and(|port| port > 0)
}

/// What a person set. Source: velero.md section 3.9: the last-applied annotation and `managedFields`.
#[derive(Debug, Default)]
struct Declared {
    /// Names of ports whose node port stands in the annotation.
    names: BTreeSet<String>,
    /// Node ports of the annotation's ports without a name.
    unnamed: BTreeSet<i64>,
    /// Ports whose node port somebody manages.
    managed: BTreeSet<i64>,
    health_check: bool,
}

impl Declared {
    fn of(stored: &Tree) -> Self {
        let mut declared = Self::default();
        let applied = stored
            .text_at(&["metadata", "annotations", LAST_APPLIED])
            .and_then(|text| Tree::parse(text.as_bytes()).ok());
        if let Some(spec) = applied.as_ref().and_then(|applied| applied.at(&["spec"])) {
            declared.health_check |= has(spec, "healthCheckNodePort");
            let ports = spec.at(&["ports"]).and_then(Tree::as_array);
            for port in ports.unwrap_or_default() {
                let Some(number) = port.at(&["nodePort"]).and_then(Tree::as_i64) else {
                    continue;
                };
                match port.text_at(&["name"]) {
                    _ if number <= 0 => {}
                    Some(name) => {
                        declared.names.insert(name.to_owned());
                    }
                    None => {
                        declared.unnamed.insert(number);
                    }
                }
            }
        }
        let entries = stored.at(&["metadata", "managedFields"]);
        for entry in entries.and_then(Tree::as_array).unwrap_or_default() {
            let Some(spec) = entry.at(&["fieldsV1", "f:spec"]) else {
                continue;
            };
            declared.health_check |= spec.at(&["f:healthCheckNodePort"]).is_some();
            let ports = spec.at(&["f:ports"]).and_then(Tree::as_object);
            for (key, fields) in ports.into_iter().flatten() {
                if fields.at(&["f:nodePort"]).is_some() {
                    declared.managed.extend(port_of(key));
                }
            }
        }
        declared
    }

    fn port(&self, port: &Tree) -> bool {
        let number = |field: &str| port.at(&[field]).and_then(Tree::as_i64);
        let named = match port.text_at(&["name"]).filter(|name| !name.is_empty()) {
            Some(name) => self.names.contains(name),
            None => number("nodePort").is_some_and(|port| self.unnamed.contains(&port)),
        };
        named || number("port").is_some_and(|port| self.managed.contains(&port))
    }
}

/// The port in a key of managed fields: `k:{"port":80,"protocol":"TCP"}`.
fn port_of(key: &str) -> Option<i64> {
    let key = Tree::parse(key.strip_prefix("k:")?.as_bytes()).ok()?;
    key.at(&["port"])?.as_i64()
}
