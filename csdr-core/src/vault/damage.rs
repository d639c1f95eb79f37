//! Finding which objects of a damaged backup are lost.

use super::{Problem, StoredBackup, VerifyReport, verify::is_damage};
use crate::{Error, Result, archive::IndexRow};
use std::fmt::Write;

/// How many lost objects are named; the others are counted.
const NAMED: u64 = 1_000;

impl StoredBackup {
    /// Reads every object by the index, as a restore would, and names those that cannot be read. What is wrong with one part of the
    /// index or one member of the archive does not hide the others.
    pub(super) async fn find_damage(&self, report: &mut VerifyReport) -> Result<()> {
        let Some(manifest) = &self.manifest else {
            return Ok(());
        };
        let archive = self.layout.archive_path();
        let mut lost = Lost::default();
        for (at, record) in manifest.index.iter().enumerate() {
            let part = match self.index_part(at).await {
                Ok(part) => part,
                Err(error) if is_damage(&error) => {
                    let message = format!(
                        "{} rows from {} to {} cannot be read: {}",
                        record.rows,
                        record.first,
                        record.last,
                        error.chain()
                    );
                    report.problems.push(Problem {
                        file: record.path.clone(),
                        message,
                    });
                    continue;
                }
                Err(error) => return Err(error),
            };
            for rows in part.rows().chunk_by(|a, b| a.member == b.member) {
                let Some(first) = rows.first() else { continue };
                match self.member(first.member).await {
                    Ok(member) => {
                        for row in rows {
                            match member.object(row) {
                                Ok(_) => report.objects += u64::from(row.preferred),
                                Err(error) => lost.add(&archive, std::slice::from_ref(row), &error),
                            }
                        }
                    }
                    Err(error) if is_damage(&error) => lost.add(&archive, rows, &error),
                    Err(error) => return Err(error),
                }
            }
        }
        report.problems.extend(lost.problems);
        if lost.rows > NAMED {
            report.problems.push(Problem {
                file: archive,
                message: format!("{} more objects cannot be read", lost.rows - NAMED),
            });
        }
        Ok(())
    }
}

/// Objects of the archive that cannot be read.
#[derive(Default)]
struct Lost {
    problems: Vec<Problem>,
    rows: u64,
}

impl Lost {
    /// Some rows that one error makes unreadable; a row is an object in one version.
    fn add(&mut self, archive: &str, rows: &[IndexRow], error: &Error) {
        let room = usize::try_from(NAMED.saturating_sub(self.rows)).unwrap_or(usize::MAX);
        self.rows += rows.len() as u64;
        let mut message = String::new();
        for row in rows.iter().take(room) {
            let lead = if message.is_empty() { "" } else { ", " };
            // Writing to a String cannot fail.
            let _ = write!(message, "{lead}{row}");
        }
        if !message.is_empty() {
            let _ = write!(message, " cannot be read: {}", error.chain());
            self.problems.push(Problem {
                file: archive.to_owned(),
                message,
            });
        }
    }
}
