//! The table and the line of JSON.

use crate::sample::median;
use serde_json::{Value, json};
use std::fmt;

/// The times of one kind of objects, round by round, in seconds.
#[derive(Debug)]
pub(super) struct Measurement {
    /// Most time that it may take, in scans.
    pub(super) target: f64,
    pub(super) objects: usize,
    pub(super) bytes: usize,
    pub(super) floor: Vec<f64>,
    pub(super) csdr: Vec<f64>,
}

impl Measurement {
    fn ratio(&self) -> f64 {
        seconds(&self.csdr) / seconds(&self.floor)
    }

    fn objects_per_s(&self, times: &[f64]) -> f64 {
        self.objects as f64 / seconds(times)
    }

    fn megabytes_per_s(&self, times: &[f64]) -> f64 {
        self.bytes as f64 / 1e6 / seconds(times)
    }

    fn json(&self) -> Value {
        json!({
            "objects_per_s": self.objects_per_s(&self.csdr).round(),
            "ratio": (self.ratio() * 1000.0).round() / 1000.0,
        })
    }
}

fn seconds(times: &[f64]) -> f64 {
    median(times.iter().copied())
}

/// Everything that was measured.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) unchanged: Measurement,
    pub(super) ingress: Measurement,
}

impl Report {
    /// One line; medians of the rounds.
    pub(super) fn json(&self) -> Value {
        json!({ "unchanged": self.unchanged.json(), "ingress": self.ingress.json() })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} objects of each, parsed already, to Kubernetes 1.36 on one core; medians of {} rounds",
            self.unchanged.objects,
            self.unchanged.csdr.len()
        )?;
        writeln!(f)?;
        writeln!(
            f,
            "|                         |      | bytes each | objects/s |  MB/s | to the scan | target |"
        )?;
        write!(
            f,
            "|-------------------------|------|-----------:|----------:|------:|------------:|-------:|"
        )?;
        for (what, measured) in [
            ("no conversion needed", &self.unchanged),
            ("Ingress v1beta1 → v1", &self.ingress),
        ] {
            for (who, times) in [("scan", &measured.floor), ("csdr", &measured.csdr)] {
                let (ratio, target) = match who {
                    "csdr" => (
                        format!("{:.2} × time", measured.ratio()),
                        format!("≤ {}", measured.target),
                    ),
                    _ => Default::default(),
                };
                write!(
                    f,
                    "\n| {what:<23} | {who} | {:>10} | {:>9.0} | {:>5.0} | {ratio:>11} | {target:>6} |",
                    measured.bytes / measured.objects.max(1),
                    measured.objects_per_s(times),
                    measured.megabytes_per_s(times),
                )?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_json_has_the_promised_fields() {
        let measurement = |csdr: [f64; 3]| Measurement {
            target: 1.25,
            objects: 100,
            bytes: 200_000,
            floor: vec![1.0, 4.0, 2.0],
            csdr: csdr.into(),
        };
        let report = Report {
            unchanged: measurement([2.0, 9.0, 2.5]),
            ingress: measurement([10.0, 10.0, 1.0]),
        };
        let expected = json!({
            "unchanged": { "objects_per_s": 40.0, "ratio": 1.25 },
            "ingress": { "objects_per_s": 10.0, "ratio": 5.0 },
        });
        assert_eq!(report.json(), expected);
        assert!(report.to_string().contains("1.25 × time"), "{report}");
    }
}
