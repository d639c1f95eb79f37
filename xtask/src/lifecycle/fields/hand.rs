//! What the every-field objects do not have: `xtask/data/fields_by_hand.json`.
//!
//! ```json
//! {"shapes": {"Column": {"name": 0, "scale": "Scale"}},
//!  "kinds": {"g/v1alpha1 K": {"like": "g/v1 K", "add": {"spec": {"old": 0}}, "without": ["/spec/new"]},
//!            "g/v1 N": {"metadata": "apps/v1 Deployment/metadata", "columns": "Column"}}}
//! ```
//! A field's value is 0 (not looked into), the name of a shape, `{name}` for a map of free keys to it, a kind with a path, or fields.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Reference, Shape, Shapes};

pub(super) fn add(shapes: &mut Shapes, by_hand: &Map<String, Value>) -> Result<(), String> {
    let object = |name: &str| {
        by_hand
            .get(name)
            .and_then(Value::as_object)
            .ok_or_else(|| format!("fields_by_hand.json: no object `{name}`"))
    };
    let named = object("shapes")?;
    // Numbered first: they may hold each other, and themselves.
    let mut names = BTreeMap::new();
    for name in named.keys() {
        shapes.list.push(Shape::new());
        names.insert(name.as_str(), shapes.list.len() as Reference);
    }
    let mut hand = Hand { shapes, names };
    for (name, fields) in named {
        let shape = hand.fields(fields)?;
        let number = hand.names.get(name.as_str()).copied().unwrap_or_default();
        let slot = usize::try_from(number - 1)
            .ok()
            .and_then(|at| hand.shapes.list.get_mut(at));
        if let Some(slot) = slot {
            *slot = shape;
        }
    }
    for (kind, said) in object("kinds")? {
        let number = hand
            .kind(said)
            .map_err(|error| format!("{kind}: {error}"))?;
        if hand.shapes.kinds.insert(kind.clone(), number).is_some() {
            return Err(format!(
                "fields_by_hand.json: {kind} has an every-field object by now; take it out"
            ));
        }
    }
    Ok(())
}

struct Hand<'a> {
    shapes: &'a mut Shapes,
    names: BTreeMap<&'a str, Reference>,
}

impl Hand<'_> {
    fn kind(&mut self, said: &Value) -> Result<Reference, String> {
        let Some(like) = said.get("like").and_then(Value::as_str) else {
            return self.reference(said);
        };
        let mut number = self.at(like)?;
        let without = said.get("without").and_then(Value::as_array);
        for path in without.into_iter().flatten() {
            let path: Vec<&str> = path
                .as_str()
                .unwrap_or_default()
                .split('/')
                .skip(1)
                .collect();
            number = self.without(number, &path)?;
        }
        if let Some(more) = said.get("add") {
            number = self.with(number, more)?;
        }
        Ok(number)
    }

    fn reference(&mut self, value: &Value) -> Result<Reference, String> {
        match value {
            Value::Number(number) if number.as_i64() == Some(0) => Ok(0),
            Value::Object(_) => {
                let shape = self.fields(value)?;
                Ok(self.shapes.intern(shape))
            }
            Value::String(name) => match name.strip_prefix('{').and_then(|n| n.strip_suffix('}')) {
                Some(inner) => Ok(-self.named(inner)?),
                None => self.named(name),
            },
            other => Err(format!("fields_by_hand.json: {other} is no reference")),
        }
    }

    fn named(&self, name: &str) -> Result<Reference, String> {
        match self.names.get(name) {
            Some(number) => Ok(*number),
            None => self.at(name),
        }
    }

    fn fields(&mut self, value: &Value) -> Result<Shape, String> {
        let members = value
            .as_object()
            .ok_or_else(|| format!("fields_by_hand.json: {value} has no fields"))?;
        members
            .iter()
            .map(|(name, value)| Ok((name.clone(), self.reference(value)?)))
            .collect()
    }

    /// `group/version Kind/path`.
    fn at(&self, text: &str) -> Result<Reference, String> {
        let unknown = || format!("fields_by_hand.json: `{text}` is not known");
        let space = text.find(' ').ok_or_else(unknown)?;
        let end = text[space..].find('/').map_or(text.len(), |at| space + at);
        let mut number = *self.shapes.kinds.get(&text[..end]).ok_or_else(unknown)?;
        for name in text[end..].split('/').skip(1) {
            let shape = self.shapes.shape(number).ok_or_else(unknown)?;
            number = *shape.get(name).ok_or_else(unknown)?;
        }
        Ok(number)
    }

    fn with(&mut self, number: Reference, more: &Value) -> Result<Reference, String> {
        let mut shape = self.shapes.shape(number).cloned().unwrap_or_default();
        for (name, value) in more.as_object().into_iter().flatten() {
            let number = match shape.get(name) {
                Some(own) if *own > 0 && value.is_object() => self.with(*own, value)?,
                _ => self.reference(value)?,
            };
            shape.insert(name.clone(), number);
        }
        Ok(self.shapes.intern(shape))
    }

    fn without(&mut self, number: Reference, path: &[&str]) -> Result<Reference, String> {
        let unknown = || format!("fields_by_hand.json: no field `{}`", path.join("/"));
        let mut shape = self.shapes.shape(number).cloned().ok_or_else(unknown)?;
        match path {
            [] => return Err(unknown()),
            [name] => {
                shape.remove(*name).ok_or_else(unknown)?;
            }
            [name, rest @ ..] => {
                let own = *shape.get(*name).ok_or_else(unknown)?;
                shape.insert((*name).to_owned(), self.without(own, rest)?);
            }
        }
        Ok(self.shapes.intern(shape))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn kinds_are_described_by_hand() {
        let mut shapes = Shapes::default();
        let spec = shapes.intern(Shape::from([("a".to_owned(), 0), ("b".to_owned(), 0)]));
        let top = shapes.intern(Shape::from([("spec".to_owned(), spec)]));
        shapes.kinds.insert("g/v1 K".to_owned(), top);
        let by_hand = json!({
            "shapes": {"Props": {"items": "Props", "properties": "{Props}"}},
            "kinds": {
                "g/v1alpha1 K": {"like": "g/v1 K", "add": {"spec": {"b": 0, "c": 0}}, "without": ["/spec/a", "/spec/b"]},
                "g/v1 N": {"schema": "Props", "old": "g/v1 K/spec"},
            },
        });
        add(&mut shapes, by_hand.as_object().unwrap()).unwrap();
        let shape = |kind: &str| json!(shapes.shape(shapes.kinds[kind]).unwrap());
        assert_eq!(shape("g/v1 N"), json!({"schema": 3, "old": 1}));
        assert_eq!(
            json!(shapes.shape(3)),
            json!({"items": 3, "properties": -3})
        );
        let spec = shape("g/v1alpha1 K")["spec"].as_i64().unwrap();
        assert_eq!(json!(shapes.shape(spec as i32)), json!({"b": 0, "c": 0}));
        for broken in [
            json!({"shapes": {}, "kinds": {"g/v1 K": {"a": 0}}}),
            json!({"shapes": {}, "kinds": {"x": {"like": "nobody"}}}),
            json!({"shapes": {}, "kinds": {"x": {"like": "g/v1 K", "without": ["/none"]}}}),
        ] {
            assert!(add(&mut shapes, broken.as_object().unwrap()).is_err());
        }
    }
}
