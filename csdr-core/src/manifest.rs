//! Folders of manifests as source and as target.
