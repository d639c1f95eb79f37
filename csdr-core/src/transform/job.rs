//! Jobs.

use super::{TransformItem, Verdict};
use crate::{Result, model::Tree, port::Transform};

/// Jobs that have ended are not restored: they would run again. Others lose the selector and the labels that name their old uid; the
/// target's server makes them again, unless the user chose the selector.
///
/// Source: velero.md sections 3.4 and 3.9. Velero looks at `completionTime` alone and runs a failed Job again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Jobs;

/// Labels by which the Job controller ties pods to one Job's uid.
const LABELS: [&str; 2] = ["controller-uid", "batch.kubernetes.io/controller-uid"];

impl Transform for Jobs {
    fn name(&self) -> &str {
        "jobs"
    }

    fn transform(&self, item: &mut TransformItem<'_>) -> Result<Verdict> {
        if item.kind() != ("batch", "jobs") {
            return Ok(Verdict::Restore);
        }
        if item.original(&["status"]).is_some_and(has_ended) {
            return Ok(Verdict::skip("job has ended"));
        }
        let manual = item.get(&["spec", "manualSelector"]);
        if manual.and_then(Tree::as_bool) == Some(true) {
            return Ok(Verdict::Restore);
        }
        let reason = "names the Job's uid in the source; the target's server makes it again";
        item.remove(&["spec", "selector"], reason);
        for label in LABELS {
            item.remove(&["metadata", "labels", label], reason);
            item.remove(&["spec", "template", "metadata", "labels", label], reason);
        }
        Ok(Verdict::Restore)
    }
}

fn has_ended(status: &Tree) -> bool {
    let completed = status.at(&["completionTime"]);
    let conditions = status.at(&["conditions"]).and_then(Tree::as_array);
    completed.is_some_and(|time| !time.is_null())
        || conditions.unwrap_or_default().iter().any(|condition| {
            matches!(condition.text_at(&["type"]), Some("Complete" | "Failed"))
                && condition.text_at(&["status"]) == Some("True")
        })
}

#[cfg(test)]
mod tests {
    use crate::transform::table::transformed;

    fn job(rest: &str) -> String {
        let json = format!(
            r#"{{"apiVersion":"batch/v1","kind":"Job","metadata":{{"name":"a","namespace":"n","labels":{{"controller-uid":"u"}}}},{rest}}}"#
        );
        transformed("jobs.batch", &json, "jobs.batch/n/a")
    }

    const SELECTED: &str = r#""selector":{"matchLabels":{"batch.kubernetes.io/controller-uid":"u"}},"template":{"metadata":{"labels":{"batch.kubernetes.io/controller-uid":"u","job-name":"a"}}}"#;

    #[test]
    fn velero_3_9_jobs_lose_the_selector_that_names_their_uid() {
        let text = job(&format!(r#""spec":{{{SELECTED}}}"#));
        assert!(
            !text.contains("controller-uid")
                && !text.contains("selector")
                && text.contains("job-name"),
            "{text}"
        );
        let manual = job(&format!(r#""spec":{{"manualSelector":true,{SELECTED}}}"#));
        assert!(manual.contains("selector\":{"), "{manual}");
    }

    #[test]
    fn velero_3_4_jobs_that_have_ended_are_not_run_again() {
        for (status, ended) in [
            (r#"{"completionTime":"2020-01-01T00:00:00Z"}"#, true),
            (
                r#"{"conditions":[{"type":"Failed","status":"True"}]}"#,
                true,
            ),
            (
                r#"{"conditions":[{"type":"Complete","status":"True"}]}"#,
                true,
            ),
            (
                r#"{"conditions":[{"type":"Failed","status":"False"}]}"#,
                false,
            ),
            (
                r#"{"conditions":[{"type":"Suspended","status":"True"}]}"#,
                false,
            ),
            (r#"{"completionTime":null,"active":1}"#, false),
        ] {
            let text = job(&format!(r#""status":{status},"spec":{{}}"#));
            assert_eq!(text == "skip: job has ended", ended, "{status}: {text}");
        }
    }
}
