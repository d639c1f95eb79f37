//! The suites of the cluster's ports: sound adapters pass every rule, each defect fails its own and no other.

use csdr_testkit::cluster::{FolderFixture, MemoryFixture};

mod memory_collector {
    use super::*;
    csdr_testkit::collector_conformance!(|| async { MemoryFixture::new().await.unwrap() });
}

mod memory_target {
    use super::*;
    csdr_testkit::target_conformance!(|| async { MemoryFixture::new().await.unwrap() });
}

mod memory_applier {
    use super::*;
    csdr_testkit::applier_conformance!(|| async { MemoryFixture::new().await.unwrap() });
}

mod folder_collector {
    use super::*;
    csdr_testkit::collector_conformance!(|| async { FolderFixture::new().await.unwrap() });
}

mod folder_target {
    use super::*;
    csdr_testkit::target_conformance!(|| async { FolderFixture::new().await.unwrap() });
}

mod folder_applier {
    use super::*;
    csdr_testkit::applier_conformance!(|| async { FolderFixture::new().await.unwrap() });
}
