//! CronJob and JobTemplate.
//!
//! The hub is batch/v1. Source: api-versions.md section 2.4 and the server's own defaults of batch. The job template of a CronJob
//! gets no defaults of a Job (completions, backoffLimit, …): they come when the controller creates the Job.

use super::super::{
    draft::Node,
    outcome::{LossKind, Severity},
};
use super::{Family, Gv, nothing, pod, zero};
use crate::Result;

pub(super) static FAMILIES: &[Family] = &[
    Family {
        kinds: &["CronJob"],
        defaults: cron_job_defaults,
        to_hub: cron_job_to_hub,
        from_hub: nothing,
    },
    Family {
        kinds: &["JobTemplate"],
        defaults: job_template_defaults,
        to_hub: job_template_to_hub,
        from_hub: nothing,
    },
];

/// How many finished Jobs are kept.
const HISTORY_LIMITS: [(&str, i64); 2] = [
    ("successfulJobsHistoryLimit", 3),
    ("failedJobsHistoryLimit", 1),
];

fn cron_job_defaults(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    zero::within(node, "spec", |spec| {
        zero::fill(spec, "concurrencyPolicy", "Allow");
        zero::default(spec, "suspend", false);
        // In v2alpha1 an absent limit keeps every Job.
        if gv.1 != "v2alpha1" {
            for (limit, count) in HISTORY_LIMITS {
                zero::default(spec, limit, count);
            }
        }
        zero::within(spec, "jobTemplate", template_defaults);
    });
    Ok(())
}

fn job_template_defaults(node: &mut Node<'_>, _: Gv<'_>) -> Result<()> {
    zero::within(node, "template", template_defaults);
    Ok(())
}

/// Defaults of a JobTemplateSpec.
fn template_defaults(template: &mut Node<'_>) {
    zero::within(template, "metadata", |_| {});
    zero::within(template, "spec", |job| {
        zero::each(job, &["podFailurePolicy", "rules"], |rule| {
            zero::each(rule, &["onPodConditions"], |condition| {
                zero::fill(condition, "status", "True");
            });
        });
        zero::within(job, "template", pod::defaults);
    });
}

fn cron_job_to_hub(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    zero::inside(
        node,
        &["spec", "jobTemplate", "spec", "template"],
        pod::convert,
    );
    if gv.1 == "v2alpha1" {
        for (limit, count) in HISTORY_LIMITS {
            if !node.has(&["spec", limit]) {
                node.warn(
                    &["spec", limit],
                    LossKind::Meaning,
                    Severity::Info,
                    format!(
                        "absent kept every finished Job in v2alpha1; later versions keep {count}"
                    ),
                );
            }
        }
    }
    Ok(())
}

fn job_template_to_hub(node: &mut Node<'_>, _: Gv<'_>) -> Result<()> {
    zero::inside(node, &["template", "spec", "template"], pod::convert);
    Ok(())
}

#[cfg(test)]
mod tests;
