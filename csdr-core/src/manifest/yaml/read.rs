//! One document's events into a tree.

use super::{YamlLimits, scalar};
use crate::model::{Tree, TreeMap};
use granit_parser::{Event, Parser, ScalarStyle, ScanError, StrInput, Tag};
use std::{borrow::Cow, collections::HashMap};

/// Where in the chunk (lines behind its first) and what; never content.
pub(super) type Bad = (usize, String);

/// Reads the one document of a chunk; `None` if it holds none.
pub(super) fn document(text: &str, limits: &YamlLimits) -> Result<Option<Tree>, Bad> {
    let options = granit_parser::options! { emit_comments: false };
    let mut reader = Reader {
        events: Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        memory: limits.memory,
        line: 0,
    };
    let mut found = None;
    while let Some(event) = reader.next()? {
        match event {
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            Event::StreamEnd => break,
            event if found.is_none() => found = Some(reader.node(event, limits.depth)?),
            // A text without marker has one document; `...` could begin another one.
            _ => return Err(reader.bad("a second document needs a line `---`")),
        }
    }
    // A document of nothing but `null` is as empty as one of comments.
    Ok(found.filter(|tree| !tree.is_null()))
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, (Tree, usize)>,
    memory: usize,
    line: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Option<Event<'a>>, Bad> {
        match self.events.next() {
            None => Ok(None),
            Some(Ok((event, span))) => {
                self.line = span.start.line().saturating_sub(1);
                Ok(Some(event))
            }
            Some(Err(error)) => Err(syntax(&error)),
        }
    }

    fn bad(&self, message: &str) -> Bad {
        (self.line, message.to_owned())
    }

    fn spend(&mut self, cost: usize) -> Result<(), Bad> {
        self.memory = self
            .memory
            .checked_sub(cost)
            .ok_or_else(|| self.bad("larger than allowed once its aliases are written out"))?;
        Ok(())
    }

    fn expect(&mut self) -> Result<Event<'a>, Bad> {
        self.next()?
            .ok_or_else(|| self.bad("the document ends early"))
    }

    fn node(&mut self, event: Event<'a>, depth: usize) -> Result<Tree, Bad> {
        let before = self.memory;
        let depth = depth
            .checked_sub(1)
            .ok_or_else(|| self.bad("nested deeper than allowed"))?;
        let (tree, anchor) = match event {
            Event::Alias(id) => {
                let (tree, cost) = self
                    .anchors
                    .get(&id)
                    .map(|(tree, cost)| (tree.clone(), *cost))
                    .ok_or_else(|| self.bad("an alias stands inside of its own anchor"))?;
                self.spend(cost)?;
                return Ok(tree);
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.spend(64 + text.len())?;
                (self.scalar(text, style, tag.as_deref())?, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.collection(tag.as_deref(), "seq")?;
                (self.sequence(depth)?, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.collection(tag.as_deref(), "map")?;
                (self.mapping(depth)?, anchor)
            }
            _ => return Err(self.bad("a value is expected")),
        };
        if anchor != 0 {
            // The anchor keeps a copy of its own.
            let cost = before - self.memory;
            self.spend(cost)?;
            self.anchors.insert(anchor, (tree.clone(), cost));
        }
        Ok(tree)
    }

    fn collection(&mut self, tag: Option<&Tag>, own: &str) -> Result<(), Bad> {
        self.spend(64)?;
        match tag {
            Some(tag) if tag.core_suffix() != Some(own) => Err(self.bad("an unknown tag")),
            _ => Ok(()),
        }
    }

    fn sequence(&mut self, depth: usize) -> Result<Tree, Bad> {
        let mut items = Vec::new();
        loop {
            match self.expect()? {
                Event::SequenceEnd => return Ok(Tree::Array(items)),
                event => items.push(self.node(event, depth)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Tree, Bad> {
        let mut map = TreeMap::default();
        let mut merged: Vec<TreeMap> = Vec::new();
        loop {
            let event = match self.expect()? {
                Event::MappingEnd => break,
                event => event,
            };
            let is_merge =
                matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            let key = self.node(event, depth)?;
            let line = self.line;
            let event = self.expect()?;
            let value = self.node(event, depth)?;
            if is_merge {
                self.merge(value, &mut merged)?;
                continue;
            }
            let key = self.key(key)?;
            if map.insert(key, value).is_some() {
                return Err((line, "a key comes twice".to_owned()));
            }
        }
        // A key that is written beats a merged one; of the merged ones the first counts.
        for (key, value) in merged.into_iter().flatten() {
            map.entry(key).or_insert(value);
        }
        Ok(Tree::Object(map))
    }

    fn merge(&self, value: Tree, merged: &mut Vec<TreeMap>) -> Result<(), Bad> {
        match value {
            Tree::Object(map) => merged.push(map),
            Tree::Array(items) => {
                for item in items {
                    match item {
                        Tree::Object(map) => merged.push(map),
                        _ => return Err(self.bad("`<<` merges maps only")),
                    }
                }
            }
            _ => return Err(self.bad("`<<` merges maps only")),
        }
        Ok(())
    }

    /// Source: `convertToJSONableObject` of sigs.k8s.io/yaml: keys that are numbers and booleans become their text.
    fn key(&self, key: Tree) -> Result<String, Bad> {
        match key {
            Tree::String(text) => Ok(text),
            Tree::Number(number) => Ok(number.to_string()),
            Tree::Bool(value) => Ok(value.to_string()),
            _ => Err(self.bad("a key must be a string")),
        }
    }

    fn scalar(
        &self,
        text: Cow<'a, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
    ) -> Result<Tree, Bad> {
        let plain = |text: &str| scalar::plain(text).map_err(|message| self.bad(message));
        let Some(tag) = tag else {
            return match style {
                ScalarStyle::Plain => plain(&text),
                _ => Ok(Tree::String(text.into_owned())),
            };
        };
        let timestamp = tag.suffix_in_namespace("tag:yaml.org,2002:");
        let resolved = match tag.core_suffix() {
            Some("str") => return Ok(Tree::String(text.into_owned())),
            Some("null") => plain(&text).map(|tree| tree.is_null().then_some(tree)),
            Some("bool") => plain(&text).map(|tree| tree.as_bool().map(|_| tree)),
            Some("int" | "float") => {
                plain(&text).map(|tree| matches!(tree, Tree::Number(_)).then_some(tree))
            }
            None if timestamp.as_deref() == Some("timestamp") => {
                return Ok(Tree::String(text.into_owned()));
            }
            // The non-specific tag: a string, whatever it looks like.
            None if tag.parts() == ("", "!") || tag.parts() == ("!", "") => {
                return Ok(Tree::String(text.into_owned()));
            }
            _ => return Err(self.bad("an unknown tag")),
        }?;
        resolved.ok_or_else(|| self.bad("a value does not fit its tag"))
    }
}

/// The parser's messages name what is wrong, never the text.
fn syntax(error: &ScanError) -> Bad {
    (error.marker().line().saturating_sub(1), error.info())
}
