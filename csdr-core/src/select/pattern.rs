//! Include and exclude lists with globs.

use crate::{Error, Result};
use globset::{GlobBuilder, GlobMatcher};

/// An include and an exclude list of names and globs.
///
/// `*`, `?` and `[abc]` are taken; `**` and any of `|(){}!,` are refused. Source: Velero 1.18's namespace wildcards
/// (velero.md section 2.2). An empty include list, or `*` in it, means all; the exclude list wins.
///
/// ```
/// use csdr_core::select::Patterns;
/// let patterns = Patterns::new("namespaces", &["shop-*".into()], &["shop-old".into()])?;
/// assert!(patterns.matches("shop-new") && !patterns.matches("shop-old") && !patterns.matches("other"));
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Patterns {
    included: Vec<Pattern>,
    excluded: Vec<Pattern>,
}

#[derive(Clone, Debug)]
enum Pattern {
    Name(String),
    Glob(GlobMatcher),
}

impl Pattern {
    fn new(what: &'static str, text: &str) -> Result<Self> {
        let bad = |message: &str| {
            Err(Error::invalid(format!("{what}: {message}"))
                .with_context("pattern", text.escape_debug()))
        };
        if text.is_empty() || text.len() > 320 {
            return bad("not a name or pattern");
        }
        if text.contains("**") || text.contains(['|', '(', ')', '{', '}', '!', ',', '/', '\\']) {
            return bad("not a pattern; `*`, `?` and `[abc]` are taken");
        }
        if !text.contains(['*', '?', '[', ']']) {
            return Ok(Self::Name(text.to_owned()));
        }
        match GlobBuilder::new(text)
            .literal_separator(false)
            .backslash_escape(false)
            .build()
        {
            Ok(glob) => Ok(Self::Glob(glob.compile_matcher())),
            Err(_) => bad("not a pattern; check the brackets"),
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Name(own) => own == name,
            Self::Glob(glob) => glob.is_match(name),
        }
    }
}

impl Patterns {
    /// Reads both lists; `what` names them in errors.
    ///
    /// # Errors
    /// `InvalidInput` for a bad pattern, a name that stands in both lists, or `*` in the exclude list.
    pub fn new(what: &'static str, included: &[String], excluded: &[String]) -> Result<Self> {
        let parse = |list: &[String]| {
            list.iter()
                .map(|text| Pattern::new(what, text))
                .collect::<Result<Vec<_>>>()
        };
        for text in excluded {
            if text == "*" {
                return Err(Error::invalid(format!(
                    "{what}: excluding `*` leaves nothing"
                )));
            }
            if included.contains(text) {
                return Err(
                    Error::invalid(format!("{what}: both included and excluded"))
                        .with_context("name", text),
                );
            }
        }
        Ok(Self {
            included: parse(included)?,
            excluded: parse(excluded)?,
        })
    }

    /// Whether `name` is included and not excluded.
    pub fn matches(&self, name: &str) -> bool {
        self.includes(name) && !self.excludes(name)
    }

    /// Whether any of `names`, which are spellings of one thing, is included and none is excluded.
    pub fn matches_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.includes(name))
            && !names.iter().any(|name| self.excludes(name))
    }

    /// Whether `name` is on the include list, or that list is empty.
    pub fn includes(&self, name: &str) -> bool {
        self.included.is_empty() || self.included.iter().any(|pattern| pattern.matches(name))
    }

    /// Whether `name` is on the exclude list.
    pub fn excludes(&self, name: &str) -> bool {
        self.excluded.iter().any(|pattern| pattern.matches(name))
    }

    /// Whether nothing is filtered by name.
    pub fn is_all(&self) -> bool {
        self.excluded.is_empty() && self.includes_all()
    }

    /// Whether the include list takes everything.
    pub fn includes_all(&self) -> bool {
        self.included.is_empty()
            || self
                .included
                .iter()
                .any(|p| matches!(p, Pattern::Glob(glob) if glob.glob().glob() == "*"))
    }

    /// Whether `name` itself, not only a pattern that it matches, is included.
    pub fn names(&self, name: &str) -> bool {
        self.included
            .iter()
            .any(|pattern| matches!(pattern, Pattern::Name(own) if own == name))
    }

    /// The included names without wildcards.
    pub fn literal_names(&self) -> impl Iterator<Item = &str> {
        self.included.iter().filter_map(|pattern| match pattern {
            Pattern::Name(name) => Some(name.as_str()),
            Pattern::Glob(_) => None,
        })
    }

    /// The excluded names without wildcards.
    pub fn literal_excluded(&self) -> impl Iterator<Item = &str> {
        self.excluded.iter().filter_map(|pattern| match pattern {
            Pattern::Name(name) => Some(name.as_str()),
            Pattern::Glob(_) => None,
        })
    }

    /// Whether there is an exclude list, of names only.
    pub fn is_literal_exclusion(&self) -> bool {
        !self.excluded.is_empty()
            && self
                .excluded
                .iter()
                .all(|pattern| matches!(pattern, Pattern::Name(_)))
    }

    /// Whether the include list holds names only: then nothing needs to be looked up to know what it means.
    pub fn is_literal(&self) -> bool {
        !self.included.is_empty()
            && self
                .included
                .iter()
                .all(|pattern| matches!(pattern, Pattern::Name(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn velero_2_2_wildcards() {
        for (included, excluded, name, expected) in [
            (&[][..], &[][..], "a", true),
            (&["*"], &[], "a", true),
            (&["*"], &["a"], "a", false),
            (&["a?"], &[], "ab", true),
            (&["a?"], &[], "abc", false),
            (&["a[bc]"], &[], "ac", true),
            (&["a[bc]"], &[], "ad", false),
            (&["a.b"], &[], "axb", false),
            (&[], &["kube-*"], "kube-system", false),
        ] {
            let patterns = Patterns::new("namespaces", &list(included), &list(excluded)).unwrap();
            assert_eq!(
                patterns.matches(name),
                expected,
                "{included:?} {excluded:?} {name}"
            );
        }
        for bad in ["**", "a|b", "{a,b}", "!a", "[a", "", "a/b"] {
            assert!(
                Patterns::new("namespaces", &list(&[bad]), &[]).is_err(),
                "{bad}"
            );
        }
        assert!(Patterns::new("namespaces", &list(&["a"]), &list(&["a"])).is_err());
        assert!(Patterns::new("namespaces", &[], &list(&["*"])).is_err());
    }
}
