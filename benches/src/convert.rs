//! `convert`: what the conversion of API versions costs, against a bare scan of the same bytes.
//!
//! The floor is `serde_json` reading each object as a `RawValue`: it looks at every byte once and keeps nothing. Nothing that reads JSON
//! can be had for less. The objects are parsed before the clock starts, as they are for whoever converts them.
//!
//! The targets:
//!
//! * objects that need no conversion cost at most [`UNCHANGED`] times the scan: they are looked through, not parsed into trees;
//! * an Ingress in `networking.k8s.io/v1beta1` becomes one in `v1` for at most [`INGRESS`] times the scan.
//!
//! Floor and csdr take turns in one process, the one that begins changing from round to round, so that a slow moment of the machine
//! meets both.

mod report;
mod stored;

use crate::{
    Result,
    args::{ConvertArgs, Output},
};
use csdr_core::{
    conversion::{BuiltinConverter, Conversion, TargetApis},
    model::Object,
    port::ApiVersionConverter,
};
use report::{Measurement, Report};
use serde_json::value::RawValue;
use std::{
    hint::black_box,
    io::{self, Write},
    time::Instant,
};

/// Most time for objects that need no conversion, in scans.
const UNCHANGED: f64 = 1.25;
/// Most time for an Ingress that is made from `v1beta1` into `v1`, in scans.
const INGRESS: f64 = 8.0;

/// Measures and prints.
pub(crate) fn run(args: &ConvertArgs) -> Result<()> {
    let bench = Bench {
        converter: BuiltinConverter::new(),
        target: TargetApis::kubernetes(1, 36)?,
        rounds: args.rounds,
    };
    let unchanged = stored::unchanged(args.count)?;
    let ingresses = stored::ingresses(args.count)?;
    bench.check(&unchanged, |answer| matches!(answer, Conversion::Unchanged))?;
    bench.check(&ingresses, |answer| match answer {
        Conversion::Converted { to, .. } => to.to_string() == "networking.k8s.io/v1",
        _ => false,
    })?;
    let report = Report {
        unchanged: bench.measure(UNCHANGED, &unchanged)?,
        ingress: bench.measure(INGRESS, &ingresses)?,
    };
    let mut out = io::stdout().lock();
    writeln!(out, "{report}")?;
    if args.output == Output::Json {
        writeln!(out, "{}", report.json())?;
    }
    Ok(())
}

struct Bench {
    converter: BuiltinConverter,
    target: TargetApis,
    rounds: usize,
}

impl Bench {
    /// Every object must get the answer whose price is asked for.
    fn check(&self, objects: &[Object], is_right: impl Fn(&Conversion) -> bool) -> Result<()> {
        for object in objects {
            let answer = self.converter.convert(object, &self.target)?;
            if !is_right(&answer) {
                return Err(format!("{} was answered with {answer:?}", object.id()).into());
            }
        }
        Ok(())
    }

    fn measure(&self, target: f64, objects: &[Object]) -> Result<Measurement> {
        let mut measurement = Measurement {
            target,
            objects: objects.len(),
            bytes: objects.iter().map(|object| object.json().len()).sum(),
            floor: Vec::new(),
            csdr: Vec::new(),
        };
        for round in 0..self.rounds {
            for floor in [round % 2 == 0, round % 2 == 1] {
                let start = Instant::now();
                if floor {
                    scan(objects)?;
                    measurement.floor.push(start.elapsed().as_secs_f64());
                } else {
                    self.convert(objects)?;
                    measurement.csdr.push(start.elapsed().as_secs_f64());
                }
            }
        }
        Ok(measurement)
    }

    fn convert(&self, objects: &[Object]) -> Result<()> {
        for object in objects {
            black_box(self.converter.convert(black_box(object), &self.target)?);
        }
        Ok(())
    }
}

fn scan(objects: &[Object]) -> Result<()> {
    for object in objects {
        black_box(serde_json::from_slice::<&RawValue>(black_box(
            object.json(),
        ))?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_get_the_answer_that_is_measured() {
        run(&ConvertArgs {
            count: 80,
            rounds: 1,
            output: Output::Table,
        })
        .unwrap();
    }
}
