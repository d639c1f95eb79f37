use super::*;
use crate::{model::Object, transform::table::through};

fn volume(name: &str, policy: &str, claim: Option<&str>) -> String {
    let claim = claim.map_or(String::new(), |claim| {
        let (namespace, name) = claim.split_once('/').unwrap();
        format!(
            r#","claimRef":{{"kind":"PersistentVolumeClaim","namespace":"{namespace}","name":"{name}","uid":"u","resourceVersion":"7"}}"#
        )
    });
    format!(
        r#"{{"apiVersion":"v1","kind":"PersistentVolume","metadata":{{"name":"{name}","annotations":{{"pv.kubernetes.io/bound-by-controller":"yes","pv.kubernetes.io/provisioned-by":"x"}}}},"spec":{{"persistentVolumeReclaimPolicy":"{policy}"{claim}}},"status":{{"phase":"Bound"}}}}"#
    )
}

fn tree(json: &str) -> Tree {
    Tree::parse(json.as_bytes()).unwrap()
}

fn mapped(namespace: &str) -> &str {
    if namespace == "shop" {
        "copy"
    } else {
        namespace
    }
}

fn fate(policy: &str, claim: Option<&str>, there: Option<&str>) -> VolumeFate {
    let facts = |claim| VolumeFacts::of(&tree(&volume("v", policy, claim)));
    let there = there.map(|claim| facts(Some(claim)));
    VolumeFate::of(&facts(claim), there.as_ref(), mapped)
}

#[test]
fn velero_3_6_r264_r266_the_reclaim_policy_decides_about_volumes_without_data() {
    use VolumeFate::{Provision, Reuse};
    for (policy, claim, there, expected) in [
        ("Delete", Some("shop/data"), None, Provision),
        ("Delete", Some("shop/data"), Some("shop/data"), Provision),
        ("Retain", Some("shop/data"), None, Reuse),
        ("Recycle", Some("shop/data"), None, Reuse),
        // Nobody has claimed it: it was prepared by hand.
        ("Delete", None, None, Reuse),
        // It exists, and its claim keeps its namespace: the existing one is taken.
        ("Retain", Some("other/data"), Some("other/data"), Reuse),
        // It was made for the copy's claim by an earlier restore.
        ("Retain", Some("shop/data"), Some("copy/data"), Reuse),
    ] {
        assert_eq!(
            fate(policy, claim, there),
            expected,
            "{policy} {claim:?} {there:?}"
        );
    }
}

#[test]
fn velero_3_6_a_copy_in_the_same_cluster_gets_another_name_always_the_same() {
    let VolumeFate::Rename(name) = fate("Retain", Some("shop/data"), Some("shop/data")) else {
        panic!("not renamed");
    };
    assert!(
        name.starts_with("csdr-clone-") && name.len() == 31,
        "{name}"
    );
    assert_eq!(
        fate("Retain", Some("shop/data"), Some("shop/data")),
        VolumeFate::Rename(name.clone())
    );
    assert_ne!(
        fate("Retain", Some("shop/more"), Some("shop/more")),
        VolumeFate::Rename(name)
    );
}

fn volumes() -> Volumes {
    let known = Surroundings {
        volumes: [
            ("kept".to_owned(), VolumeFate::Reuse),
            (
                "copied".to_owned(),
                VolumeFate::Rename("csdr-clone-1".to_owned()),
            ),
            ("empty".to_owned(), VolumeFate::Provision),
        ]
        .into(),
        ..Surroundings::default()
    };
    Volumes::new(&known)
}

#[test]
fn velero_3_6_volumes_follow_their_fate() {
    let through = |name: &str, policy: &str| {
        let json = volume(name, policy, Some("shop/data"));
        through(
            &[&volumes()],
            "persistentvolumes",
            &json,
            "persistentvolumes/x",
        )
    };
    let claim = r#""claimRef":{"kind":"PersistentVolumeClaim","namespace":"shop","name":"data"}"#;
    assert_eq!(
        through("kept", "Retain"),
        format!(
            r#"{{"apiVersion":"v1","kind":"PersistentVolume","metadata":{{"name":"kept","annotations":{{"pv.kubernetes.io/provisioned-by":"x"}}}},"spec":{{"persistentVolumeReclaimPolicy":"Retain",{claim}}}}}"#
        )
    );
    let copied = through("copied", "Retain");
    assert!(
        copied.contains(r#""velero.io/original-pv-name":"copied""#),
        "{copied}"
    );
    assert_eq!(
        through("empty", "Delete"),
        "skip: reclaim policy Delete and no data in the backup: claim shop/data gets a new, empty volume (R264)"
    );
}

#[test]
fn r266_a_volume_that_mounts_once_may_be_detached_by_force() {
    for (source, modes, told) in [
        (r#""csi":{}"#, r#"["ReadWriteOnce"]"#, 1),
        (r#""csi":{}"#, r#"["ReadWriteOncePod"]"#, 1),
        (r#""flexVolume":{}"#, r#"["ReadWriteOnce"]"#, 1),
        (r#""csi":{}"#, r#"["ReadWriteOnce","ReadWriteMany"]"#, 0),
        (r#""csi":{}"#, r#"["ReadWriteMany"]"#, 0),
        (r#""hostPath":{}"#, r#"["ReadWriteOnce"]"#, 0),
    ] {
        let json = format!(
            r#"{{"apiVersion":"v1","kind":"PersistentVolume","metadata":{{"name":"kept"}},"spec":{{{source},"accessModes":{modes}}}}}"#
        );
        let object = Object::parse("persistentvolumes".parse().unwrap(), json.into_bytes());
        let object = object.unwrap();
        let tree = object.tree().unwrap();
        let mut item = TransformItem::new(&object, object.id().clone(), tree);
        volumes().transform(&mut item).unwrap();
        assert_eq!(item.losses().len(), told, "{source} {modes}");
    }
}

/// The claim's spec after the transform, and what was said.
fn claim(spec: &str) -> (String, Vec<String>) {
    let json = format!(
        r#"{{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{{"name":"data","namespace":"shop","annotations":{{"pv.kubernetes.io/bind-completed":"yes","pv.kubernetes.io/bound-by-controller":"yes","volume.kubernetes.io/storage-provisioner":"x","volume.beta.kubernetes.io/storage-provisioner":"x","volume.kubernetes.io/selected-node":"node-1","mine":"1"}}}},"spec":{{{spec}}}}}"#
    );
    let resource = "persistentvolumeclaims".parse().unwrap();
    let object = Object::parse(resource, json.into_bytes()).unwrap();
    let tree = object.tree().unwrap();
    let mut item = TransformItem::new(&object, object.id().clone(), tree);
    volumes().transform(&mut item).unwrap();
    let annotations = item.get(&["metadata", "annotations"]).unwrap().to_string();
    // WaitForFirstConsumer: the node that the source chose is not asked for again.
    assert_eq!(annotations, r#"{"mine":"1"}"#);
    let said = item.losses().iter().map(ToString::to_string).collect();
    (item.get(&["spec"]).unwrap().to_string(), said)
}

#[test]
fn velero_3_6_claims_follow_the_fate_of_their_volume() {
    let (spec, said) = claim(r#""volumeName":"kept","storageClassName":"c""#);
    assert_eq!(spec, r#"{"volumeName":"kept","storageClassName":"c"}"#);
    assert!(said.is_empty(), "{said:?}");
    let (spec, said) = claim(r#""volumeName":"copied","storageClassName":"c""#);
    assert_eq!(
        spec,
        r#"{"volumeName":"csdr-clone-1","storageClassName":"c"}"#
    );
    assert!(said.is_empty(), "{said:?}");
    let (spec, said) = claim(r#""volumeName":"empty","storageClassName":"c""#);
    assert_eq!(spec, r#"{"storageClassName":"c"}"#);
    assert!(said.is_empty(), "{said:?}");
    // Bound to a volume that the backup does not hold, and not bound at all.
    let (spec, said) = claim(r#""volumeName":"elsewhere""#);
    assert_eq!(spec, r#"{"volumeName":"elsewhere"}"#);
    assert!(said[0].contains("does not bring its volume"), "{said:?}");
    let (spec, said) = claim(r#""storageClassName":"c""#);
    assert_eq!(spec, r#"{"storageClassName":"c"}"#);
    assert!(said.is_empty(), "{said:?}");
}

#[test]
fn r265_a_claim_on_a_static_volume_without_a_class_stays_pending() {
    let (spec, said) = claim(r#""volumeName":"empty","storageClassName":"""#);
    assert_eq!(spec, r#"{"storageClassName":""}"#);
    assert!(said[0].contains("R265"), "{said:?}");
}
