//! `cargo xtask vectors`: compares conversions with what the API server's own code makes of the same objects.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::{run, tree};

/// Prints nothing after the program, so that its count is the last line.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    match status(arguments) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

fn status(arguments: &[String]) -> Result<i32, String> {
    let program = [
        "run",
        "--quiet",
        "--package",
        "csdr-testkit",
        "--example",
        "vectors",
        "--",
    ];
    let mut command = run::cargo(&program)?;
    command.args(files(arguments, &tree::root()?)?);
    let status = command
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    Ok(status.code().unwrap_or(1))
}

/// The files that are named, whatever the working directory of the program; or the project's own, by name.
fn files(arguments: &[String], root: &Path) -> Result<Vec<PathBuf>, String> {
    if !arguments.is_empty() {
        let absolute = |file: &String| match file.as_str() {
            "-" => Ok(PathBuf::from("-")),
            file => std::path::absolute(file).map_err(|error| format!("{file}: {error}")),
        };
        return arguments.iter().map(absolute).collect();
    }
    let folder = root.join("csdr-testkit/tests/data/vectors");
    let entries = std::fs::read_dir(&folder)
        .map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|file| file.extension().is_some_and(|end| end == "jsonl"))
        .collect();
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_projects_own_vectors_are_found() {
        let root = tree::root().unwrap();
        let found = files(&[], &root).unwrap();
        let names: Vec<_> = found.iter().filter_map(|file| file.file_stem()).collect();
        assert_eq!(names, ["crds", "create", "down", "extra", "golden", "hand"]);
        let named = files(&["-".to_owned(), "a.jsonl".to_owned()], &root).unwrap();
        assert_eq!(named[0], Path::new("-"));
        assert!(named[1].is_absolute());
    }
}
