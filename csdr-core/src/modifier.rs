//! Resource modifiers: a caller's own rules that change objects on their way into a target, in Velero's ConfigMap format.
//!
//! A rule has conditions and one kind of patches: JSON patches (RFC 6902), merge patches (RFC 7386) or strategic merge patches
//! (Kubernetes'). Conditions are asked of the *stored* object; patches change the *converted* one. Source: velero.md section 3.8.
//!
//! Where Velero's behaviour is a bug, csdr does what was meant:
//!
//! | in Velero | here |
//! |---|---|
//! | a value with a quote, a backslash or a line break makes the patch unreadable | it is taken as it is written |
//! | `*.*` does not match a group with a dot in it, nor the core group | it matches every resource, as Velero's documentation says |
//! | `operation: Add` passes the validation and fails for each object | letters may be of either case |
//! | `TRUE`, `+1`, `.5`, `NaN` pass for a boolean or a number and make the patch unreadable | `TRUE` is true; the others, which JSON does not have, are text |
//! | a rule without patches is an error for each object | it is refused when it is read |
//! | a path that is not there is an error in a log | a loss of the object in plan and report; told apart if it is only in the stored version |
//!
//! [`ResourceModifiers`] is a [`Transform`](crate::port::Transform):
//!
//! ```
//! use csdr_core::{model::Object, modifier::ResourceModifiers, port::Transform, transform::{TransformItem, Verdict}};
//! let modifiers = ResourceModifiers::from_yaml(r#"
//! version: v1
//! resourceModifierRules:
//! - conditions:
//!     groupResource: persistentvolumeclaims
//!     namespaces: [shop]
//!   patches:
//!   - operation: replace
//!     path: /spec/storageClassName
//!     value: premium
//! "#)?;
//! let json = br#"{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"data","namespace":"shop"},"spec":{"storageClassName":"standard"}}"#;
//! let stored = Object::parse("persistentvolumeclaims".parse()?, json.to_vec())?;
//! let mut item = TransformItem::new(&stored, stored.id().clone(), stored.tree()?);
//! assert_eq!(modifiers.transform(&mut item)?, Verdict::Restore);
//! assert_eq!(item.text(&["spec", "storageClassName"]), Some("premium"));
//! assert_eq!(item.changes()[0].to_string(), "/spec/storageClassName replaced: resource modifier rule 1");
//! # Ok::<(), csdr_core::Error>(())
//! ```

mod apply;
mod json_patch;
mod pointer;
mod rule;
mod spec;
mod strategic;
mod value;

pub use apply::{ResourceModifiers, RuleMatch};
pub use json_patch::{PatchRefusal, RefusalKind};
pub use spec::{
    JsonPatchOperation, ModifierConditions, ModifierMatch, PatchData, ResourceModifierRule,
    ResourceModifierSpec,
};

pub(crate) use pointer::Pointer;
pub(crate) use value::text as value_text;

#[cfg(test)]
mod tests;
