use super::super::super::draft::Log;
use crate::conversion::{LossKind, faithful};
use crate::model::Tree;

fn tree(json: &str) -> Tree {
    Tree::parse(json.as_bytes()).unwrap_or_else(|error| panic!("{error}: {json}"))
}

fn converted(json: &str, to: &str) -> (Tree, Log) {
    let mut object = tree(json);
    let mut log = Log::default();
    faithful::convert(&mut object, &to.parse().unwrap(), &mut log).unwrap();
    (object, log)
}

const POD_SPEC: &str = r#"{"dnsPolicy":"ClusterFirst","restartPolicy":"Never","securityContext":{},"terminationGracePeriodSeconds":30,"schedulerName":"default-scheduler","serviceAccount":"s","serviceAccountName":"s"}"#;

// Source: SetDefaults_CronJob of batch/v1 and v1beta1; SetDefaults_Job is for a Job, not for a template of one.
#[test]
fn a_cron_job_gets_its_defaults_and_its_job_template_none_of_a_job() {
    let spec = r#""jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","serviceAccount":"s"}}}}"#;
    for (from, to) in [
        ("batch/v1beta1", "batch/v1"),
        ("batch/v1", "batch/v1beta1"),
        ("batch/v1", "batch/v2alpha1"),
    ] {
        let json = format!(r#"{{"apiVersion":"{from}","kind":"CronJob","spec":{{{spec}}}}}"#);
        let (object, log) = converted(&json, to);
        let expected = format!(
            r#"{{"apiVersion":"{to}","kind":"CronJob","spec":{{"concurrencyPolicy":"Allow","suspend":false,"successfulJobsHistoryLimit":3,"failedJobsHistoryLimit":1,"jobTemplate":{{"metadata":{{}},"spec":{{"template":{{"metadata":{{}},"spec":{POD_SPEC}}}}}}}}}}}"#
        );
        assert_eq!(object, tree(&expected), "{object}");
        assert!(log.losses.is_empty());
    }
}

#[test]
fn what_a_cron_job_says_stays() {
    let said = r#"{"concurrencyPolicy":"Forbid","suspend":true,"successfulJobsHistoryLimit":0,"failedJobsHistoryLimit":0,"schedule":"TZ=UTC 0 1 * * *","timeZone":"Etc/UTC"}"#;
    let json = format!(r#"{{"apiVersion":"batch/v1beta1","kind":"CronJob","spec":{said}}}"#);
    let (mut object, _) = converted(&json, "batch/v1");
    object.remove(&["spec", "jobTemplate"]);
    assert_eq!(object.at(&["spec"]), Some(&tree(said)));
}

// Source: api-versions.md section 2.4.
#[test]
fn v2alpha1_keeps_every_finished_job_where_no_limit_stands() {
    let json =
        r#"{"apiVersion":"batch/v2alpha1","kind":"CronJob","spec":{"failedJobsHistoryLimit":5}}"#;
    let (object, log) = converted(json, "batch/v1");
    assert_eq!(object.at(&["spec", "successfulJobsHistoryLimit"]), None);
    assert_eq!(
        object.at(&["spec", "failedJobsHistoryLimit"]),
        Some(&Tree::from(5))
    );
    assert_eq!(
        object.text_at(&["spec", "concurrencyPolicy"]),
        Some("Allow")
    );
    let said: Vec<_> = log
        .losses
        .iter()
        .map(|loss| (loss.path.as_str(), loss.kind))
        .collect();
    assert_eq!(
        said,
        [("/spec/successfulJobsHistoryLimit", LossKind::Meaning)]
    );
}

// Source: SetDefaults_PodFailurePolicyOnPodConditionsPattern.
#[test]
fn conditions_of_a_failure_policy_mean_true() {
    let json = r#"{"apiVersion":"batch/v1","kind":"CronJob","spec":{"jobTemplate":{"spec":{"podFailurePolicy":{"rules":[{"onPodConditions":[{"type":"A"},{"type":"B","status":"False"}]},{"onExitCodes":{}}]}}}}}"#;
    let (object, _) = converted(json, "batch/v1beta1");
    assert_eq!(
        object.at(&["spec", "jobTemplate", "spec", "podFailurePolicy"]),
        Some(&tree(
            r#"{"rules":[{"onPodConditions":[{"type":"A","status":"True"},{"type":"B","status":"False"}]},{"onExitCodes":{}}]}"#
        ))
    );
}

#[test]
fn a_job_template_gets_the_defaults_of_its_pods() {
    let json = r#"{"apiVersion":"batch/v2alpha1","kind":"JobTemplate","template":{"spec":{"template":{"spec":{"restartPolicy":"Never","serviceAccountName":"s"}}}}}"#;
    let (object, _) = converted(json, "batch/v1beta1");
    let pod = object.at(&["template", "spec", "template", "spec"]);
    assert_eq!(pod, Some(&tree(POD_SPEC)));
}

#[test]
fn odd_types_are_left_alone() {
    for spec in [
        r#""text""#,
        r#"{"jobTemplate":7}"#,
        r#"{"jobTemplate":{"metadata":[],"spec":{"template":[],"podFailurePolicy":{"rules":{}}}}}"#,
        r#"{"suspend":"no","concurrencyPolicy":[],"jobTemplate":{"spec":{"template":{"spec":{"containers":{},"volumes":"v","dnsPolicy":1}}}}}"#,
    ] {
        let json = format!(r#"{{"apiVersion":"batch/v2alpha1","kind":"CronJob","spec":{spec}}}"#);
        let (object, _) = converted(&json, "batch/v1");
        let before = tree(&json);
        let (kept, said) = (object.at(&["spec"]), before.at(&["spec"]));
        if let Some(text) = said.and_then(Tree::as_str) {
            assert_eq!(kept.and_then(Tree::as_str), Some(text));
        }
        if let Some(number) = said
            .and_then(|spec| spec.at(&["jobTemplate"]))
            .and_then(Tree::as_i64)
        {
            assert_eq!(
                kept.and_then(|spec| spec.at(&["jobTemplate"]))
                    .and_then(Tree::as_i64),
                Some(number)
            );
        }
    }
}
