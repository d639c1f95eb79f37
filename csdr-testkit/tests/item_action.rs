//! The suite of `ItemAction`: the built-in actions pass every rule, each defect fails its own and no other.

use csdr_core::related::{captured_together, needed};
use csdr_testkit::item_action::{
    broken::{Broken, Defect},
    conformance::{run_all, samples},
};

mod pods {
    use csdr_core::related::Pods;
    use csdr_testkit::item_action::conformance::samples;

    csdr_testkit::item_action_conformance!(Pods, samples());
}

mod bindings_behind_an_arc {
    use csdr_core::related::Bindings;
    use csdr_testkit::item_action::conformance::samples;
    use std::sync::Arc;

    csdr_testkit::item_action_conformance!(Arc::new(Bindings), samples());
}

#[test]
fn every_built_in_action_passes() {
    assert!(needed().len() > captured_together().len());
    for action in needed() {
        for (rule, verdict) in run_all(&action, &samples()) {
            assert!(verdict.is_ok(), "{}: {rule}: {verdict:?}", action.name());
        }
    }
}

#[test]
fn each_defect_fails_exactly_its_rule() {
    let mut unseen: Vec<&str> = Vec::new();
    for defect in Defect::ALL {
        let verdicts = run_all(&Broken::new(defect), &samples());
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
