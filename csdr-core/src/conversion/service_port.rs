//! Ports of Services by name, for Ingresses that name one as no newer server takes it.

use super::acceptable::is_port_name;
use crate::model::Tree;
use std::{collections::BTreeMap, sync::Arc};

/// Most ports that are kept. Those of later Services are not known then, and what needs one of them is told as refused.
const MAX_PORTS: usize = 100_000;

/// Longest name of a port that any server ever took (a DNS label).
const MAX_NAME: usize = 63;

/// Names and numbers of ports, by Service.
type Ports = BTreeMap<String, Vec<(String, i64)>>;

/// Names and numbers of ports, by namespace and Service. Only names that an Ingress cannot hold are kept: almost none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ServicePorts {
    services: Arc<BTreeMap<String, Ports>>,
    count: usize,
}

impl ServicePorts {
    /// Adds the ports of a Service (`v1`). Of several Services of one name the first counts.
    pub(super) fn add(&mut self, namespace: &str, service: &Tree) {
        let Some(name) = service.text_at(&["metadata", "name"]) else {
            return;
        };
        let ports = service.at(&["spec", "ports"]).and_then(Tree::as_array);
        let ports = ports.into_iter().flatten().filter_map(|port| {
            let name = port.text_at(&["name"])?;
            let number = port.at(&["port"])?.as_i64()?;
            let wanted = name.len() <= MAX_NAME && !is_port_name(name.as_bytes());
            (wanted && (1..=65535).contains(&number)).then(|| (name.to_owned(), number))
        });
        let ports: Vec<_> = ports.take(MAX_PORTS.saturating_sub(self.count)).collect();
        if ports.is_empty() {
            return;
        }
        let services = Arc::make_mut(&mut self.services)
            .entry(namespace.to_owned())
            .or_default();
        if !services.contains_key(name) {
            self.count += ports.len();
            services.insert(name.to_owned(), ports);
        }
    }

    /// The number of a Service's port.
    pub(super) fn number(&self, namespace: &str, service: &str, port: &str) -> Option<i64> {
        let ports = self.services.get(namespace)?.get(service)?;
        let (_, number) = ports.iter().find(|(name, _)| name == port)?;
        Some(*number)
    }
}
