//! What a restore changes about objects. A spec file says more.

use clap::Args;
use csdr_core::{
    Error, Result,
    spec::{RestoreSpec, StatusRestore},
};
use std::collections::BTreeMap;

#[derive(Args, Debug)]
pub(in super::super) struct Transforms {
    /// Replace a prefix of images: docker.io/library/=registry.example.com/mine/.
    #[arg(long = "map-image", value_name = "OLD=NEW", value_delimiter = ',', value_parser = pair, conflicts_with = "spec")]
    images: Vec<(String, String)>,
    /// Restore volumes and claims of StorageClass OLD as NEW.
    #[arg(long = "map-storage-class", value_name = "OLD=NEW", value_delimiter = ',', value_parser = pair, conflicts_with = "spec")]
    classes: Vec<(String, String)>,
    /// The StorageClass of claims whose own class the target does not have.
    #[arg(long, value_name = "CLASS", conflicts_with = "spec")]
    missing_storage_class: Option<String>,
    /// Whether Services keep all node ports, health check ports among them [default: those of type NodePort in their own namespace].
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        default_missing_value = "true",
        conflicts_with = "spec"
    )]
    preserve_node_ports: Option<bool>,
    /// Resources whose status is restored, as widgets.shop.io.
    #[arg(
        long,
        value_name = "RESOURCE",
        value_delimiter = ',',
        conflicts_with = "spec"
    )]
    restore_status: Vec<String>,
}

impl Transforms {
    /// The spec with these wishes.
    pub(in super::super) fn write(&self, spec: &mut RestoreSpec) -> Result<()> {
        spec.image_registry_mapping = once("image prefix", &self.images)?;
        spec.storage_class_mapping = once("storage class", &self.classes)?;
        spec.missing_storage_class
            .clone_from(&self.missing_storage_class);
        spec.preserve_node_ports = self.preserve_node_ports;
        if !self.restore_status.is_empty() {
            spec.restore_status = Some(StatusRestore {
                included_resources: self.restore_status.clone(),
                ..StatusRestore::default()
            });
        }
        Ok(())
    }
}

fn once(what: &str, pairs: &[(String, String)]) -> Result<BTreeMap<String, String>> {
    let mut map = BTreeMap::new();
    for (old, new) in pairs {
        if map.insert(old.clone(), new.clone()).is_some() {
            let message = format!("one {what} is mapped twice; say once what it becomes");
            return Err(Error::invalid(message)
                .with_operation("read command line")
                .with_context("old", old));
        }
    }
    Ok(map)
}

fn pair(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((old, new)) if !old.is_empty() && !new.is_empty() && !new.contains('=') => {
            Ok((old.to_owned(), new.to_owned()))
        }
        _ => Err("write it as OLD=NEW".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        // `conflicts_with` names it.
        #[arg(long)]
        spec: Option<String>,
        #[command(flatten)]
        transforms: Transforms,
    }

    #[test]
    fn flags_become_fields_of_the_spec() {
        let line = Line::try_parse_from([
            "csdr",
            "--map-image=docker.io/=r.cn/,quay.io/=q.cn/",
            "--map-storage-class=a=b",
            "--missing-storage-class=c",
            "--preserve-node-ports",
            "--restore-status=widgets.shop.io",
        ])
        .unwrap();
        assert!(line.spec.is_none());
        let mut spec = RestoreSpec::from_backup("b");
        line.transforms.write(&mut spec).unwrap();
        let expected = RestoreSpec::from_backup("b")
            .with_image_registry("docker.io/", "r.cn/")
            .with_image_registry("quay.io/", "q.cn/")
            .with_storage_class_mapping("a", "b")
            .with_missing_storage_class("c")
            .with_preserve_node_ports(true)
            .with_status(StatusRestore {
                included_resources: vec!["widgets.shop.io".into()],
                ..StatusRestore::default()
            });
        assert_eq!(spec, expected);
        let twice = Line::try_parse_from(["csdr", "--map-image=a=b,a=c"]).unwrap();
        assert!(twice.transforms.write(&mut spec).is_err());
        for wrong in [
            "--map-image=a",
            "--map-image==b",
            "--map-storage-class=a=b=c",
        ] {
            assert!(Line::try_parse_from(["csdr", wrong]).is_err(), "{wrong}");
        }
        assert!(Line::try_parse_from(["csdr", "--spec=x", "--preserve-node-ports"]).is_err());
    }
}
