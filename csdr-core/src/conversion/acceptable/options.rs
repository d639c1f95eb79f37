//! What the caller may choose.

/// What stage two may decide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MendOptions {
    /// What becomes of volumes of plugins that were part of Kubernetes.
    pub in_tree: InTree,
    /// Which class an Ingress keeps that names two.
    pub ingress_class: IngressClassChoice,
    /// Whether the target scales to zero (feature gate `HPAScaleToZero`, off by default in every release).
    pub scale_to_zero: bool,
}

/// What becomes of volumes of plugins that were part of Kubernetes, and of Alibaba Cloud's FlexVolumes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InTree {
    /// They stay as they are; what no longer works in the target is reported. Every server takes them.
    #[default]
    Keep,
    /// PersistentVolumes and StorageClasses are made into those of the CSI driver that took over.
    Csi,
}

/// Which class an Ingress keeps that names one in the annotation and another one in the field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IngressClassChoice {
    /// The annotation `kubernetes.io/ingress.class`: controllers of the beta versions obeyed it first.
    #[default]
    Annotation,
    /// `spec.ingressClassName`.
    Field,
}
