//! ResourceSlice: what a driver publishes of a pool of devices.

use super::{super::Gv, is_flat, known};
use crate::{
    Result,
    conversion::{
        draft::Node,
        outcome::{Edit, LossKind, Severity},
    },
    model::Tree,
};

pub(super) fn to_hub(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    if !is_flat(version) {
        return Ok(());
    }
    without_zeros(node);
    node.each(&["spec", "devices"], |device| {
        for field in members(device, &["basic"]) {
            device.rename(&["basic", &field], &[&field]);
        }
        let left = device.tree().at(&["basic"]);
        if matches!(left, Some(Tree::Object(_) | Tree::Null)) {
            // Every member moved: nothing is lost with it.
            device.tree_mut().remove(&["basic"]);
        }
        if version == "v1alpha3" {
            for name in members(device, &["capacity"]) {
                wrap(device, &name);
            }
        }
    });
    Ok(())
}

pub(super) fn from_hub(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    known(node, gv)?;
    if !is_flat(gv.1) {
        return Ok(());
    }
    without_zeros(node);
    node.each(&["spec", "devices"], |device| {
        if device.tree().as_object().is_none() {
            return;
        }
        if gv.1 == "v1alpha3" {
            for name in members(device, &["capacity"]) {
                unwrap(device, &name);
            }
        }
        for field in members(device, &[]) {
            if field != "name" && field != "basic" {
                device.rename(&[&field], &["basic", &field]);
            }
        }
        device.add(
            &["basic"],
            Tree::object(),
            "before v1beta2 a device is of a kind, and this the only one",
        );
    });
    Ok(())
}

/// Before v1beta2 these fields are no pointers: a server takes their zero values for absent and writes none.
fn without_zeros(node: &mut Node<'_>) {
    const REASON: &str = "before v1beta2 it counts as absent";
    if node.text(&["spec", "nodeName"]) == Some("") {
        node.remove(&["spec", "nodeName"], REASON);
    }
    if node.get(&["spec", "allNodes"]).and_then(Tree::as_bool) == Some(false) {
        node.remove(&["spec", "allNodes"], REASON);
    }
}

/// The keys of a map.
fn members(node: &Node<'_>, path: &[&str]) -> Vec<String> {
    let map = node.get(path).and_then(Tree::as_object);
    map.map(|map| map.keys().map(str::to_owned).collect())
        .unwrap_or_default()
}

/// v1alpha3 has a quantity where newer versions have an object with a `value`.
fn wrap(device: &mut Node<'_>, name: &str) {
    let path = ["capacity", name];
    let Some(quantity @ (Tree::String(_) | Tree::Number(_))) = device.get(&path).cloned() else {
        return;
    };
    let from = device.pointer(&path);
    device.tree_mut().set(&path, Tree::object());
    device
        .tree_mut()
        .set(&["capacity", name, "value"], quantity);
    let path = ["capacity", name, "value"];
    device.record(
        &path,
        Edit::Moved { from },
        None,
        None,
        Severity::Info,
        "a capacity has a value",
    );
}

fn unwrap(device: &mut Node<'_>, name: &str) {
    let Some(quantity) = device.get(&["capacity", name, "value"]).cloned() else {
        return;
    };
    for field in members(device, &["capacity", name]) {
        if field != "value" {
            let reason = "in v1alpha3 a capacity is a quantity, and nothing else";
            let path = ["capacity", name, &field];
            device.lose(&path, LossKind::NoCounterpart, Severity::Warning, reason);
        }
    }
    let from = device.pointer(&["capacity", name, "value"]);
    let path = ["capacity", name];
    device.tree_mut().set(&path, quantity);
    device.record(
        &path,
        Edit::Moved { from },
        None,
        None,
        Severity::Info,
        "a capacity is a quantity",
    );
}
