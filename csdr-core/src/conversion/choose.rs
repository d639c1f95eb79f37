//! Which version an object is made into. Source: api-versions.md section 1.6; the choice is per kind, not per group.

/// How a version is chosen where the target serves several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VersionPolicy {
    /// The stored version, as long as the target serves it and it is not deprecated there.
    #[default]
    Keep,
    /// The version that the target prefers.
    Preferred,
}
