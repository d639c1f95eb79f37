//! DeviceClass, DeviceTaintRule, ResourceClaim, ResourceClaimTemplate, ResourceSlice.
//!
//! Source: api-versions.md section 2.11. v1alpha1 and v1alpha2 were another design; nothing converts them.

mod pool;

use super::{Family, Gv};
use crate::{
    Error, ErrorKind, Result,
    conversion::{
        draft::Node,
        outcome::{LossKind, Severity},
    },
    model::Tree,
};

pub(super) static FAMILIES: &[Family] = &[
    Family {
        kinds: &["ResourceClaim"],
        defaults: claim_defaults,
        to_hub: claim_to_hub,
        from_hub: claim_from_hub,
    },
    Family {
        kinds: &["ResourceClaimTemplate"],
        defaults: template_defaults,
        to_hub: template_to_hub,
        from_hub: template_from_hub,
    },
    Family {
        kinds: &["ResourceSlice"],
        defaults: known,
        to_hub: pool::to_hub,
        from_hub: pool::from_hub,
    },
    Family {
        kinds: &["DeviceClass"],
        defaults: known,
        to_hub: class_to_hub,
        from_hub: known,
    },
    Family {
        kinds: &["DeviceTaintRule"],
        // `timeAdded` would be the time of the conversion: the target's server writes its own.
        defaults: known,
        to_hub: taint_to_hub,
        from_hub: known,
    },
];

fn known(_: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    if ["v1alpha1", "v1alpha2"].contains(&version) {
        let message = "no server converts this version of resource.k8s.io";
        return Err(Error::new(ErrorKind::Unsupported, message).with_context("version", version));
    }
    Ok(())
}

/// Whether a request says itself what newer versions say below `exactly`.
fn is_flat(version: &str) -> bool {
    ["v1alpha3", "v1beta1"].contains(&version)
}

/// The requests of a claim, and of the claim in a template.
const CLAIM: &[&str] = &["spec", "devices", "requests"];
const TEMPLATE: &[&str] = &["spec", "spec", "devices", "requests"];

fn claim_defaults(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    known(node, gv)?;
    node.each(CLAIM, |request| request_defaults(request, gv.1));
    node.each(&["status", "allocation", "devices", "results"], operators);
    Ok(())
}

fn template_defaults(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    known(node, gv)?;
    node.each(TEMPLATE, |request| request_defaults(request, gv.1));
    Ok(())
}

fn request_defaults(request: &mut Node<'_>, version: &str) {
    if is_flat(version) {
        // A request without a class has alternatives, and no count.
        if !request.is_zero(&["deviceClassName"]) {
            count(request);
        }
        operators(request);
    } else {
        request.at(&["exactly"], |exactly| {
            count(exactly);
            operators(exactly);
        });
    }
    request.each(&["firstAvailable"], |alternative| {
        count(alternative);
        operators(alternative);
    });
}

fn count(request: &mut Node<'_>) {
    request.default_zero(&["allocationMode"], "ExactCount");
    if request.text(&["allocationMode"]) == Some("ExactCount") {
        request.default_zero(&["count"], 1);
    }
}

fn operators(tolerating: &mut Node<'_>) {
    tolerating.each(&["tolerations"], |toleration| {
        toleration.default_zero(&["operator"], "Equal");
    });
}

/// Fields that moved below `exactly`.
const EXACT: [&str; 7] = [
    "deviceClassName",
    "selectors",
    "allocationMode",
    "count",
    "adminAccess",
    "tolerations",
    "capacity",
];

fn request_to_hub(request: &mut Node<'_>) {
    // Go takes an empty text and 0 for absent where the field is no pointer, an empty list not.
    let set = EXACT.iter().any(|field| match request.get(&[field]) {
        None => false,
        Some(Tree::String(_) | Tree::Number(_)) => !request.is_zero(&[field]),
        Some(_) => true,
    });
    for field in EXACT {
        if set {
            request.rename(&[field], &["exactly", field]);
        } else {
            request.remove(&[field], "empty, and the request has alternatives");
        }
    }
}

fn request_from_hub(request: &mut Node<'_>) {
    for field in EXACT {
        request.rename(&["exactly", field], &[field]);
    }
    let left = request.get(&["exactly"]).and_then(Tree::as_object);
    match left.map(|left| left.values().all(Tree::is_null)) {
        None => {}
        // Nothing is lost with an object that holds nothing any more.
        Some(true) => drop(request.tree_mut().remove(&["exactly"])),
        Some(false) => {
            let reason = "this version has no such field";
            request.warn(&["exactly"], LossKind::UnknownField, Severity::Info, reason);
        }
    }
}

/// Takes away what only the v1alpha3 of 1.31 had.
fn lose(node: &mut Node<'_>, path: &[&str], reason: &'static str) {
    node.lose(path, LossKind::NoCounterpart, Severity::Warning, reason);
}

const NO_CONTROLLER: &str = "allocation by a control plane controller is gone from every version";

fn claim_to_hub(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    if is_flat(version) {
        node.each(CLAIM, request_to_hub);
    }
    if version == "v1alpha3" {
        lose(node, &["spec", "controller"], NO_CONTROLLER);
        lose(node, &["status", "allocation", "controller"], NO_CONTROLLER);
        lose(node, &["status", "deallocationRequested"], NO_CONTROLLER);
    }
    Ok(())
}

fn claim_from_hub(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    known(node, gv)?;
    if is_flat(gv.1) {
        node.each(CLAIM, request_from_hub);
    }
    Ok(())
}

fn template_to_hub(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    if is_flat(version) {
        node.each(TEMPLATE, request_to_hub);
    }
    if version == "v1alpha3" {
        lose(node, &["spec", "spec", "controller"], NO_CONTROLLER);
    }
    Ok(())
}

fn template_from_hub(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    known(node, gv)?;
    if is_flat(gv.1) {
        node.each(TEMPLATE, request_from_hub);
    }
    Ok(())
}

fn class_to_hub(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    if version == "v1alpha3" {
        lose(node, &["spec", "suitableNodes"], NO_CONTROLLER);
    }
    Ok(())
}

fn taint_to_hub(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    if version == "v1alpha3" {
        let reason = "the rule now holds for every device that its driver, pool and device name: look whether that is meant";
        for field in ["deviceClassName", "selectors"] {
            lose(node, &["spec", "deviceSelector", field], reason);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
