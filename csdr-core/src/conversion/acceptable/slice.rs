//! EndpointSlice. Source: api-versions.md sections 2.7 and 3.12; `ValidateEndpointSlice`.

use super::{
    Context, Mend,
    address::{self, Reading},
    label,
    needle::{self, Needle, text, value},
    pod::mend_addresses,
    refuse,
};
use crate::{
    conversion::{
        draft::Node,
        outcome::{Edit, LossKind, Severity, SkipReason},
    },
    model::Tree,
};

pub(super) static MENDS: &[Mend] = &[Mend {
    group: "discovery.k8s.io",
    kinds: &["EndpointSlice"],
    needles: &[NEEDLES],
    mend,
}];

static NEEDLES: &[Needle] = &[
    value("addressType", |value| value.starts_with(b"\"IP\"")),
    value("endpointslice.kubernetes.io/managed-by", |value| {
        is_controller(value)
    }),
    text("deprecatedTopology\""),
    value("addresses", address::is_sloppy).since(address::STRICT),
    value("appProtocol", |value| {
        needle::is_text(value, |text| {
            !std::str::from_utf8(text).is_ok_and(label::is_qualified)
        })
    }),
];

const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const HOST: &str = "kubernetes.io/hostname";

fn is_controller(value: &[u8]) -> bool {
    value.starts_with(b"\"endpointslice-controller.k8s.io\"")
        || value.starts_with(b"\"endpointslicemirroring-controller.k8s.io\"")
}

fn mend(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    if matches!(
        node.text(&["metadata", "labels", MANAGED_BY]),
        Some("endpointslice-controller.k8s.io" | "endpointslicemirroring-controller.k8s.io")
    ) {
        return Err(SkipReason::MadeByCluster {
            advice:
                "its controller makes it again from the Service and its Pods, or from the Endpoints"
                    .into(),
        });
    }
    mend_address_type(node)?;
    let addressed = node.text(&["addressType"]) != Some("FQDN");
    let stable = context.api_version.version() == "v1";
    node.try_each(&["endpoints"], |endpoint| {
        if stable {
            mend_topology(endpoint);
        }
        if addressed {
            mend_addresses(endpoint, "addresses", context)?;
        }
        Ok(())
    })?;
    node.each(&["ports"], |port| {
        if port
            .text(&["appProtocol"])
            .is_some_and(|text| !label::is_qualified(text))
        {
            port.lose(
                &["appProtocol"],
                LossKind::Refused,
                Severity::Warning,
                "it must be a name like http or example.com/name",
            );
        }
    });
    Ok(())
}

/// `IP` was the alpha's word for either family.
fn mend_address_type(node: &mut Node<'_>) -> Result<(), SkipReason> {
    if node.text(&["addressType"]) != Some("IP") {
        return Ok(());
    }
    let endpoints = node.get(&["endpoints"]).and_then(Tree::as_array);
    let mut families = endpoints
        .unwrap_or_default()
        .iter()
        .filter_map(|endpoint| endpoint.at(&["addresses"])?.as_array())
        .flatten()
        .filter_map(Tree::as_str)
        .map(|text| match address::address(text) {
            Reading::Sloppy(written) => !written.contains(':'),
            _ => !text.contains(':'),
        });
    let first = families.next().unwrap_or(true);
    if families.any(|family| family != first) {
        return Err(refuse(
            node,
            &["addressType"],
            "the slice holds addresses of both families, and a slice has one since Kubernetes 1.18; make two of it",
        ));
    }
    let family = if first { "IPv4" } else { "IPv6" };
    node.set(
        &["addressType"],
        family,
        "the family of its addresses; the target does not know IP",
    );
    Ok(())
}

/// A create drops what v1 has no field for; the node's name has one.
fn mend_topology(endpoint: &mut Node<'_>) {
    let topology = ["deprecatedTopology"];
    if !endpoint.has(&topology) {
        return;
    }
    let host = endpoint
        .text(&["deprecatedTopology", HOST])
        .filter(|host| label::is_domain(host))
        .map(str::to_owned);
    if let Some(host) = host
        && endpoint.text(&["nodeName"]).is_none_or(|name| name == host)
    {
        let path = ["deprecatedTopology", HOST];
        if !endpoint.has(&["nodeName"]) {
            endpoint.record(
                &["nodeName"],
                Edit::Moved {
                    from: endpoint.pointer(&path),
                },
                None,
                Some(host.as_str().into()),
                Severity::Info,
                "the field of v1 for it",
            );
            endpoint.tree_mut().set(&["nodeName"], host.into());
            endpoint.tree_mut().remove(&path);
        } else {
            endpoint.remove(&path, "said by nodeName");
        }
    }
    let empty = endpoint
        .get(&topology)
        .and_then(Tree::as_object)
        .is_some_and(|topology| topology.is_empty());
    if empty {
        endpoint.remove(&topology, "nothing is left in it");
    } else {
        endpoint.lose(
            &topology,
            LossKind::NoCounterpart,
            Severity::Warning,
            "v1 has fields for zone and node only, and a create drops the rest",
        );
    }
}
