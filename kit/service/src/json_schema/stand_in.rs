//! A value that a schema takes, for a place whose own value it does not take.

use serde_json::{Map, Value, json};

use crate::body::unescaped;

/// References and nesting are followed so far; a schema may name itself.
const DEPTH_MAX: usize = 16;

/// Something that the schema takes at this place; nothing if it knows no such place, or nothing comes to mind.
pub(super) fn stand_in(document: &Value, pointer: &str) -> Option<Value> {
    let mut steps = pointer.split('/').skip(1).map(unescaped);
    let place = steps.try_fold(document, |schema, step| inside(document, schema, &step, DEPTH_MAX))?;
    made(document, place, DEPTH_MAX)
}

/// The schema of a member or an item.
fn inside<'d>(document: &'d Value, schema: &'d Value, step: &str, depth: usize) -> Option<&'d Value> {
    let (depth, schema) = (depth.checked_sub(1)?, resolved(document, schema));
    let member = schema.get("properties").and_then(|members| members.get(step));
    let item = || schema.get("items").filter(|_| step.parse::<usize>().is_ok());
    let other = || schema.get("additionalProperties").filter(|others| others.is_object());
    member.or_else(item).or_else(other).or_else(|| {
        let mut branches = ["allOf", "anyOf", "oneOf"].iter().filter_map(|word| schema.get(word)?.as_array()).flatten();
        branches.find_map(|branch| inside(document, branch, step, depth))
    })
}

fn resolved<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    let reference = schema.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
    reference.and_then(|pointer| document.pointer(pointer)).unwrap_or(schema)
}

fn made(document: &Value, schema: &Value, depth: usize) -> Option<Value> {
    let (depth, schema) = (depth.checked_sub(1)?, resolved(document, schema));
    let first = |word: &str| schema.get(word)?.as_array()?.first();
    let named = schema.get("example").or_else(|| first("examples")).or_else(|| schema.get("default"));
    if let Some(named) = named.or_else(|| schema.get("const")).or_else(|| first("enum")) {
        return Some(named.clone());
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        let mut whole = Map::new();
        for part in parts {
            whole.extend(made(document, part, depth)?.as_object()?.clone());
        }
        return Some(Value::Object(whole));
    }
    let branches = ["anyOf", "oneOf"].iter().find_map(|word| schema.get(word)?.as_array());
    if let Some(branches) = branches {
        return branches.iter().filter_map(|branch| made(document, branch, depth)).max_by_key(|value| !value.is_null());
    }
    of_type(document, schema, depth)
}

fn of_type(document: &Value, schema: &Value, depth: usize) -> Option<Value> {
    let kind = schema.get("type")?;
    let kinds = kind.as_array().map_or_else(|| std::slice::from_ref(kind), Vec::as_slice);
    let number = |word: &str| schema.get(word).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
    match kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null")? {
        "object" => {
            let required = schema.get("required").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let members = required.iter().filter_map(Value::as_str).map(|name| {
                let member = inside(document, schema, name, depth)?;
                Some((name.to_owned(), made(document, member, depth)?))
            });
            members.collect::<Option<Map<_, _>>>().map(Value::Object)
        }
        "array" => {
            let item = || made(document, schema.get("items")?, depth);
            (0..number("minItems").unwrap_or(0)).map(|_| item()).collect::<Option<Vec<_>>>().map(Value::Array)
        }
        "string" => text(schema, number("minLength").unwrap_or(1)).map(Value::String),
        "integer" | "number" => {
            let bound = |word: &str| schema.get(word).filter(|bound| bound.is_number()).cloned();
            Some(bound("minimum").or_else(|| bound("maximum")).unwrap_or_else(|| json!(1)))
        }
        "boolean" => Some(json!(false)),
        _ => None,
    }
}

/// A text of a format; one that has to fit a pattern has an example instead.
fn text(schema: &Value, min_chars: usize) -> Option<String> {
    if schema.get("pattern").is_some() {
        return None;
    }
    match schema.get("format").and_then(Value::as_str) {
        Some("date-time") => Some("2026-01-01T00:00:00Z".to_owned()),
        Some("date") => Some("2026-01-01".to_owned()),
        Some("email") => Some("somebody@example.org".to_owned()),
        Some("uri") => Some("https://example.org/".to_owned()),
        Some(_) | None => Some("x".repeat(min_chars.max(1))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::stand_in;

    #[test]
    fn what_stands_in_is_what_the_schema_takes() {
        let schema = json!({
            "properties": {
                "shop": {"$ref": "#/components/schemas/Shop"},
                "lines": {"type": "array", "minItems": 2, "items": {"type": "object", "required": ["n", "of"], "properties": {
                    "n": {"type": "integer", "minimum": 3}, "of": {"type": ["null", "string"], "minLength": 2},
                    "tree": {"$ref": "#/components/schemas/Tree"}}}},
                "at": {"oneOf": [{"type": "null"}, {"type": "string", "format": "date-time"}]},
                "code": {"type": "string", "pattern": "^[A-Z]$"},
            },
            "components": {"schemas": {
                "Shop": {"type": "string", "pattern": "^s$", "examples": ["s"]},
                "Tree": {"type": "object", "required": ["of"], "properties": {"of": {"$ref": "#/components/schemas/Tree"}}},
            }},
        });
        let line = json!({"n": 3, "of": "xx"});

        for (pointer, value) in [
            ("/shop", Some(json!("s"))),
            ("/lines", Some(json!([line, line]))),
            ("/lines/7", Some(line.clone())),
            ("/lines/0/n", Some(json!(3))),
            ("/at", Some(json!("2026-01-01T00:00:00Z"))),
            ("/code", None),
            ("/nobody", None),
            ("/lines/0/tree", None),
        ] {
            assert_eq!(stand_in(&schema, pointer), value, "{pointer}");
        }
    }
}
