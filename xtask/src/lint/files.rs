//! Rules of the house that stand in the files themselves.

use std::fs;
use std::path::{Path, PathBuf};

use super::Verdict;
use crate::tree;

const MOST_LINES: usize = 800;

/// Texts that no file may hold, and why. Put together here so that this file does not hold them.
const FORBIDDEN: [(&str, &str); 2] = [
    (
        concat!("#[", "ignore"),
        "a test that does not run by itself: use the feature `cluster`, or say what was left out",
    ),
    (
        concat!("```", "ignore"),
        "an example that is not compiled rots: use `no_run`, or make it run",
    ),
];

pub(super) fn check() -> Result<Verdict, String> {
    let root = tree::root()?;
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    let mut broken = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).map_err(|error| failed(file, &error))?;
        let shown = file.strip_prefix(&root).unwrap_or(file);
        broken.extend(complaints(shown, &text));
    }
    if broken.is_empty() {
        println!("{} files", files.len());
        return Ok(Verdict::Good);
    }
    Err(format!(
        "file rules (CONTRIBUTING.md):\n  {}",
        broken.join("\n  ")
    ))
}

fn complaints(path: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let shown = path.display();
    let is_rust = path.extension().is_some_and(|extension| extension == "rs");
    let lines = text.lines().count();
    if is_rust && lines > MOST_LINES {
        found.push(format!(
            "{shown} has {lines} lines: split it (at most {MOST_LINES})"
        ));
    }
    if path.file_name().is_some_and(|name| name == "mod.rs") {
        found.push(format!(
            "{shown}: put it beside its folder, as foo.rs beside foo/"
        ));
    }
    for (number, line) in (1..).zip(text.lines()) {
        for (forbidden, why) in FORBIDDEN {
            if line.contains(forbidden) {
                found.push(format!("{shown}:{number} {forbidden}: {why}"));
            }
        }
    }
    found
}

/// The Rust and Markdown files, without what is built or hidden.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    for entry in fs::read_dir(folder).map_err(|error| failed(folder, &error))? {
        let path = entry.map_err(|error| failed(folder, &error))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let extension = path.extension().unwrap_or_default();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                collect(&path, files)?;
            }
        } else if extension == "rs" || extension == "md" {
            files.push(path);
        }
    }
    files.sort();
    Ok(())
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("cannot read {}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_is_told_with_its_place() {
        let long = "\n".repeat(MOST_LINES + 1);
        for (path, text, expected) in [
            ("a/b.rs", long.as_str(), "a/b.rs has 801 lines"),
            ("a/mod.rs", "", "a/mod.rs: put it beside"),
            ("a/b.rs", concat!("\n    #[", "ignore]"), "a/b.rs:2 #["),
            ("README.md", concat!("```", "ignore"), "README.md:1 ```"),
        ] {
            let found = complaints(Path::new(path), text);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].starts_with(expected), "{found:?}");
        }
        assert_eq!(
            complaints(Path::new("README.md"), &long),
            Vec::<String>::new()
        );
    }
}
