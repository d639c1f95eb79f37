//! Whose a field is. Source: `metadata.managedFields`, whose `fieldsV1` are trees of `f:<key>` for the members of maps.

use crate::model::{Object, Tree, TreeMap};

/// Field managers of the cluster's own parts: what they write, they write again. Source: the user agents of Kubernetes' binaries.
const CONTROLLERS: [&str; 5] = [
    "kube-controller-manager",
    "kube-scheduler",
    "kube-apiserver",
    "cloud-controller-manager",
    "kubelet",
];

/// Who owns the fields of one object.
#[derive(Debug, Default)]
pub(super) struct Owners {
    controllers: Vec<Tree>,
    others: Vec<Tree>,
}

impl Owners {
    /// Those of an object that has `managedFields`.
    pub(super) fn of(object: &Tree) -> Self {
        let mut owners = Self::default();
        let entries = object.at(&["metadata", "managedFields"]);
        for entry in entries.and_then(Tree::as_array).unwrap_or_default() {
            let Some(fields) = entry.at(&["fieldsV1"]) else {
                continue;
            };
            let manager = entry.text_at(&["manager"]).unwrap_or_default();
            let own = match CONTROLLERS.contains(&manager) {
                true => &mut owners.controllers,
                false => &mut owners.others,
            };
            own.push(fields.clone());
        }
        owners
    }

    /// Whether only the cluster's own controllers own a field.
    pub(super) fn is_controllers(&self, path: &[&str]) -> bool {
        let owned = |sets: &[Tree]| sets.iter().any(|fields| owns(fields, path));
        owned(&self.controllers) && !owned(&self.others)
    }
}

fn owns(fields: &Tree, path: &[&str]) -> bool {
    let mut place = fields;
    for key in path {
        let Some(map) = place.as_object() else {
            return false;
        };
        match map.get(&format!("f:{key}")) {
            Some(below) => place = below,
            // A map that is owned as one value.
            None => return map.is_empty() && !std::ptr::eq(place, fields),
        }
    }
    true
}

/// What the backup's object has of its own: without the fields that, in the source, only the cluster's controllers had written.
pub(in crate::restore) fn without_controllers(wanted: &mut Tree, stored: &Object) {
    let Ok(stored) = stored.tree() else { return };
    let owners = Owners::of(&stored);
    if owners.controllers.is_empty() {
        return;
    }
    if let Some(map) = wanted.as_object_mut() {
        strip(map, &mut Vec::new(), &owners);
    }
}

fn strip(map: &mut TreeMap, path: &mut Vec<String>, owners: &Owners) {
    map.retain(|key, value| {
        path.push(key.to_owned());
        let keep = match value.as_object_mut().filter(|map| !map.is_empty()) {
            Some(below) => {
                strip(below, path, owners);
                !below.is_empty()
            }
            None => {
                let keys: Vec<&str> = path.iter().map(String::as_str).collect();
                !owners.is_controllers(&keys)
            }
        };
        path.pop();
        keep
    });
}
