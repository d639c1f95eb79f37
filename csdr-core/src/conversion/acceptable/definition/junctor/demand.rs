//! What the junctors of a node talk about, which the node itself must know as well.

use crate::conversion::{
    acceptable::definition::{
        keyword::{self, EMBEDDED, Guess, INT_OR_STRING, PRESERVE, Types, is_true},
        schema::anything,
    },
    draft::{Node, map},
};
use crate::model::Tree;
use indexmap::IndexMap;

/// Properties and items that are talked about, and the types that are said of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Demand {
    properties: IndexMap<String, Demand>,
    items: Option<Box<Demand>>,
    types: Option<Types>,
}

impl Demand {
    /// Everything that the junctors of a node talk about.
    pub(super) fn of(node: &Tree) -> Self {
        let mut all = Self::default();
        for schema in joined(node) {
            all.add(schema);
        }
        all
    }

    fn add(&mut self, schema: &Tree) {
        for (key, property) in schema
            .at(&["properties"])
            .and_then(Tree::as_object)
            .into_iter()
            .flatten()
        {
            self.properties
                .entry(key.to_owned())
                .or_default()
                .add(property);
        }
        if let Some(items) = schema
            .at(&["items"])
            .filter(|items| items.as_object().is_some())
        {
            self.items.get_or_insert_default().add(items);
        }
        for schema in joined(schema) {
            self.add(schema);
        }
    }

    /// The types that every value has for which the junctors of a node hold.
    pub(super) fn certain(node: &Tree) -> Self {
        let mut all = Self::default();
        for schema in list(node, "allOf") {
            all.and(Self::certain_of(schema));
        }
        for junctor in ["anyOf", "oneOf"] {
            let mut alternatives = list(node, junctor).iter().map(Self::certain_of);
            if let Some(first) = alternatives.next() {
                all.and(alternatives.fold(first, Self::or));
            }
        }
        all
    }

    fn certain_of(schema: &Tree) -> Self {
        let mut all = Self::certain(schema);
        let properties = schema
            .at(&["properties"])
            .and_then(Tree::as_object)
            .into_iter()
            .flatten();
        all.and(Self {
            properties: properties
                .map(|(key, property)| (key.to_owned(), Self::certain_of(property)))
                .collect(),
            items: schema
                .at(&["items"])
                .map(|items| Box::new(Self::certain_of(items))),
            types: keyword::types(schema),
        });
        all
    }

    fn and(&mut self, other: Self) {
        for (key, property) in other.properties {
            self.properties.entry(key).or_default().and(property);
        }
        if let Some(items) = other.items {
            self.items.get_or_insert_default().and(*items);
        }
        self.types = self.types.take().or(other.types);
    }

    fn or(mut self, mut other: Self) -> Self {
        let properties = std::mem::take(&mut self.properties);
        Self {
            properties: properties
                .into_iter()
                .filter_map(|(key, property)| {
                    Some((property, other.properties.swap_remove(&key)?, key))
                })
                .map(|(property, more, key)| (key, property.or(more)))
                .collect(),
            items: match (self.items, other.items) {
                (Some(items), Some(more)) => Some(Box::new(items.or(*more))),
                _ => None,
            },
            types: match (self.types, other.types) {
                (Some(mut types), Some(more)) => {
                    types.extend(more);
                    Some(types)
                }
                _ => None,
            },
        }
    }

    /// Writes what the node does not know. Source: `validateStructuralCompleteness`.
    pub(super) fn meet(&self, node: &mut Node<'_>, hints: Option<&Self>, resource: bool) {
        const REASON: &str = "what a junctor talks about must stand outside as well";
        let resource = resource || is_true(node.tree(), EMBEDDED);
        for (key, demand) in &self.properties {
            let hints = hints.and_then(|hints| hints.properties.get(key));
            let path = ["properties", key.as_str()];
            if node.get(&path).and_then(Tree::as_object).is_some() {
                node.at(&path, |property| demand.meet(property, hints, false));
            } else {
                let mut schema = demand.schema(hints);
                if resource && matches!(key.as_str(), "apiVersion" | "kind") {
                    for flag in [PRESERVE, INT_OR_STRING] {
                        schema.remove(&[flag]);
                    }
                    schema.set(&["type"], "string".into());
                }
                node.set(&path, schema, REASON);
            }
        }
        let Some(demand) = &self.items else { return };
        let hints = hints.and_then(|hints| hints.items.as_deref());
        if node.get(&["items"]).and_then(Tree::as_object).is_some() {
            node.at(&["items"], |items| demand.meet(items, hints, false));
        } else {
            node.set(&["items"], demand.schema(hints), REASON);
        }
    }

    /// A schema that takes whatever the junctors may take, with the properties and items that they talk about.
    fn schema(&self, hints: Option<&Self>) -> Tree {
        let guess = hints
            .and_then(|hints| hints.types.as_ref())
            .map_or(Guess::Anything, keyword::guess_of);
        let mut schema = match guess {
            Guess::Type("object") => {
                let mut schema = anything();
                schema.set(&["type"], "object".into());
                schema
            }
            Guess::Type(known) => map([("type", known.into())]),
            Guess::IntOrString => map([(INT_OR_STRING, true.into())]),
            Guess::Anything => map([(PRESERVE, true.into())]),
        };
        for (key, demand) in &self.properties {
            let hints = hints.and_then(|hints| hints.properties.get(key));
            schema.set(&["properties", key], demand.schema(hints));
        }
        if let Some(demand) = &self.items {
            let hints = hints.and_then(|hints| hints.items.as_deref());
            schema.set(&["items"], demand.schema(hints));
        } else if guess == Guess::Type("array") {
            schema.set(&["items"], anything());
        }
        schema
    }
}

fn list<'a>(schema: &'a Tree, junctor: &str) -> &'a [Tree] {
    schema
        .at(&[junctor])
        .and_then(Tree::as_array)
        .unwrap_or_default()
}

/// The schemas that a schema joins.
fn joined(schema: &Tree) -> impl Iterator<Item = &Tree> {
    ["allOf", "anyOf", "oneOf"]
        .into_iter()
        .flat_map(|junctor| list(schema, junctor))
        .chain(schema.at(&["not"]))
}
