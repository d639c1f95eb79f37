//! `cargo xtask test`: everything, in phases, with the minutes of each and what was left out.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use csdr_testenv::{Binaries, KubeVersion, NodeBinaries, VeleroJudge};

use crate::metadata::{self, CLUSTER, Package};
use crate::run::{self, Tally};
use crate::{fuzz, testenv};

const FUZZ_SECONDS: u32 = 20;

/// A part of the whole, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Testenv,
    Unit,
    Cluster,
    Fuzz,
    Quickstart,
}

impl Phase {
    const ALL: [Self; 5] = [
        Self::Testenv,
        Self::Unit,
        Self::Cluster,
        Self::Fuzz,
        Self::Quickstart,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Testenv => "testenv",
            Self::Unit => "unit",
            Self::Cluster => "cluster",
            Self::Fuzz => "fuzz",
            Self::Quickstart => "quickstart",
        }
    }

    fn needs_binaries(self) -> bool {
        matches!(self, Self::Testenv | Self::Cluster)
    }

    fn title(self) -> &'static str {
        match self {
            Self::Testenv => "binaries of the control planes and the judge",
            Self::Unit => "tests that need no cluster, and documentation tests",
            Self::Cluster => "tests on real control planes",
            Self::Fuzz => "fuzz targets, 20 s each",
            Self::Quickstart => "the quickstart of the README",
        }
    }
}

/// What a phase came to.
#[derive(Debug)]
struct Outcome {
    phase: Phase,
    time: Duration,
    tally: Tally,
    done: Result<(), String>,
}

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let chosen = chosen(arguments)?;
    if chosen.iter().any(|phase| phase.needs_binaries()) {
        Binaries::check().map_err(|error| error.chain())?;
    }
    let members = metadata::members()?;
    let mut left_out = known_left_out(&chosen);
    let mut outcomes = Vec::new();
    for (number, phase) in (1..).zip(&chosen) {
        if *phase == Phase::Fuzz && fuzz::left_out().is_some() {
            continue;
        }
        println!(
            "\n== {number}/{} {}: {}",
            chosen.len(),
            phase.name(),
            phase.title()
        );
        let start = Instant::now();
        let (tally, done) = run_phase(*phase, &members);
        let time = start.elapsed();
        if let Err(error) = &done {
            eprintln!("xtask: {error}");
        }
        println!("== {}: {:.1} min", phase.name(), minutes(time));
        left_out.extend(tally.left_out.iter().cloned());
        outcomes.push(Outcome {
            phase: *phase,
            time,
            tally,
            done,
        });
    }
    report(&outcomes, &left_out)
}

fn chosen(arguments: &[String]) -> Result<Vec<Phase>, String> {
    if arguments.is_empty() {
        return Ok(Phase::ALL.to_vec());
    }
    let known = Phase::ALL.map(Phase::name);
    if let Some(unknown) = arguments
        .iter()
        .find(|name| !known.contains(&name.as_str()))
    {
        return Err(format!(
            "no phase `{unknown}`: there are {}",
            known.join(", ")
        ));
    }
    let wanted = |phase: &Phase| arguments.iter().any(|name| name == phase.name());
    Ok(Phase::ALL.into_iter().filter(wanted).collect())
}

/// The classes that are left out for reasons known before anything runs.
fn known_left_out(chosen: &[Phase]) -> BTreeSet<String> {
    let mut classes = BTreeSet::new();
    for phase in Phase::ALL {
        if !chosen.contains(&phase) {
            classes.insert(format!("{} — not asked for", phase.title()));
        }
    }
    if chosen.iter().any(|phase| phase.needs_binaries()) {
        for version in KubeVersion::ALL {
            if let Some(reason) = version.left_out() {
                classes.insert(format!("tests on Kubernetes {version} — {reason}"));
            }
        }
        if let Some(reason) = VeleroJudge::left_out() {
            classes.insert(format!("tests with Velero's own reader — {reason}"));
        }
    }
    if chosen.iter().any(|phase| phase.needs_binaries())
        && let Some(reason) = NodeBinaries::left_out()
    {
        classes.insert(format!("tests on nodes — {reason}"));
    }
    if let Some(reason) = chosen.contains(&Phase::Fuzz).then(fuzz::left_out).flatten() {
        classes.insert(format!("{} — {reason}", Phase::Fuzz.title()));
    }
    classes
}

fn run_phase(phase: Phase, members: &[Package]) -> (Tally, Result<(), String>) {
    let without_tests = |done| (Tally::default(), done);
    match phase {
        Phase::Testenv => without_tests(testenv::locate_all()),
        Phase::Unit => unit(members),
        Phase::Cluster => cluster(members),
        Phase::Fuzz => without_tests(fuzz::run_targets(&[], FUZZ_SECONDS)),
        Phase::Quickstart => without_tests(quickstart()),
    }
}

fn unit(members: &[Package]) -> (Tally, Result<(), String>) {
    let features = features(members, |feature| feature != CLUSTER);
    run_tests(&["--workspace", "--features", &features])
}

fn cluster(members: &[Package]) -> (Tally, Result<(), String>) {
    let features = features(members, |_| true);
    // All members again, so that dependencies keep the features that they were built with.
    let mut arguments = vec!["--workspace", "--features", &features];
    // Two packages may give a test target the same name; cargo runs both for it.
    let tests: BTreeSet<&String> = members
        .iter()
        .flat_map(|member| &member.cluster_tests)
        .collect();
    for test in &tests {
        arguments.extend(["--test", test]);
    }
    if tests.is_empty() {
        return (
            Tally::default(),
            Err(format!("no test target requires the feature `{CLUSTER}`")),
        );
    }
    run_tests(&arguments)
}

fn run_tests(arguments: &[&str]) -> (Tally, Result<(), String>) {
    let command = run::cargo(&["test", "--no-fail-fast"]);
    match command {
        // What passing tests print is shown to us: it says which classes they left out.
        Ok(mut command) => run::tests(command.args(arguments).args(["--", "--show-output"])),
        Err(error) => (Tally::default(), Err(error)),
    }
}

/// The features of the members, as cargo wants them named.
fn features(members: &[Package], wanted: impl Fn(&str) -> bool) -> String {
    let of_member = |member: &Package| {
        let chosen = member.features.iter().filter(|feature| wanted(feature));
        chosen
            .map(|feature| format!("{}/{feature}", member.name))
            .collect::<Vec<_>>()
    };
    members
        .iter()
        .flat_map(of_member)
        .collect::<Vec<_>>()
        .join(",")
}

fn quickstart() -> Result<(), String> {
    run::pass_through(&mut run::cargo(&[
        "run",
        "--release",
        "--example",
        "quickstart",
    ])?)
}

fn report(outcomes: &[Outcome], left_out: &BTreeSet<String>) -> Result<(), String> {
    println!(
        "\n{:<12} {:>8} {:>8} {:>8}  result",
        "phase", "minutes", "passed", "failed"
    );
    let mut total = Tally::default();
    let mut whole = Duration::ZERO;
    for Outcome {
        phase,
        time,
        tally,
        done,
    } in outcomes
    {
        let (passed, failed) = match phase {
            Phase::Unit | Phase::Cluster => (tally.passed.to_string(), tally.failed.to_string()),
            Phase::Testenv | Phase::Fuzz | Phase::Quickstart => ("–".to_owned(), "–".to_owned()),
        };
        let result = if done.is_ok() { "ok" } else { "FAILED" };
        println!(
            "{:<12} {:>8.1} {passed:>8} {failed:>8}  {result}",
            phase.name(),
            minutes(*time)
        );
        total.add(tally.clone());
        whole += *time;
    }
    println!("{:<12} {:>8.1}", "together", minutes(whole));
    for class in left_out {
        println!("left out: {class}");
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    let broken: Vec<&str> = outcomes
        .iter()
        .filter(|outcome| outcome.done.is_err())
        .map(|outcome| outcome.phase.name())
        .collect();
    if broken.is_empty() {
        return Ok(());
    }
    Err(format!("failed: {}", broken.join(", ")))
}

fn minutes(time: Duration) -> f64 {
    time.as_secs_f64() / 60.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_run_in_their_order_whatever_the_order_of_the_names() {
        let names = ["fuzz", "unit"].map(str::to_owned);
        assert_eq!(chosen(&names).unwrap(), [Phase::Unit, Phase::Fuzz]);
        assert_eq!(chosen(&[]).unwrap(), Phase::ALL);
        assert!(
            chosen(&["units".to_owned()])
                .unwrap_err()
                .contains("no phase `units`")
        );
    }

    #[test]
    fn a_phase_that_is_not_asked_for_is_named() {
        let classes = known_left_out(&[Phase::Unit]);
        assert!(
            classes.contains("the quickstart of the README — not asked for"),
            "{classes:?}"
        );
    }
}
