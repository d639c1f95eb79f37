//! Volume plugins that were part of Kubernetes: every server takes their objects, and only some still mount them.
//!
//! Source: api-versions.md section 2.14; `k8s.io/csi-translation-lib`, which servers translate with when a volume is mounted.

pub(super) mod csi;

use super::{
    Context, flex_volume,
    needle::{Needle, text},
    options::InTree,
    refuse,
};
use crate::conversion::{
    draft::Node,
    outcome::{LossKind, Severity, SkipReason},
};

/// A plugin.
pub(super) struct Plugin {
    /// Its key in a volume.
    field: &'static str,
    /// Its provisioner's name in a StorageClass.
    pub(super) provisioner: &'static str,
    /// The CSI driver that took over.
    pub(super) driver: Option<&'static str>,
    /// The topology key of that driver's nodes.
    pub(super) topology: Option<&'static str>,
    /// The first minor without its code.
    gone: u32,
}

const fn plugin(field: &'static str, provisioner: &'static str, gone: u32) -> Plugin {
    Plugin {
        field,
        provisioner,
        driver: None,
        topology: None,
        gone,
    }
}

impl Plugin {
    const fn driver(mut self, driver: &'static str, topology: Option<&'static str>) -> Self {
        self.driver = Some(driver);
        self.topology = topology;
        self
    }
}

/// The keys of their volumes, in Pods and PersistentVolumes.
pub(super) static NEEDLES: &[Needle] = &[
    text("awsElasticBlockStore\""),
    text("gcePersistentDisk\""),
    text("azureDisk\""),
    text("azureFile\""),
    text("cinder\""),
    text("vsphereVolume\""),
    text("portworxVolume\""),
    text("rbd\""),
    text("cephfs\""),
    text("glusterfs\""),
    text("flocker\""),
    text("quobyte\""),
    text("storageos\""),
    text("scaleIO\""),
    text("photonPersistentDisk\""),
    text("flexVolume\""),
];

pub(super) static PLUGINS: &[Plugin] = &[
    plugin("awsElasticBlockStore", "kubernetes.io/aws-ebs", 27)
        .driver("ebs.csi.aws.com", Some("topology.ebs.csi.aws.com/zone")),
    plugin("gcePersistentDisk", "kubernetes.io/gce-pd", 28)
        .driver("pd.csi.storage.gke.io", Some("topology.gke.io/zone")),
    plugin("azureDisk", "kubernetes.io/azure-disk", 27).driver(
        "disk.csi.azure.com",
        Some("topology.disk.csi.azure.com/zone"),
    ),
    plugin("azureFile", "kubernetes.io/azure-file", 30).driver("file.csi.azure.com", None),
    plugin("cinder", "kubernetes.io/cinder", 26).driver(
        "cinder.csi.openstack.org",
        Some("topology.cinder.csi.openstack.org/zone"),
    ),
    plugin("vsphereVolume", "kubernetes.io/vsphere-volume", 30).driver(
        "csi.vsphere.vmware.com",
        Some("topology.csi.vmware.com/zone"),
    ),
    plugin("portworxVolume", "kubernetes.io/portworx-volume", 36).driver("pxd.portworx.com", None),
    plugin("rbd", "kubernetes.io/rbd", 31),
    plugin("cephfs", "", 31),
    plugin("glusterfs", "kubernetes.io/glusterfs", 26),
    plugin("flocker", "kubernetes.io/flocker", 25),
    plugin("quobyte", "kubernetes.io/quobyte", 25),
    plugin("storageos", "kubernetes.io/storageos", 25),
    plugin("scaleIO", "kubernetes.io/scaleio", 22),
    plugin("photonPersistentDisk", "kubernetes.io/photon-pd", 16),
    plugin("gitRepo", "", 33),
];

impl Plugin {
    /// Reports a StorageClass whose provisioner the target does not have.
    pub(super) fn report_class(&self, node: &mut Node<'_>, context: &Context<'_>) {
        report(node, "provisioner", self, context);
    }
}

/// Reports a volume that the target will not mount by itself.
fn report(node: &mut Node<'_>, key: &str, plugin: &Plugin, context: &Context<'_>) {
    if context.minor < plugin.gone {
        return;
    }
    let (severity, reason) = match plugin.driver {
        Some(driver) => (
            Severity::Warning,
            format!(
                "the plugin is gone since Kubernetes 1.{}: the target uses it only if the CSI driver {driver} is installed",
                plugin.gone
            ),
        ),
        None if plugin.field == "gitRepo" => (
            Severity::Error,
            "gitRepo volumes are switched off since Kubernetes 1.33 and the Pod will not start; use an init container that clones \
             into an emptyDir"
                .to_owned(),
        ),
        None => (
            Severity::Error,
            format!(
                "the plugin is gone since Kubernetes 1.{} and nothing took over: Pods that use it will not start; move the \
                 data to another kind of volume",
                plugin.gone
            ),
        ),
    };
    node.warn(&[key], LossKind::Dangling, severity, reason);
}

/// Reports the volumes that stand in a Pod itself; there is no form in which a Pod names a CSI volume that exists already.
pub(super) fn report_inline(pod: &mut Node<'_>, context: &Context<'_>) {
    pod.each(&["spec", "volumes"], |volume| {
        for plugin in PLUGINS {
            if volume.has(&[plugin.field]) {
                report(volume, plugin.field, plugin, context);
            }
        }
        if context.options.in_tree == InTree::Csi {
            flex_volume::report_inline(volume);
        }
    });
}

/// Makes a PersistentVolume into one of the CSI driver that took over, or reports it.
pub(super) fn mend_volume(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    for plugin in PLUGINS {
        if !node.has(&["spec", plugin.field]) {
            continue;
        }
        let driver = plugin
            .driver
            .filter(|_| context.options.in_tree == InTree::Csi);
        match driver {
            None => {
                node.at(&["spec"], |spec| {
                    report(spec, plugin.field, plugin, context)
                });
            }
            Some(driver) => csi::convert(node, plugin, driver)?,
        }
    }
    Ok(())
}
