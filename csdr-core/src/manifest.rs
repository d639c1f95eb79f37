//! Folders of manifests as source and as target.

pub mod yaml;
