//! Service and Endpoints. Source: api-versions.md sections 2.12 and 4; `ValidateService`.

use super::{
    Context, Mend, address, label,
    needle::{self, Needle, probe, text, value},
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

pub(super) static MENDS: &[Mend] = &[
    Mend {
        group: "",
        kinds: &["Service"],
        needles: &[NEEDLES],
        mend,
    },
    Mend {
        group: "",
        kinds: &["Endpoints"],
        needles: &[ENDPOINT_NEEDLES],
        mend: mend_endpoints,
    },
];

/// The first minor with `ipFamilies`.
const FAMILIES: u32 = 20;
/// The first minor without `topologyKeys`, and without a reader of the annotation about Pods that are not ready.
const NO_TOPOLOGY_KEYS: u32 = 22;
/// The first minor that takes names that begin with a digit.
pub(super) const DIGITS_FIRST: u32 = 36;
/// Taken by servers of every minor that has `appProtocol`.
const TOLERATE_UNREADY: &str = "service.alpha.kubernetes.io/tolerate-unready-endpoints";

static NEEDLES: &[Needle] = &[
    text("ipFamily\"").since(FAMILIES),
    text("topologyKeys\"").since(NO_TOPOLOGY_KEYS),
    text("service.alpha.kubernetes.io/tolerate-unready-endpoints\"").since(NO_TOPOLOGY_KEYS),
    value("externalIPs", address::is_sloppy).since(address::STRICT),
    value("loadBalancerSourceRanges", address::is_sloppy).since(address::STRICT),
    value(
        "service.beta.kubernetes.io/load-balancer-source-ranges",
        |_| true,
    )
    .since(address::STRICT),
    value("appProtocol", |value| {
        needle::is_text(value, |text| {
            !std::str::from_utf8(text).is_ok_and(label::is_qualified)
        })
    }),
    value("name", |value| value.get(1).is_some_and(u8::is_ascii_digit)).below(DIGITS_FIRST),
    probe(several_ports),
];

static ENDPOINT_NEEDLES: &[Needle] = &[value("ip", address::is_sloppy).since(address::STRICT)];

/// More ports than names: then one may lack its own. `metadata.name` is one more.
fn several_ports(json: &[u8]) -> bool {
    let count = |text: &[u8]| memchr::memmem::find_iter(json, text).count();
    let ports = count(b"\"port\"");
    ports > 1 && count(b"\"name\"") < ports + 1
}

fn mend(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    check_name(node, context)?;
    mend_family(node, context);
    if context.minor >= NO_TOPOLOGY_KEYS {
        node.lose(
            &["spec", "topologyKeys"],
            LossKind::NoCounterpart,
            Severity::Warning,
            "removed in Kubernetes 1.22: traffic goes to endpoints everywhere; see spec.trafficDistribution (1.31) or the annotation \
             service.kubernetes.io/topology-mode",
        );
        publish_not_ready(node);
    }
    check_addresses(node)?;
    node.try_at(&["spec"], |spec| {
        mend_addresses(spec, "externalIPs", context)?;
        spec.try_each(&["loadBalancerSourceRanges"], |range| {
            address::mend_range(range, &[], context)
        })
    })?;
    mend_source_ranges(node, context);
    mend_ports(node)
}

fn check_name(node: &Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    let name = node.text(&["metadata", "name"]).unwrap_or_default();
    if context.minor < DIGITS_FIRST && name.starts_with(|letter: char| letter.is_ascii_digit()) {
        return Err(refuse(
            node,
            &["metadata", "name"],
            "Services whose name begins with a digit came with Kubernetes 1.36; give it another name",
        ));
    }
    Ok(())
}

/// Source: api-versions.md section 2.12; the field of the alpha of 1.16 to 1.19.
fn mend_family(node: &mut Node<'_>, context: &Context<'_>) {
    let old = ["spec", "ipFamily"];
    if context.minor < FAMILIES {
        return;
    }
    let Some(family) = node.text(&old).map(str::to_owned) else {
        return;
    };
    let external = node.text(&["spec", "type"]) == Some("ExternalName");
    if external || node.has(&["spec", "ipFamilies"]) || !matches!(family.as_str(), "IPv4" | "IPv6")
    {
        node.remove(
            &old,
            "removed in Kubernetes 1.20, and said by ipFamilies where it matters",
        );
        return;
    }
    node.tree_mut().remove(&old);
    let path = ["spec", "ipFamilies"];
    let families = Tree::Array(vec![family.into()]);
    node.record(
        &path,
        Edit::Moved {
            from: node.pointer(&old),
        },
        None,
        Some(families.clone()),
        Severity::Info,
        "the form since Kubernetes 1.20; a cluster without this family refuses it",
    );
    node.tree_mut().set(&path, families);
    node.add(
        &["spec", "ipFamilyPolicy"],
        "SingleStack",
        "what one family means",
    );
}

fn publish_not_ready(node: &mut Node<'_>) {
    let annotation = node.text(&["metadata", "annotations", TOLERATE_UNREADY]);
    let yes = matches!(annotation, Some("1" | "t" | "T" | "true" | "TRUE" | "True"));
    if yes {
        node.set(
            &["spec", "publishNotReadyAddresses"],
            true,
            "what the annotation asked for: nobody reads it any more",
        );
    }
}

/// The addresses of a Service must agree with each other. Source: `ValidateServiceClusterIPsRelatedFields`.
fn check_addresses(node: &Node<'_>) -> Result<(), SkipReason> {
    let path = ["spec", "clusterIPs"];
    let first = node
        .get(&path)
        .and_then(Tree::as_array)
        .and_then(<[Tree]>::first)
        .and_then(Tree::as_str);
    let (Some(first), Some(address)) = (first, node.text(&["spec", "clusterIP"])) else {
        return Ok(());
    };
    if !address.is_empty() && first != address {
        return Err(refuse(
            node,
            &path,
            "its first address must be clusterIP; take both away, and the target allots one",
        ));
    }
    Ok(())
}

fn mend_source_ranges(node: &mut Node<'_>, context: &Context<'_>) {
    let path = [
        "metadata",
        "annotations",
        "service.beta.kubernetes.io/load-balancer-source-ranges",
    ];
    if context.minor < address::STRICT || node.has(&["spec", "loadBalancerSourceRanges"]) {
        return;
    }
    let Some(text) = node.text(&path) else {
        return;
    };
    let mut changed = false;
    let ranges: Vec<String> = text
        .split(',')
        .map(|range| match address::range(range.trim()) {
            address::Reading::Sloppy(written) => {
                changed = true;
                written
            }
            _ => range.to_owned(),
        })
        .collect();
    if changed {
        node.set(
            &path,
            ranges.join(","),
            "the target refuses leading zeros and bits beyond the prefix length; older servers read it as this",
        );
    }
}

fn mend_ports(node: &mut Node<'_>) -> Result<(), SkipReason> {
    let ports = node.get(&["spec", "ports"]).and_then(Tree::as_array);
    let several = ports.is_some_and(|ports| ports.len() > 1);
    let none = ports.unwrap_or_default().is_empty();
    let needs = node.text(&["spec", "type"]) != Some("ExternalName")
        && node.text(&["spec", "clusterIP"]) != Some("None");
    if none && needs && node.has(&["spec"]) {
        return Err(refuse(
            node,
            &["spec", "ports"],
            "a Service without a port needs clusterIP None; write a port",
        ));
    }
    node.try_each(&["spec", "ports"], |port| {
        if several && port.text(&["name"]).is_none_or(str::is_empty) {
            return Err(refuse(
                port,
                &["name"],
                "of several ports each needs a name of its own; write one",
            ));
        }
        if port
            .text(&["appProtocol"])
            .is_some_and(|text| !label::is_qualified(text))
        {
            port.lose(
                &["appProtocol"],
                LossKind::Refused,
                Severity::Warning,
                "it must be a name like http or example.com/name; load balancers and meshes no longer have this hint",
            );
        }
        Ok(())
    })
}

fn mend_endpoints(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    node.try_each(&["subsets"], |subset| {
        for addresses in ["addresses", "notReadyAddresses"] {
            subset.try_each(&[addresses], |item| {
                address::mend_address(item, &["ip"], context)
            })?;
        }
        Ok(())
    })
}
