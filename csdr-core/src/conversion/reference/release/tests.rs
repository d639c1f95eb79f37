//! Source of the form: Helm 3, `pkg/storage/driver/util.go`.

use super::super::{
    ReferenceOptions, concerns,
    tests::{newest, run},
};
use super::*;

fn stored(release: &str, driver: Driver, packed: bool) -> String {
    let data = write(&Tree::parse(release.as_bytes()).unwrap(), driver, packed).unwrap();
    let (kind, head) = match driver {
        Driver::Secret => ("Secret", r#""type":"helm.sh/release.v1","#),
        Driver::ConfigMap => ("ConfigMap", ""),
    };
    format!(
        r#"{{"apiVersion":"v1","kind":"{kind}",{head}"metadata":{{"name":"sh.helm.release.v1.web.v1"}},"data":{{"release":"{data}"}}}}"#
    )
}

fn release(manifest: &str) -> String {
    let manifest = Tree::from(manifest);
    format!(
        r#"{{"name":"web","info":{{"status":"deployed"}},"config":{{"password":"hunter2"}},"manifest":{manifest},"hooks":[{{"name":"h","manifest":"apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {{name: h}}\n"}},7],"version":1}}"#
    )
}

const MANIFEST: &str = "---
# Source: web/templates/service.yaml
apiVersion: v1
kind: Service
metadata:
    name:   web   # kept as it is
---
# Source: web/templates/cron.yaml
apiVersion: batch/v1beta1   # old
kind: CronJob
metadata:
    name:   nightly   # kept as well
---
apiVersion: {{ broken
---
# Source: web/templates/psp.yaml
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: web}
---
";

#[test]
fn documents_that_the_target_does_not_serve_are_converted_and_the_rest_is_kept() {
    for (driver, group_kind) in [(Driver::Secret, "Secret"), (Driver::ConfigMap, "ConfigMap")] {
        for packed in [true, false] {
            let json = stored(&release(MANIFEST), driver, packed);
            assert!(concerns("", group_kind, json.as_bytes(), &newest()));
            let (tree, log) = run(&json, &newest(), &ReferenceOptions::default());
            let (new, was_packed) = read(tree.text_at(&PLACE).unwrap(), driver).unwrap();
            assert_eq!(was_packed, packed);
            let expected = MANIFEST.replace("batch/v1beta1   # old", "batch/v1   # old");
            assert_eq!(new.text_at(&["manifest"]), Some(expected.as_str()));
            let hook = &new.at(&["hooks"]).and_then(Tree::as_array).unwrap()[0];
            assert!(
                hook.text_at(&["manifest"])
                    .unwrap()
                    .starts_with("apiVersion: batch/v1\n")
            );
            assert_eq!(new.text_at(&["config", "password"]), Some("hunter2"));
            let told: Vec<String> = log.changes.iter().map(ToString::to_string).collect();
            assert_eq!(
                told,
                [
                    "/data/release replaced: in the manifest that Helm remembers, CronJob nightly: batch/v1beta1 → batch/v1",
                    "/data/release replaced: in the manifest that Helm remembers, CronJob h: batch/v1beta1 → batch/v1",
                ]
            );
            assert_eq!(log.losses.len(), 2, "the broken document and the policy");
            assert!(
                log.changes
                    .iter()
                    .all(|change| change.before.is_none() && change.after.is_none())
            );
            assert!(log.losses.iter().all(|loss| loss.value.is_none()));
            let (again, log) = run(&tree.to_string(), &newest(), &ReferenceOptions::default());
            assert!(
                log.changes.is_empty() && again == tree,
                "what is converted stays"
            );
        }
    }
}

#[test]
fn a_document_of_another_shape_is_written_anew_behind_its_comments() {
    let old = "# Source: a\napiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {metadata: {labels: {a: b}}}}\n";
    let json = stored(&release(old), Driver::Secret, true);
    let (tree, _) = run(&json, &newest(), &ReferenceOptions::default());
    let (new, _) = read(tree.text_at(&PLACE).unwrap(), Driver::Secret).unwrap();
    let text = new.text_at(&["manifest"]).unwrap();
    assert!(
        text.starts_with("# Source: a\napiVersion: apps/v1\nkind: Deployment\n"),
        "{text}"
    );
    assert!(text.contains("matchLabels:\n      a: b\n"), "{text}");
}

#[test]
fn a_marker_with_words_behind_it_is_kept_or_written_anew() {
    let old = "a: 1\n--- # first\napiVersion: batch/v1beta1\nkind: CronJob\n---\t\nb: 2\n";
    let json = stored(&release(old), Driver::Secret, true);
    let (tree, _) = run(&json, &newest(), &ReferenceOptions::default());
    let (new, _) = read(tree.text_at(&PLACE).unwrap(), Driver::Secret).unwrap();
    assert_eq!(
        new.text_at(&["manifest"]),
        Some("a: 1\n--- # first\napiVersion: batch/v1\nkind: CronJob\n---\t\nb: 2\n")
    );
}

#[test]
fn other_secrets_and_damaged_releases_stay() {
    let whole = stored(&release(MANIFEST), Driver::Secret, true);
    for (json, losses) in [
        (whole.replace("helm.sh/release.v1", "Opaque"), 0),
        (whole.replace("sh.helm.release.v1.web.v1", "mine"), 0),
        (whole.replace(r#""release":""#, r#""release":"AAAA"#), 1),
        (whole.replace(r#""release":""#, r#""release":"%%"#), 1),
        (whole.replace(r#""release":"#, r#""other":"#), 0),
        (
            stored(r#"{"manifest":7,"hooks":{}}"#, Driver::Secret, true),
            0,
        ),
        (stored("[]", Driver::Secret, true), 0),
    ] {
        let (tree, log) = run(&json, &newest(), &ReferenceOptions::default());
        assert_eq!(
            tree.to_string(),
            Tree::parse(json.as_bytes()).unwrap().to_string()
        );
        assert_eq!((log.changes.len(), log.losses.len()), (0, losses), "{json}");
    }
    let keep = ReferenceOptions {
        helm_releases: false,
        ..ReferenceOptions::default()
    };
    assert!(run(&whole, &newest(), &keep).1.changes.is_empty());
}

#[test]
fn a_release_that_inflates_without_bound_is_left() {
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::best());
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..20 {
        gzip.write_all(&zeros).unwrap();
    }
    let bomb = BASE64.encode(BASE64.encode(gzip.finish().unwrap()));
    let json = format!(
        r#"{{"apiVersion":"v1","kind":"Secret","type":"helm.sh/release.v1","metadata":{{"name":"sh.helm.release.v1.web.v1"}},"data":{{"release":"{bomb}"}}}}"#
    );
    let (tree, log) = run(&json, &newest(), &ReferenceOptions::default());
    assert_eq!((tree.to_string(), log.losses.len()), (json, 1));
}
