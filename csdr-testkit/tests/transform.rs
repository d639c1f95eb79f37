//! The suite of `Transform`: every built-in transform passes every rule, each defect fails its own and no other.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use csdr_testkit::transform::{
    broken::{Broken, Defect},
    conformance::run_all,
};

macro_rules! passes {
    ($($name:ident: $transform:expr;)*) => {
        $(
            mod $name {
                #[allow(unused_imports, reason = "not every transform has a spec")]
                use csdr_core::{spec::*, transform::*};
                csdr_testkit::transform_conformance!($transform);
            }
        )*
    };
}

passes! {
    server_fields: ServerFields;
    jobs: Jobs;
    pods: Pods::new(Owners::of([("apps", "replicasets", "shop", "web")]));
    accounts: Accounts;
    services: Services::new(None);
    services_with_their_ports: Services::new(Some(true));
    images_by_registry: Images::by_registry(&[("docker.io/library/".to_owned(), "r.cn/my/".to_owned())].into()).unwrap();
    images_by_cases: Images::by_cases(&[("case1".to_owned(), "nginx,other".to_owned())].into()).unwrap();
    volumes: Volumes::new(&Surroundings { volumes: [("pv".to_owned(), VolumeFate::Provision)].into(), ..Surroundings::default() });
    storage_classes: StorageClasses::new(&RestoreSpec::from_backup("b").with_storage_class_mapping("disk", "nas").with_access_mode_mapping("ReadWriteOnce", "ReadWriteMany"), &Surroundings::default());
    overwrites: Overwrites::new(&[MetadataOverwrite { labels: [("l".to_owned(), Some("x".to_owned()))].into(), annotations: [("a".to_owned(), None)].into(), ..MetadataOverwrite::default() }]).unwrap();
    velero_labels: VeleroLabels::new("r", "b");
    namespace_references: NamespaceMapping::new([("shop".to_owned(), "copy".to_owned())]);
    target_name: TargetName;
    behind_an_arc: std::sync::Arc::new(Services::default());
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
