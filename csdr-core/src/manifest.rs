//! Folders of manifests as source and as target.

mod dir;
mod folder;
mod load;
mod render;
pub mod yaml;

pub use dir::ManifestDir;
pub use load::ManifestLimits;
