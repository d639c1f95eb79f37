//! What one process measured, and what many say together.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One measurement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// From before the first connection to after the last flush or answer.
    pub(crate) seconds: f64,
    /// Objects stored or created.
    pub(crate) objects: u64,
    /// Bytes of the archive; 0 for restores.
    pub(crate) archive_bytes: u64,
    /// Most memory that the process ever held.
    pub(crate) peak_rss_mib: f64,
    /// Processor seconds of the process.
    #[serde(default)]
    pub(crate) cpu_seconds: f64,
    /// Processor seconds of API server and etcd meanwhile.
    #[serde(default)]
    pub(crate) server_cpu_seconds: f64,
    /// Parts of `seconds`, by name.
    #[serde(default)]
    pub(crate) phases: BTreeMap<String, f64>,
}

impl Sample {
    pub(crate) fn objects_per_s(&self) -> f64 {
        self.objects as f64 / self.seconds
    }
}

/// The value in the middle; of an even number, the mean of both in the middle.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.as_slice() {
        [] => f64::NAN,
        values if values.len() % 2 == 1 => values[half],
        values => (values[half - 1] + values[half]) / 2.0,
    }
}

/// The largest value.
pub(crate) fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(f64::NAN, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median([]).is_nan());
        assert_eq!(largest([1.0, 3.0, 2.0]), 3.0);
    }
}
