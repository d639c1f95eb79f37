//! YAML in and out, as kubectl reads it and as every reader understands it.
//!
//! Reading follows `sigs.k8s.io/yaml` (kubectl's library, YAML 1.1 in the main): `yes`, `on` and `y` are true, `0644` is octal, a date is a
//! string. It differs where that library would lose something: an integer beyond 64 bits and a decimal that `f64` cannot
//! hold keep their text; a key that comes twice, an unknown tag and `.nan` are refused.
//!
//! Writing quotes every string that some YAML 1.1 or 1.2 reader could take for something else.

mod number;
mod read;
mod scalar;
mod write;

use crate::{Error, Result, model::Tree};

pub use write::to_yaml;

/// How much one YAML document may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct YamlLimits {
    /// Arrays and maps within each other.
    pub depth: usize,
    /// Bytes of memory of one document about, each alias counted as often as it is used: a bomb ends here.
    pub memory: usize,
}

impl Default for YamlLimits {
    /// 100 levels, 64 MiB a document.
    fn default() -> Self {
        Self {
            depth: 100,
            memory: 64 << 20,
        }
    }
}

/// One document of a text.
#[derive(Debug)]
pub struct Document {
    /// The line on which it begins, that of its marker if it has one; counted from 1.
    pub line: usize,
    /// What it holds, or why it cannot be read; never shows the content.
    pub tree: Result<Tree>,
}

/// The documents of a text; empty ones are left out. A document that cannot be read does not spoil the others.
///
/// ```
/// use csdr_core::manifest::yaml;
/// let text = "a: yes\n---\n{{ template }}: [\n---\n# nothing\n---\nmode: 0644\n";
/// let documents = yaml::documents(text, &yaml::YamlLimits::default());
/// assert_eq!(documents.len(), 3);
/// assert_eq!(documents[0].tree.as_ref().unwrap().to_string(), r#"{"a":true}"#);
/// assert!(documents[1].tree.is_err() && documents[1].line == 2);
/// assert_eq!(documents[2].tree.as_ref().unwrap().to_string(), r#"{"mode":420}"#);
/// ```
pub fn documents(text: &str, limits: &YamlLimits) -> Vec<Document> {
    chunks(text)
        .into_iter()
        .filter_map(|(line, chunk)| {
            let tree = read::document(chunk, limits).transpose()?;
            let tree = tree.map_err(|(at, message)| {
                Error::invalid(format!("YAML: {message}")).with_context("line", line + at)
            });
            Some(Document { line, tree })
        })
        .collect()
}

/// The text between document markers, with the line on which it begins.
///
/// A line that begins with `---` and space is a marker wherever it stands: not even a block scalar may hold one.
/// Source: YAML 1.2, production `c-forbidden`.
fn chunks(text: &str) -> Vec<(usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut out = Vec::new();
    let (mut start, mut start_line, mut at) = (0, 1, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if is_marker(line) {
            out.push((start_line, &text[start..at]));
            // What stands behind the marker on its line belongs to the document.
            (start, start_line) = (at + 3, number + 1);
        }
        at += line.len();
    }
    out.push((start_line, &text[start..]));
    out.retain(|(_, chunk)| !chunk.lines().all(is_idle));
    out
}

/// The text cut in front of every document marker, so that nothing of it is lost: each piece but the first begins with its marker.
///
/// ```
/// use csdr_core::manifest::yaml;
/// assert_eq!(yaml::pieces("# a\na: 1\n--- # b\nb: 2\n"), ["# a\na: 1\n", "--- # b\nb: 2\n"]);
/// ```
pub fn pieces(text: &str) -> Vec<&str> {
    let (mut found, mut rest, mut at) = (Vec::new(), text, 0);
    for line in text.split_inclusive('\n') {
        if at > 0 && is_marker(line) {
            let (piece, behind) = rest.split_at(at);
            found.push(piece);
            (rest, at) = (behind, 0);
        }
        at += line.len();
    }
    found.push(rest);
    found
}

/// A piece with another document in it: its marker and the comments in front of its document stay.
///
/// ```
/// use csdr_core::{manifest::yaml, model::Tree};
/// let piece = "---\n# Source: web\na: 1 # old\n";
/// assert_eq!(yaml::with_document(piece, &Tree::parse(br#"{"b":2}"#)?), "---\n# Source: web\nb: 2\n");
/// # Ok::<(), csdr_core::Error>(())
/// ```
pub fn with_document(piece: &str, tree: &Tree) -> String {
    let mut text = String::with_capacity(piece.len());
    for (number, line) in piece.split_inclusive('\n').enumerate() {
        let line = match line.strip_prefix("---") {
            // What stands behind the marker on its line may belong to the document.
            Some(rest) if number == 0 && !is_idle(rest) => {
                text.push_str("---\n");
                break;
            }
            Some(_) if number == 0 => line,
            _ if is_idle(line) && line.trim() != "..." => line,
            _ => break,
        };
        text.push_str(line);
    }
    text.push_str(&to_yaml(tree));
    text
}

/// Source: YAML 1.2, production `c-forbidden`.
fn is_marker(line: &str) -> bool {
    line.strip_prefix("---")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// A line that holds nothing: blank, a comment, a directive, an end marker.
fn is_idle(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with(['#', '%']) || line == "..."
}

/// The objects of a document: itself, or the items of a `List` (of any kind that ends so), at any depth.
pub fn items(tree: Tree) -> Vec<Tree> {
    let is_list = tree
        .text_at(&["kind"])
        .is_some_and(|kind| kind.ends_with("List"));
    match tree {
        Tree::Object(mut map) if is_list && matches!(map.get("items"), Some(Tree::Array(_))) => {
            let Some(Tree::Array(rows)) = map.shift_remove("items") else {
                return Vec::new();
            };
            rows.into_iter().flat_map(items).collect()
        }
        tree => vec![tree],
    }
}

#[cfg(test)]
mod tests;
