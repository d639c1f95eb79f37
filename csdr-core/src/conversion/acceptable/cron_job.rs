//! CronJob. Source: api-versions.md section 3.8; `ValidateCronJobCreate`.

use super::{
    Context, Mend,
    needle::{self, Needle, text, value},
    refuse,
};
use crate::{
    conversion::{
        draft::Node,
        outcome::{Edit, LossKind, Severity, SkipReason},
    },
    model::Tree,
};

pub(super) static MENDS: &[Mend] = &[Mend {
    group: "batch",
    kinds: &["CronJob"],
    needles: &[NEEDLES],
    mend,
}];

/// The first minor that reads a zone in the schedule; servers before it refuse a sixth field.
/// Source: kubernetes/kubernetes 116252; a 1.21 server.
const ZONE_IN_SCHEDULE: u32 = 22;
/// The first minor whose API has `timeZone`.
const TIME_ZONE: u32 = 24;
/// The first minor that has it switched on. From here on a zone in the schedule is only warned about; 1.29 refuses it.
const TIME_ZONE_ON: u32 = 25;

/// A schedule with a zone in it.
const ZONED: Needle = value("schedule", |value| {
    needle::is_text(value, |text| memchr::memmem::find(text, b"TZ").is_some())
});

static NEEDLES: &[Needle] = &[
    ZONED.since(TIME_ZONE_ON),
    ZONED.below(ZONE_IN_SCHEDULE),
    text("timeZone\"").below(TIME_ZONE),
    text("manualSelector\""),
    value("selector", |_| true),
];

fn mend(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    // The controller makes Jobs of the name and 11 characters more. Source: `ValidateCronJobCreate`.
    if node
        .text(&["metadata", "name"])
        .is_some_and(|name| name.len() > 52)
    {
        return Err(refuse(
            node,
            &["metadata", "name"],
            "the name of a CronJob has up to 52 characters; give it a shorter one",
        ));
    }
    mend_zone(node, context)?;
    check_schedule(node)?;
    drop_selector(node);
    Ok(())
}

/// Zone and rest of a schedule that begins with its zone.
fn split_zone(schedule: &str) -> Option<(&str, &str)> {
    let rest = schedule
        .strip_prefix("TZ=")
        .or_else(|| schedule.strip_prefix("CRON_TZ="))?;
    let (zone, rest) = rest.split_once(' ')?;
    Some((zone, rest.trim_start()))
}

/// What may be the name of a zone. Source: `validateTimeZone`.
fn is_zone(zone: &str) -> bool {
    zone.split('/').all(|part| {
        !part.is_empty()
            && !matches!(part, "." | "..")
            && !part.starts_with('-')
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte))
    })
}

fn mend_zone(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    let (path, field) = (["spec", "schedule"], ["spec", "timeZone"]);
    let schedule = node.text(&path).unwrap_or_default().to_owned();
    let zone = node.text(&field).map(str::to_owned);
    if context.minor < ZONE_IN_SCHEDULE {
        return drop_zone(node, &schedule);
    }
    if context.minor < TIME_ZONE {
        if let Some(zone) = zone.filter(|_| !schedule.contains("TZ")) {
            node.set(
                &path,
                format!("TZ={zone} {schedule}"),
                "the form in which controllers of that time read a zone",
            );
            node.lose(
                &field,
                LossKind::NoCounterpart,
                Severity::Warning,
                "the field came with Kubernetes 1.24; the schedule names the zone, which older controllers read though no document \
                 says so",
            );
        }
        return Ok(());
    }
    if context.minor < TIME_ZONE_ON || !schedule.contains("TZ") {
        return Ok(());
    }
    let Some((named, rest)) = split_zone(&schedule) else {
        return Err(refuse(
            node,
            &path,
            "the target takes no zone in a schedule; write it into timeZone",
        ));
    };
    match zone {
        Some(zone) if zone != named => {
            return Err(refuse(
                node,
                &path,
                "schedule and timeZone name two zones; keep the one that is meant",
            ));
        }
        Some(_) => {}
        // The zone of the controller, which is what no zone means.
        None if named.eq_ignore_ascii_case("Local") => {}
        None if is_zone(named) => {
            node.record(
                &field,
                Edit::Moved {
                    from: node.pointer(&path),
                },
                None,
                Some(named.into()),
                Severity::Info,
                "the target takes the zone here only",
            );
            node.tree_mut().set(&field, named.into());
        }
        None => {
            return Err(refuse(
                node,
                &path,
                "this is not the name of a time zone; write one into timeZone",
            ));
        }
    }
    node.set(&path, rest, "the target takes no zone in a schedule");
    Ok(())
}

/// For servers that know no zone at all.
fn drop_zone(node: &mut Node<'_>, schedule: &str) -> Result<(), SkipReason> {
    let path = ["spec", "schedule"];
    node.lose(
        &["spec", "timeZone"],
        LossKind::NoCounterpart,
        Severity::Warning,
        "the field came with Kubernetes 1.24, and no zone is read before 1.22: Jobs start by the clock of the controller manager; \
         write the schedule for its zone",
    );
    if !schedule.contains("TZ") {
        return Ok(());
    }
    let Some((named, rest)) = split_zone(schedule) else {
        return Err(refuse(
            node,
            &path,
            "the target takes no zone in a schedule; write the schedule for the zone of its controller manager",
        ));
    };
    if !named.eq_ignore_ascii_case("Local") {
        node.warn(
            &path,
            LossKind::NoCounterpart,
            Severity::Warning,
            "no zone is read before Kubernetes 1.22: Jobs start by the clock of the controller manager; write the schedule for its zone",
        );
    }
    node.set(&path, rest, "the target takes no zone in a schedule");
    Ok(())
}

/// Five fields, or a name with `@`. What stands in a field is the controller's business.
fn check_schedule(node: &Node<'_>) -> Result<(), SkipReason> {
    let Some(schedule) = node.text(&["spec", "schedule"]) else {
        return Ok(());
    };
    let plain = split_zone(schedule)
        .map_or(schedule, |(_, rest)| rest)
        .trim();
    if !plain.starts_with('@') && plain.split_whitespace().count() != 5 {
        return Err(refuse(
            node,
            &["spec", "schedule"],
            "a schedule has five fields: minute, hour, day of the month, month, day of the week",
        ));
    }
    Ok(())
}

/// Jobs get their selector from the server.
fn drop_selector(node: &mut Node<'_>) {
    let manual = ["spec", "jobTemplate", "spec", "manualSelector"];
    if node.get(&manual).and_then(Tree::as_bool) == Some(true) {
        node.lose(
            &manual,
            LossKind::Refused,
            Severity::Warning,
            "no server takes it in a CronJob; each Job gets a selector of its own",
        );
    }
    node.lose(
        &["spec", "jobTemplate", "spec", "selector"],
        LossKind::Refused,
        Severity::Info,
        "no server takes it in a CronJob; each Job gets a selector of its own",
    );
}
