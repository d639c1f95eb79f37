//! Jobs: one object a line.

use super::{super::Console, Exit, input};
use crate::cli::args::{Convert, JobStage};
use csdr_core::{
    Error, ErrorKind, Result,
    conversion::{BuiltinConverter, Change, Converted, Loss, TargetApis},
    model::Tree,
};
use serde::Serialize;
use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
};

/// Bytes of one line: more than any tree may have.
const LINE: u64 = 17 << 20;

/// One line of the answer.
#[derive(Serialize)]
struct Answer {
    id: Tree,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<Tree>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    changes: Vec<Change>,
    losses: Vec<Loss>,
}

/// How far jobs go.
struct Run {
    converter: BuiltinConverter,
    target: Option<TargetApis>,
}

pub(super) fn run(console: &Console, file: &Path, args: &Convert) -> Result<Exit> {
    let target = super::target(args.target, args.target_apis.as_deref())?;
    let run = Run {
        converter: args.choices.converter(),
        target: match (args.stage, target) {
            (JobStage::Faithful, _) => None,
            (JobStage::Acceptable, Some(target)) => Some(target),
            (JobStage::Acceptable, None) => {
                return Err(Error::invalid(
                    "accepted by which release? write --target 1.36, or --target-apis FILE",
                )
                .with_operation("read command line"));
            }
        },
    };
    let mut lines = BufReader::new(input::reader(file)?);
    let mut all_well = true;
    let mut number = 0_u64;
    while let Some(line) = next(&mut lines).map_err(|error| input::unreadable(file, error))? {
        number += 1;
        let answer = match &line {
            Line::Whole(bytes) if bytes.trim_ascii().is_empty() => continue,
            Line::Whole(bytes) => run.answer(bytes, number),
            Line::TooLong => refused(
                Tree::Null,
                format!("line {number} is longer than {LINE} bytes; leave this job out"),
            ),
        };
        all_well &= answer.ok;
        let text = serde_json::to_string(&answer).map_err(|error| {
            Error::new(
                ErrorKind::Unexpected,
                "the answer cannot be written as JSON",
            )
            .with_source(error)
        })?;
        console.print(&text)?;
    }
    Ok(if all_well {
        Exit::Complete
    } else {
        Exit::Partial
    })
}

enum Line {
    Whole(Vec<u8>),
    TooLong,
}

/// The next line; of one that is too long nothing is kept.
fn next(lines: &mut BufReader<Box<dyn Read>>) -> std::io::Result<Option<Line>> {
    let mut bytes = Vec::new();
    let read = lines.by_ref().take(LINE).read_until(b'\n', &mut bytes)?;
    if read == 0 {
        return Ok(None);
    }
    if bytes.last() == Some(&b'\n') || (read as u64) < LINE {
        return Ok(Some(Line::Whole(bytes)));
    }
    loop {
        let buffer = lines.fill_buf()?;
        if buffer.is_empty() {
            return Ok(Some(Line::TooLong));
        }
        match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => {
                lines.consume(at + 1);
                return Ok(Some(Line::TooLong));
            }
            None => {
                let all = buffer.len();
                lines.consume(all);
            }
        }
    }
}

fn refused(id: Tree, error: String) -> Answer {
    Answer {
        id,
        ok: false,
        object: None,
        error: Some(error),
        changes: Vec::new(),
        losses: Vec::new(),
    }
}

impl Run {
    fn answer(&self, line: &[u8], number: u64) -> Answer {
        let mut row = match Tree::parse(line) {
            Ok(row) => row,
            Err(error) => return refused(Tree::Null, format!("line {number}: {error}")),
        };
        // A line of vectors holds the job, and the answer of a server.
        let mut job = match row.at(&["job"]) {
            Some(Tree::Object(_)) => row.remove(&["job"]).unwrap_or_default(),
            _ => row,
        };
        let id = job.remove(&["id"]).unwrap_or_default();
        match self.job(job) {
            Ok(Converted {
                tree,
                changes,
                losses,
            }) => Answer {
                id,
                ok: true,
                object: Some(tree),
                error: None,
                changes,
                losses,
            },
            Err(error) => refused(id, error),
        }
    }

    fn job(&self, mut job: Tree) -> Result<Converted, String> {
        let to = job.text_at(&["to"]).map(str::to_owned);
        let object = job
            .remove(&["object"])
            .ok_or("the job has no object; write {\"id\",\"to\",\"object\"}")?;
        let to = to
            // What is only to be accepted stays in its version.
            .or_else(|| {
                let own = object.text_at(&["apiVersion"]);
                own.filter(|_| self.target.is_some()).map(str::to_owned)
            })
            .ok_or("the job has no version to convert to; write {\"id\",\"to\",\"object\"}")?;
        let to = to.parse().map_err(said)?;
        let faithful = self.converter.faithful(object, &to).map_err(said)?;
        let Some(target) = &self.target else {
            return Ok(faithful);
        };
        let mended = self
            .converter
            .acceptable(faithful.tree, target)
            .map_err(said)?
            .map_err(|reason| reason.to_string())?;
        Ok(Converted {
            tree: mended.tree,
            changes: [faithful.changes, mended.changes].concat(),
            losses: [faithful.losses, mended.losses].concat(),
        })
    }
}

fn said(error: Error) -> String {
    error.chain()
}
