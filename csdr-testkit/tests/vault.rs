//! The suite of `VaultBackend`: sound vaults pass every rule, each defect fails its own and no other.

use csdr_core::memory::MemoryVault;
use csdr_testkit::vault::{
    broken::{Broken, Defect},
    conformance::{Fixture, run_all},
};

mod memory_vault {
    use super::*;

    csdr_testkit::vault_conformance!(|| async { Fixture::new(MemoryVault::new()) });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_defect_fails_exactly_its_rule() {
    let mut unseen: Vec<&str> = Vec::new();
    for defect in Defect::ALL {
        let verdicts = run_all(async || Fixture::new(Broken::new(defect))).await;
        let failed: Vec<_> = verdicts
            .iter()
            .filter(|(_, verdict)| verdict.is_err())
            .collect();
        let names: Vec<_> = failed.iter().map(|(rule, _)| *rule).collect();
        assert_eq!(names, [defect.rule()], "{defect:?}: {failed:#?}");
        unseen = verdicts.iter().map(|(rule, _)| *rule).collect();
    }
    unseen.retain(|rule| Defect::ALL.iter().all(|defect| defect.rule() != *rule));
    assert!(
        unseen.is_empty(),
        "rules without a broken adapter: {unseen:?}"
    );
}
