//! Filters beyond namespaces, resources and one selector.

use clap::Args;
use csdr_core::{
    model::{LabelSelector, ObjectId},
    spec::{BackupSpec, FieldMask, NameFilter, RestoreSpec},
};
use std::collections::BTreeMap;

/// Filters of backups, restores and exports.
#[derive(Args, Debug)]
pub(in super::super) struct ObjectFilters {
    /// Take objects that match one of several selectors, each given with a flag of its own; not together with --selector.
    #[arg(
        long = "or-selector",
        value_name = "SELECTOR",
        conflicts_with = "selector"
    )]
    pub(in super::super) or_selectors: Vec<LabelSelector>,
    /// Of this resource take only objects of this name or pattern: deployments/web-*.
    #[arg(long = "include-name", value_name = "RESOURCE/NAME", value_delimiter = ',', value_parser = named)]
    pub(in super::super) included_names: Vec<Named>,
    /// Of this resource leave objects of this name or pattern out.
    #[arg(long = "exclude-name", value_name = "RESOURCE/NAME", value_delimiter = ',', value_parser = named)]
    pub(in super::super) excluded_names: Vec<Named>,
}

/// Filters of backups.
#[derive(Args, Debug)]
pub(in super::super) struct BackupFilters {
    /// Take only namespaces with these labels.
    #[arg(long, value_name = "SELECTOR", conflicts_with = "spec")]
    pub(in super::super) namespace_selector: Option<LabelSelector>,
    /// Take this cluster-scoped resource, whatever the namespaces are; not together with --include-resource and the like.
    #[arg(
        long = "include-cluster-resource",
        value_name = "RESOURCE",
        value_delimiter = ',',
        conflicts_with = "spec"
    )]
    pub(in super::super) included_cluster: Vec<String>,
    /// Leave this cluster-scoped resource out; * is all of them.
    #[arg(
        long = "exclude-cluster-resource",
        value_name = "RESOURCE",
        value_delimiter = ',',
        conflicts_with = "spec"
    )]
    pub(in super::super) excluded_cluster: Vec<String>,
    /// Take this resource that lives in namespaces.
    #[arg(
        long = "include-namespaced-resource",
        value_name = "RESOURCE",
        value_delimiter = ',',
        conflicts_with = "spec"
    )]
    pub(in super::super) included_namespaced: Vec<String>,
    /// Leave this resource that lives in namespaces out; * is all of them.
    #[arg(
        long = "exclude-namespaced-resource",
        value_name = "RESOURCE",
        value_delimiter = ',',
        conflicts_with = "spec"
    )]
    pub(in super::super) excluded_namespaced: Vec<String>,
    /// Capture these objects of a resource first, in this order: pods=shop/db-1,shop/db-0.
    #[arg(long = "order", value_name = "RESOURCE=OBJECTS", value_parser = order, conflicts_with = "spec")]
    pub(in super::super) order: Vec<(String, Vec<String>)>,
    /// Do not store what is in this field: secrets:/data keeps the keys and empties the values.
    #[arg(long = "mask", value_name = "RESOURCE:POINTER", value_parser = mask, conflicts_with = "spec")]
    pub(in super::super) masks: Vec<FieldMask>,
}

/// Filters of restores and exports.
#[derive(Args, Debug)]
pub(in super::super) struct Roots {
    /// Take only this object and all that it needs: deployments.apps/shop/web.
    #[arg(long = "with-needs-of", value_name = "ID", conflicts_with = "spec")]
    pub(in super::super) roots: Vec<ObjectId>,
}

/// A resource and a name or pattern.
#[derive(Clone, Debug)]
pub(in super::super) struct Named {
    resource: String,
    name: String,
}

impl ObjectFilters {
    /// One filter a resource.
    fn names(&self) -> Vec<NameFilter> {
        let mut filters: BTreeMap<&str, NameFilter> = BTreeMap::new();
        for one in &self.included_names {
            let own = filters.entry(&one.resource);
            let own = own.or_insert_with(|| NameFilter::of(&one.resource));
            own.included.push(one.name.clone());
        }
        for one in &self.excluded_names {
            let own = filters.entry(&one.resource);
            let own = own.or_insert_with(|| NameFilter::of(&one.resource));
            own.excluded.push(one.name.clone());
        }
        filters.into_values().collect()
    }

    pub(in super::super) fn of_backup(&self, spec: &mut BackupSpec) {
        spec.or_label_selectors = self.or_selectors.clone();
        spec.names = self.names();
    }

    pub(in super::super) fn of_restore(&self, spec: &mut RestoreSpec) {
        spec.or_label_selectors = self.or_selectors.clone();
        spec.names = self.names();
    }
}

impl BackupFilters {
    pub(in super::super) fn of_backup(&self, spec: &mut BackupSpec) {
        spec.namespace_selector = self.namespace_selector.clone().unwrap_or_default();
        spec.included_cluster_scoped_resources = self.included_cluster.clone();
        spec.excluded_cluster_scoped_resources = self.excluded_cluster.clone();
        spec.included_namespace_scoped_resources = self.included_namespaced.clone();
        spec.excluded_namespace_scoped_resources = self.excluded_namespaced.clone();
        for (resource, objects) in &self.order {
            let list = spec.ordered_resources.entry(resource.clone());
            list.or_default().extend(objects.iter().cloned());
        }
        spec.masked_fields = self.masks.clone();
    }
}

fn named(text: &str) -> Result<Named, String> {
    match text.split_once('/') {
        Some((resource, name)) if !resource.is_empty() && !name.is_empty() => Ok(Named {
            resource: resource.to_owned(),
            name: name.to_owned(),
        }),
        _ => Err("write it as RESOURCE/NAME".to_owned()),
    }
}

fn order(text: &str) -> Result<(String, Vec<String>), String> {
    match text.split_once('=') {
        Some((resource, objects)) if !resource.is_empty() && !objects.is_empty() => Ok((
            resource.to_owned(),
            objects.split(',').map(str::to_owned).collect(),
        )),
        _ => Err("write it as RESOURCE=NAMESPACE/NAME,…".to_owned()),
    }
}

fn mask(text: &str) -> Result<FieldMask, String> {
    match text.split_once(':') {
        Some((resource, field)) if !resource.is_empty() && field.starts_with('/') => {
            Ok(FieldMask::of(resource, field))
        }
        _ => Err("write it as RESOURCE:/FIELD".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_or_refused() {
        assert_eq!(named("secrets/a*").unwrap().name, "a*");
        assert_eq!(order("pods=a/b,c/d").unwrap().1, ["a/b", "c/d"]);
        assert_eq!(mask("secrets:/data").unwrap().fields, ["/data"]);
        for wrong in ["", "secrets", "/a", "secrets/"] {
            assert!(named(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "pods", "pods=", "=a/b"] {
            assert!(order(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "secrets", "secrets:data", ":/data"] {
            assert!(mask(wrong).is_err(), "{wrong}");
        }
    }
}
