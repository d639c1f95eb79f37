//! The part of OpenAPI validation that the server applies to custom resources.

use super::{SchemaFailure, SchemaVerdict, Trail};
use crate::model::{Tree, TreeMap};

/// Lists what the schema refuses about a value.
pub(in crate::conversion) fn validate(
    schema: &Tree,
    value: &Tree,
    trail: &mut Trail,
    failures: &mut Vec<SchemaFailure>,
) {
    let Some(keywords) = schema.as_object() else {
        return;
    };
    let mut refuse =
        |trail: &Trail, reason: String| failures.push(trail.says(SchemaVerdict::Refused, reason));
    if let Some(reason) = wrong_type(keywords, value) {
        refuse(trail, reason);
    }
    if let Some(reason) = not_listed(keywords, value) {
        refuse(trail, reason);
    }
    if value.is_null() {
        return;
    }
    for reason in bounds(keywords, value) {
        refuse(trail, reason);
    }
    junctors(keywords, value, trail, failures);
    match value {
        Tree::Object(members) => object(keywords, members, trail, failures),
        Tree::Array(items) => array(keywords, items, trail, failures),
        _ => {}
    }
}

fn get<'a>(keywords: &'a TreeMap, keyword: &str) -> Option<&'a Tree> {
    keywords.get(keyword).filter(|value| !value.is_null())
}

fn is_true(keywords: &TreeMap, keyword: &str) -> bool {
    get(keywords, keyword).and_then(Tree::as_bool) == Some(true)
}

fn number(value: &Tree) -> Option<f64> {
    match value {
        Tree::Number(number) => number.as_str().parse().ok(),
        _ => None,
    }
}

fn is_integer(value: &Tree) -> bool {
    // Source: go-openapi takes a float without a fraction for an integer.
    value.as_i64().is_some() || number(value).is_some_and(|number| number.fract() == 0.0)
}

fn type_of(value: &Tree) -> &'static str {
    match value {
        Tree::Null => "null",
        Tree::Bool(_) => "a boolean",
        Tree::Number(_) if is_integer(value) => "an integer",
        Tree::Number(_) => "a number",
        Tree::String(_) => "a string",
        Tree::Array(_) => "an array",
        Tree::Object(_) => "an object",
    }
}

fn wrong_type(keywords: &TreeMap, value: &Tree) -> Option<String> {
    let text = get(keywords, "type")
        .and_then(Tree::as_str)
        .unwrap_or_default();
    let (wanted, fits) = match text {
        _ if is_true(keywords, "x-kubernetes-int-or-string") => (
            "an integer or a string",
            is_integer(value) || value.as_str().is_some(),
        ),
        "object" => ("an object", value.as_object().is_some()),
        "array" => ("an array", value.as_array().is_some()),
        "string" => ("a string", value.as_str().is_some()),
        "boolean" => ("a boolean", value.as_bool().is_some()),
        "integer" => ("an integer", is_integer(value)),
        "number" => ("a number", number(value).is_some()),
        // Source: `typeValidator`: a format stands for a type where there is none.
        "" if is_text_format(keywords) => (
            "text",
            value.is_null() || value.as_str().is_some() || value.as_array().is_some(),
        ),
        _ => return None,
    };
    let fits = fits || (value.is_null() && is_true(keywords, "nullable"));
    (!fits).then(|| format!("must be {wanted}, is {}", type_of(value)))
}

/// Whether the schema has a format that the server knows for strings. Source: `supportedVersionedFormats`.
fn is_text_format(keywords: &TreeMap) -> bool {
    const FORMATS: [&str; 24] = [
        "bsonobjectid",
        "uri",
        "email",
        "hostname",
        "ipv4",
        "ipv6",
        "cidr",
        "mac",
        "uuid",
        "uuid3",
        "uuid4",
        "uuid5",
        "isbn",
        "isbn10",
        "isbn13",
        "creditcard",
        "ssn",
        "hexcolor",
        "rgbcolor",
        "byte",
        "password",
        "date",
        "duration",
        "datetime",
    ];
    get(keywords, "format")
        .and_then(Tree::as_str)
        .is_some_and(|format| FORMATS.contains(&format.replace('-', "").as_str()))
}

fn same(left: &Tree, right: &Tree) -> bool {
    match (left, right) {
        (Tree::Number(_), Tree::Number(_)) => left == right || number(left) == number(right),
        (Tree::Array(left), Tree::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| same(left, right))
        }
        (Tree::Object(left), Tree::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, value)| right.get(key).is_some_and(|other| same(value, other)))
        }
        _ => left == right,
    }
}

fn not_listed(keywords: &TreeMap, value: &Tree) -> Option<String> {
    let listed = get(keywords, "enum")?.as_array()?;
    // Source: `basicCommonValidator`: null equals no entry, not even null; a number is cut to the type of the entry.
    let cut = |entry: &Tree| {
        entry.as_i64().is_some()
            && number(value).is_some_and(|value| number(entry) == Some(value.trunc()))
    };
    let fits = listed.is_empty()
        || (!value.is_null() && listed.iter().any(|entry| same(entry, value) || cut(entry)));
    (!fits).then(|| "is not one of the values that the schema lists".to_owned())
}

fn length(value: &Tree) -> Option<(&'static str, usize)> {
    match value {
        Tree::String(text) => Some(("Length", text.chars().count())),
        Tree::Array(items) => Some(("Items", items.len())),
        Tree::Object(members) => Some(("Properties", members.len())),
        _ => None,
    }
}

fn bounds(keywords: &TreeMap, value: &Tree) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Some((what, length)) = length(value) {
        for (bound, fits) in [
            (
                "min",
                (|bound, length| length >= bound) as fn(i64, i64) -> bool,
            ),
            ("max", |bound, length| length <= bound),
        ] {
            let keyword = format!("{bound}{what}");
            let Some(bound) = get(keywords, &keyword).and_then(Tree::as_i64) else {
                continue;
            };
            if i64::try_from(length).is_ok_and(|length| !fits(bound, length)) {
                reasons.push(format!("{keyword} is {bound}, has {length}"));
            }
        }
    }
    if let Some(value) = number(value) {
        let exclusive = |keyword| is_true(keywords, keyword);
        if let Some(bound) = get(keywords, "minimum").and_then(number)
            && (value < bound || (value == bound && exclusive("exclusiveMinimum")))
        {
            reasons.push(format!("is below the minimum of {bound}"));
        }
        if let Some(bound) = get(keywords, "maximum").and_then(number)
            && (value > bound || (value == bound && exclusive("exclusiveMaximum")))
        {
            reasons.push(format!("is above the maximum of {bound}"));
        }
        if let Some(factor) = get(keywords, "multipleOf").and_then(number)
            && factor >= 1.0
            && factor.fract() == 0.0
            && value % factor != 0.0
        {
            reasons.push(format!("is not a multiple of {factor}"));
        }
    }
    reasons
}

fn object(
    keywords: &TreeMap,
    members: &TreeMap,
    trail: &mut Trail,
    failures: &mut Vec<SchemaFailure>,
) {
    let required = get(keywords, "required")
        .and_then(Tree::as_array)
        .unwrap_or_default();
    for key in required.iter().filter_map(Tree::as_str) {
        if !members.contains_key(key) {
            failures.push(trail.within(key, |trail| {
                trail.says(SchemaVerdict::Refused, "is required")
            }));
        }
    }
    let properties = get(keywords, "properties").and_then(Tree::as_object);
    let more = get(keywords, "additionalProperties");
    for (key, value) in members {
        let schema = properties.and_then(|properties| properties.get(key));
        trail.within(key, |trail| match (schema, more) {
            (Some(schema), _) => validate(schema, value, trail, failures),
            (None, Some(Tree::Bool(false))) => {
                failures.push(trail.says(SchemaVerdict::Refused, "no such field is allowed"));
            }
            (None, Some(schema)) => validate(schema, value, trail, failures),
            (None, None) => {}
        });
    }
}

fn array(keywords: &TreeMap, items: &[Tree], trail: &mut Trail, failures: &mut Vec<SchemaFailure>) {
    if let Some(schema) = get(keywords, "items") {
        for (at, item) in items.iter().enumerate() {
            trail.within(&at.to_string(), |trail| {
                validate(schema, item, trail, failures)
            });
        }
    }
    let keys: Vec<&str> = match get(keywords, "x-kubernetes-list-type").and_then(Tree::as_str) {
        Some("set") => Vec::new(),
        Some("map") => get(keywords, "x-kubernetes-list-map-keys")
            .and_then(Tree::as_array)
            .unwrap_or_default()
            .iter()
            .filter_map(Tree::as_str)
            .collect(),
        _ => return,
    };
    let identity = |item: &Tree| -> Tree {
        if keys.is_empty() {
            return item.clone();
        }
        keys.iter()
            .filter_map(|key| Some((*key, item.at(&[key])?.clone())))
            .collect()
    };
    let mut seen: Vec<Tree> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let item = identity(item);
        if seen.contains(&item) {
            failures.push(trail.within(&at.to_string(), |trail| {
                trail.says(
                    SchemaVerdict::Refused,
                    "occurs twice in a list whose items must differ",
                )
            }));
        } else {
            seen.push(item);
        }
    }
}

fn junctors(
    keywords: &TreeMap,
    value: &Tree,
    trail: &mut Trail,
    failures: &mut Vec<SchemaFailure>,
) {
    let list = |keyword| {
        get(keywords, keyword)
            .and_then(Tree::as_array)
            .unwrap_or_default()
    };
    let fits = |schema: &Tree, trail: &mut Trail| {
        let mut failures = Vec::new();
        validate(schema, value, trail, &mut failures);
        failures.is_empty()
    };
    let mut reasons = Vec::new();
    let any = list("anyOf");
    if !any.is_empty() && !any.iter().any(|schema| fits(schema, trail)) {
        reasons.push("fits no schema of anyOf");
    }
    let one = list("oneOf");
    if !one.is_empty() && one.iter().filter(|schema| fits(schema, trail)).count() != 1 {
        reasons.push("fits not exactly one schema of oneOf");
    }
    if get(keywords, "not").is_some_and(|schema| fits(schema, trail)) {
        reasons.push("fits the schema that it must not fit");
    }
    for reason in reasons {
        failures.push(trail.says(SchemaVerdict::Refused, reason));
    }
    for schema in list("allOf") {
        validate(schema, value, trail, failures);
    }
}
