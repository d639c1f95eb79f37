//! The table and the line of JSON.

use super::progress;
use crate::sample::{Sample, largest, median};
use serde_json::{Value, json};
use std::fmt;

/// The samples of one measurement, round by round.
#[derive(Debug, Default)]
pub(super) struct Pair {
    floor: Vec<Sample>,
    csdr: Vec<Sample>,
}

impl Pair {
    /// Adds a sample, and says it.
    pub(super) fn push(&mut self, what: &str, floor: bool, sample: Sample) {
        let phases: Vec<String> = sample
            .phases
            .iter()
            .map(|(name, seconds)| format!("{name} {seconds:.2} s"))
            .collect();
        progress(&format!(
            "{what:<8} {:<6} {:>7.2} s {:>8.0} objects/s {:>6.1} MiB, CPU {:.2} s + server {:.2} s {}",
            if floor { "floor" } else { "csdr" },
            sample.seconds,
            sample.objects_per_s(),
            sample.peak_rss_mib,
            sample.cpu_seconds,
            sample.server_cpu_seconds,
            phases.join(", "),
        ));
        if floor {
            self.floor.push(sample);
        } else {
            self.csdr.push(sample);
        }
    }

    fn is_empty(&self) -> bool {
        self.floor.is_empty() || self.csdr.is_empty()
    }
}

fn seconds(samples: &[Sample]) -> f64 {
    median(samples.iter().map(|sample| sample.seconds))
}

fn objects_per_s(samples: &[Sample]) -> f64 {
    median(samples.iter().map(Sample::objects_per_s))
}

/// The largest of all rounds: a bound on memory holds every time.
fn peak_rss_mib(samples: &[Sample]) -> f64 {
    largest(samples.iter().map(|sample| sample.peak_rss_mib))
}

/// Everything that was measured.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) count: usize,
    pub(super) namespaces: usize,
    pub(super) backup: Pair,
    pub(super) restore: Pair,
}

impl Report {
    /// One line; times and rates are medians of the rounds, memory is the largest. `null` stands for what was not measured.
    pub(super) fn json(&self) -> Value {
        let (backup, restore) = (&self.backup, &self.restore);
        let (own, floor) = (seconds(&backup.csdr), seconds(&backup.floor));
        let (rate, floor_rate) = (objects_per_s(&restore.csdr), objects_per_s(&restore.floor));
        json!({
            "count": self.count,
            "backup": {
                "seconds": rounded(own),
                "floor_seconds": rounded(floor),
                "ratio": rounded(own / floor),
                "peak_rss_mib": rounded(peak_rss_mib(&backup.csdr)),
            },
            "restore": {
                "objects_per_s": rounded(rate),
                "floor_objects_per_s": rounded(floor_rate),
                "ratio": rounded(rate / floor_rate),
                "peak_rss_mib": rounded(peak_rss_mib(&restore.csdr)),
            },
        })
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} objects in {} namespaces; medians of {} rounds, peak RSS the largest",
            self.count,
            self.namespaces,
            self.backup.csdr.len()
        )?;
        writeln!(f)?;
        writeln!(
            f,
            "|         |       | seconds | objects/s | to the floor | peak RSS, MiB | archive, MB |"
        )?;
        write!(
            f,
            "|---------|-------|--------:|----------:|-------------:|--------------:|------------:|"
        )?;
        for (what, pair) in [("backup", &self.backup), ("restore", &self.restore)] {
            if pair.is_empty() {
                continue;
            }
            for (who, samples) in [("floor", &pair.floor), ("csdr", &pair.csdr)] {
                let to_floor = match (what, who) {
                    ("backup", "csdr") => {
                        format!("{:.2} × time", seconds(samples) / seconds(&pair.floor))
                    }
                    ("restore", "csdr") => format!(
                        "{:.2} × rate",
                        objects_per_s(samples) / objects_per_s(&pair.floor)
                    ),
                    _ => String::new(),
                };
                let archive = match median(samples.iter().map(|sample| sample.archive_bytes as f64))
                {
                    bytes if bytes > 0.0 => format!("{:.1}", bytes / 1e6),
                    _ => String::new(),
                };
                write!(
                    f,
                    "\n| {what:<7} | {who:<5} | {:>7.2} | {:>9.0} | {to_floor:>12} | {:>13.0} | {archive:>11} |",
                    seconds(samples),
                    objects_per_s(samples),
                    peak_rss_mib(samples),
                )?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(seconds: f64) -> Sample {
        Sample {
            seconds,
            objects: 100,
            archive_bytes: 2_000_000,
            peak_rss_mib: 10.0 * seconds,
            ..Sample::default()
        }
    }

    #[test]
    fn the_line_of_json_has_the_promised_fields() {
        let pair = || Pair {
            floor: vec![sample(1.0), sample(3.0), sample(2.0)],
            csdr: vec![sample(2.5), sample(2.0), sample(9.0)],
        };
        let report = Report {
            count: 100,
            namespaces: 8,
            backup: pair(),
            restore: pair(),
        };
        let expected = json!({
            "count": 100,
            "backup": { "seconds": 2.5, "floor_seconds": 2.0, "ratio": 1.25, "peak_rss_mib": 90.0 },
            "restore": { "objects_per_s": 40.0, "floor_objects_per_s": 50.0, "ratio": 0.8, "peak_rss_mib": 90.0 },
        });
        assert_eq!(report.json(), expected);
        assert!(report.to_string().contains("1.25 × time"), "{report}");
    }
}
