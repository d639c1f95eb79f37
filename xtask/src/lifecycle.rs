//! `cargo xtask lifecycle`: writes the tables of csdr-core that come from data, and shows that they are current.

mod fields;
mod patches;
mod rows;

use std::fs;
use std::path::PathBuf;

use crate::tree;

/// A file that is written from data: its path in the project, and what writes it.
type Generated = (&'static str, fn() -> Result<String, String>);

const GENERATED: &[Generated] = &[
    ("csdr-core/src/lifecycle/table.rs", rows::table),
    ("csdr-core/src/conversion/schema/table.rs", fields::table),
    ("csdr-core/src/modifier/strategic/table.rs", patches::table),
];

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    match arguments {
        [] => {}
        [option, folder] if option == "--fields" => fields::collect(&PathBuf::from(folder))?,
        [option, folders @ ..] if option == "--patches" && !folders.is_empty() => {
            let folders: Vec<PathBuf> = folders.iter().map(PathBuf::from).collect();
            patches::collect(&folders)?;
        }
        _ => {
            let usage = "usage: cargo xtask lifecycle [--fields FOLDER | --patches FOLDER…]";
            return Err(usage.to_owned());
        }
    }
    for (path, write) in GENERATED {
        let file = tree::root()?.join(path);
        let text = write()?;
        if fs::read_to_string(&file).is_ok_and(|old| old == text) {
            println!("{path} is current");
            continue;
        }
        fs::write(&file, text)
            .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        println!("{path} written");
    }
    Ok(())
}

/// Says which generated files differ from what their data makes.
pub(crate) fn stale() -> Result<Vec<&'static str>, String> {
    let mut stale = Vec::new();
    for (path, write) in GENERATED {
        let text = write()?;
        let file = tree::root()?.join(path);
        if fs::read_to_string(&file).ok().as_deref() != Some(text.as_str()) {
            stale.push(*path);
        }
    }
    Ok(stale)
}

/// One of the files that tables are written from.
fn data(name: &str) -> Result<String, String> {
    let path = tree::root()?.join("xtask/data").join(name);
    fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn generated_files_are_current() {
        assert_eq!(
            super::stale(),
            Ok(Vec::new()),
            "run `cargo xtask lifecycle`"
        );
    }
}
