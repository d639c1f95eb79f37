//! As much of Go's syntax as the files of Kubernetes' types have: structures, one field a line, with their tags.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// One field of a structure.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// Its name in JSON; empty if the structure's fields stand in place of it.
    pub(super) json: String,
    /// The type of its value or of its items: `<import path>.<Name>`.
    pub(super) of: String,
    pub(super) is_list: bool,
    pub(super) strategies: Vec<String>,
    pub(super) key: String,
}

/// Structures by `<import path>.<Name>`, and groups by import path.
#[derive(Debug, Default)]
pub(super) struct Sources {
    structures: BTreeMap<String, Vec<Field>>,
    groups: BTreeMap<String, String>,
}

impl Sources {
    pub(super) fn read(modules: &[PathBuf]) -> Result<Self, String> {
        let mut sources = Self::default();
        for module in modules {
            let path = module.join("go.mod");
            let text = fs::read_to_string(&path)
                .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            let name = text.lines().find_map(|line| line.strip_prefix("module "));
            let name = name.ok_or_else(|| format!("{}: names no module", path.display()))?;
            sources.folder(module, name.trim())?;
        }
        Ok(sources)
    }

    fn folder(&mut self, folder: &Path, import: &str) -> Result<(), String> {
        let failed = |error| format!("cannot read {}: {error}", folder.display());
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                self.folder(&path, &format!("{import}/{name}"))?;
            } else if name == "types.go" || name.starts_with("types_") && name.ends_with(".go") {
                self.add(import, &fs::read_to_string(&path).map_err(failed)?);
            } else if name == "register.go" {
                self.add_group(import, &fs::read_to_string(&path).map_err(failed)?);
            }
        }
        Ok(())
    }

    /// Reads one file of a package.
    pub(super) fn add(&mut self, import: &str, source: &str) {
        let mut imports: BTreeMap<&str, &str> = BTreeMap::new();
        let mut open: Option<(String, Vec<Field>)> = None;
        for line in source.lines() {
            let line = line.trim();
            if let Some((_, fields)) = &mut open {
                if line == "}" {
                    self.structures.extend(open.take());
                } else if !line.starts_with("//") {
                    fields.extend(field(line, import, &imports));
                }
            } else if let Some(rest) = line.strip_prefix("type ")
                && let Some((name, body)) = rest.split_once(" struct {")
                && !body.trim_end().ends_with('}')
            {
                open = Some((format!("{import}.{}", name.trim()), Vec::new()));
            } else if let Some((alias, path)) = import_of(line) {
                imports.insert(alias, path);
            }
        }
    }

    /// Reads the file in which a package names its group.
    pub(super) fn add_group(&mut self, import: &str, source: &str) {
        let name = source.lines().find_map(|line| {
            let (_, value) = line.split_once("GroupName")?.1.split_once('=')?;
            value.trim().strip_prefix('"')?.strip_suffix('"')
        });
        if let Some(name) = name {
            self.groups.insert(import.to_owned(), name.to_owned());
        }
    }

    /// Fields of a structure, with those of the structures that are embedded into it.
    pub(super) fn fields(&self, name: &str) -> Vec<Field> {
        let own = self.structures.get(name).into_iter().flatten();
        own.flat_map(|field| match field.json.as_str() {
            "" => self.fields(&field.of),
            _ => vec![field.clone()],
        })
        .collect()
    }

    /// `group/version Kind` and the structure of every kind.
    pub(super) fn kinds(&self) -> Vec<(String, String)> {
        let mut kinds = Vec::new();
        for (name, fields) in &self.structures {
            let Some((import, kind)) = name.rsplit_once('.') else {
                continue;
            };
            let version = import.rsplit('/').next().unwrap_or_default();
            let Some(group) = self.groups.get(import) else {
                continue;
            };
            let is_object = |end: &str| fields.iter().any(|field| field.of.ends_with(end));
            let is_version = version.starts_with('v') && !group.ends_with("apimachinery.k8s.io");
            if is_version && is_object(".TypeMeta") && is_object(".ObjectMeta") {
                let api_version = match group.as_str() {
                    "" => version.to_owned(),
                    group => format!("{group}/{version}"),
                };
                kinds.push((format!("{api_version} {kind}"), name.clone()));
            }
        }
        kinds
    }
}

/// `alias "path"` or `"path"`.
fn import_of(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("import ").unwrap_or(line).trim();
    let (alias, rest) = line.split_once('"')?;
    let path = rest.strip_suffix('"')?;
    let alias = match alias.trim() {
        "" => path.rsplit('/').next()?,
        alias if alias.contains(char::is_whitespace) => return None,
        alias => alias,
    };
    Some((alias, path))
}

fn field(line: &str, import: &str, imports: &BTreeMap<&str, &str>) -> Option<Field> {
    let (declared, tags) = line.split_once('`')?;
    let tag = |name: &str| {
        let (_, rest) = tags.split_once(&format!("{name}:\""))?;
        rest.split_once('"').map(|(value, _)| value)
    };
    let json = tag("json")?.split(',').next().unwrap_or_default();
    if json == "-" {
        return None;
    }
    let of = declared.split_whitespace().last()?;
    let item = of.trim_start_matches('*').trim_start_matches("[]");
    let is_list = item.len() < of.trim_start_matches('*').len();
    let item = item.trim_start_matches('*');
    let of = match item.split_once('.') {
        Some((alias, name)) => format!("{}.{name}", imports.get(alias).unwrap_or(&alias)),
        None => format!("{import}.{item}"),
    };
    let strategies = tag("patchStrategy").unwrap_or_default().split(',');
    Some(Field {
        json: json.to_owned(),
        of,
        is_list,
        strategies: strategies.map(str::to_owned).collect(),
        key: tag("patchMergeKey").unwrap_or_default().to_owned(),
    })
}
