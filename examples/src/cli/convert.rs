//! `csdr convert`: manifests, or jobs of single objects. Reads files and standard input; no cluster, no vault.

mod input;
mod jobs;
mod manifests;
mod told;

use super::{
    Exit,
    args::{Convert, JobStage, Release},
    context::Context,
};
use csdr_core::{Error, ErrorKind, Result, conversion::TargetApis};
use std::path::Path;

pub(super) async fn convert(cx: &Context, args: Convert) -> Result<Exit> {
    if args.jobs.is_none() && (args.stage != JobStage::Faithful || args.target.is_some()) {
        return Err(Error::invalid(
            "--stage and --target are for jobs; write --jobs FILE with them, or --to alone",
        )
        .with_operation("read command line"));
    }
    let (console, output) = (cx.console.clone(), cx.output);
    // Standard input may never end: a signal ends the wait, and the thread goes with the process.
    let work = tokio::task::spawn_blocking(move || match &args.jobs {
        Some(file) => jobs::run(&console, file, &args),
        None => manifests::run(&console, output, &args),
    });
    let work = async {
        work.await.unwrap_or_else(|error| {
            Err(Error::new(ErrorKind::Unexpected, "the conversion ended early").with_source(error))
        })
    };
    cx.unless_cancelled("convert", work).await
}

/// What `--to`, `--target-release` or `--target-apis` names.
pub(super) fn target(release: Option<Release>, file: Option<&Path>) -> Result<Option<TargetApis>> {
    match (release, file) {
        (Some(release), _) => kubernetes(release).map(Some),
        (None, Some(file)) => recorded(file).map(Some),
        (None, None) => Ok(None),
    }
}

/// What a release serves by default.
pub(super) fn kubernetes(release: Release) -> Result<TargetApis> {
    TargetApis::kubernetes(release.major, release.minor)
        .map_err(|error| error.with_operation("read command line"))
}

/// What a cluster served when its discovery was recorded.
pub(super) fn recorded(file: &Path) -> Result<TargetApis> {
    let text = input::file(file, TargetApis::MAX_JSON as u64)?;
    TargetApis::from_json(text.as_bytes()).map_err(|error| {
        error
            .with_operation("read target")
            .with_context("file", file.display())
    })
}
