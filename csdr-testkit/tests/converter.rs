//! The suite of `ApiVersionConverter`: the built-in converter passes every rule, each defect fails its own and no other.

use csdr_testkit::converter::{
    broken::{Broken, Defect},
    conformance::run_all,
};

mod builtin_converter {
    use csdr_core::conversion::BuiltinConverter;

    csdr_testkit::converter_conformance!(BuiltinConverter::new());
}

mod builtin_converter_behind_an_arc {
    use csdr_core::conversion::BuiltinConverter;
    use std::sync::Arc;

    csdr_testkit::converter_conformance!(Arc::new(BuiltinConverter::new()));
}

#[test]
fn each_defect_fails_exactly_its_rule() {
    let mut unseen: Vec<&str> = Vec::new();
    for defect in Defect::ALL {
        let verdicts = run_all(&Broken::new(defect));
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
