//! The suites of the cluster's ports: sound adapters pass every rule, each defect fails its own and no other.

use csdr_testkit::cluster::{
    FolderFixture, MemoryFixture,
    broken::{BrokenFixture, Defect},
    conformance::{applier, collector, target},
};

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

/// Runs a suite on every defect of a group: exactly the defect's rule fails.
macro_rules! each_defect_fails_exactly_its_rule {
    ($name:ident, $suite:ident, $($group:ident)+) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let mut unseen: Vec<&str> = Vec::new();
            let defects: Vec<Defect> = [$(Defect::$group),+].concat();
            for defect in &defects {
                let verdicts = $suite::run_all(async || BrokenFixture::new(*defect).await.unwrap()).await;
                let failed: Vec<_> = verdicts.iter().filter(|(_, verdict)| verdict.is_err()).collect();
                let names: Vec<_> = failed.iter().map(|(rule, _)| *rule).collect();
                assert_eq!(names, [defect.rule()], "{defect:?}: {failed:#?}");
                unseen = verdicts.iter().map(|(rule, _)| *rule).collect();
            }
            unseen.retain(|rule| defects.iter().all(|defect| defect.rule() != *rule));
            assert!(unseen.is_empty(), "rules without a broken adapter: {unseen:?}");
        }
    };
}

each_defect_fails_exactly_its_rule!(
    each_defect_of_a_collector_fails_exactly_its_rule,
    collector,
    READ
);
each_defect_fails_exactly_its_rule!(each_defect_of_a_target_fails_exactly_its_rule, target, READ TARGET);
each_defect_fails_exactly_its_rule!(
    each_defect_of_an_applier_fails_exactly_its_rule,
    applier,
    APPLIER
);
