//! The suite of `HookExecutor`: the commands of a cluster in memory pass every rule, each defect fails its own and no other.

use csdr_testkit::hook::{
    broken::{Defect, broken},
    conformance::run_all,
};

mod memory_hooks {
    csdr_testkit::hook_conformance!(csdr_testkit::hook::conformance::memory);
}

#[tokio::test(start_paused = true)]
async fn each_defect_fails_exactly_its_rule() {
    let mut unseen: Vec<&str> = Vec::new();
    for defect in Defect::ALL {
        let verdicts = run_all(&broken(defect).await).await;
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
