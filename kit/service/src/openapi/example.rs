//! Examples of whole bodies, composed from those of the types: a type that shows one value of itself is shown
//! everywhere it stands.

use serde_json::{Map, Value, json};

use super::resolved;

/// Deeper than this a schema refers to itself.
const DEPTH_MAX: usize = 12;

/// Gives the request body and the successes of an operation an example where they have none.
pub(super) fn add_examples(root: &Value, operation: &mut Map<String, Value>) {
    if let Some(content) = operation.get_mut("requestBody").and_then(|body| body.get_mut("content")) {
        add_to_content(root, content);
    }
    let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
    for (_, response) in responses.into_iter().flatten().filter(|(status, _)| status.starts_with('2')) {
        if let Some(content) = response.get_mut("content") {
            add_to_content(root, content);
        }
    }
}

fn add_to_content(root: &Value, content: &mut Value) {
    for (_, media) in content.as_object_mut().into_iter().flatten() {
        let has_own = media.get("example").is_some() || media.get("examples").is_some();
        let made = media.get("schema").filter(|_| !has_own).and_then(|schema| example_of(root, schema, 0));
        if let (Some(made), Some(media)) = (made, media.as_object_mut()) {
            media.insert("example".into(), made);
        }
    }
}

/// A value of the schema.
fn example_of(root: &Value, schema: &Value, depth: usize) -> Option<Value> {
    if let Some(own) = own_example(schema) {
        return Some(own);
    }
    let schema = resolved(root, schema).filter(|_| depth < DEPTH_MAX)?;
    if let Some(own) = own_example(schema) {
        return Some(own);
    }
    let branches = ["allOf", "oneOf", "anyOf"].iter().find_map(|word| Some((*word, schema.get(word)?.as_array()?)));
    if let Some((word, branches)) = branches {
        return of_branches(root, word, branches, depth);
    }
    match kind_of(schema) {
        "object" => Some(of_object(root, schema, depth)),
        "array" => {
            let item = schema.get("items").and_then(|items| example_of(root, items, depth + 1));
            Some(item.map_or_else(|| json!([]), |item| json!([item])))
        }
        "integer" | "number" => Some(schema.get("minimum").cloned().unwrap_or_else(|| json!(1))),
        "boolean" => Some(json!(true)),
        "null" => Some(Value::Null),
        "string" => Some(json!(of_format(schema))),
        _ => None,
    }
}

fn own_example(schema: &Value) -> Option<Value> {
    let first_of = |word: &str| schema.get(word).and_then(Value::as_array).and_then(|values| values.first()).cloned();
    schema
        .get("example")
        .cloned()
        .or_else(|| first_of("examples"))
        .or_else(|| first_of("enum"))
        .or_else(|| schema.get("const").cloned())
}

/// The type, leaving out null where it may be something else too.
fn kind_of(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null")
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
            if schema.get("properties").is_some() { "object" } else { "" }
        }
    }
}

fn of_branches(root: &Value, word: &str, branches: &[Value], depth: usize) -> Option<Value> {
    let mut made =
        branches.iter().filter_map(|branch| example_of(root, branch, depth + 1)).filter(|value| !value.is_null());
    if word != "allOf" {
        return made.next();
    }
    made.reduce(|all, more| match (all, more) {
        (Value::Object(mut all), Value::Object(more)) => {
            all.extend(more);
            Value::Object(all)
        }
        (all, _) => all,
    })
}

fn of_object(root: &Value, schema: &Value, depth: usize) -> Value {
    let properties = schema.get("properties").and_then(Value::as_object);
    let made = properties
        .into_iter()
        .flatten()
        .filter_map(|(name, property)| Some((name.clone(), example_of(root, property, depth + 1)?)));
    Value::Object(made.collect())
}

fn of_format(schema: &Value) -> &'static str {
    match schema.get("format").and_then(Value::as_str) {
        Some("date-time") => "2026-11-21T10:00:00Z",
        Some("date") => "2026-11-21",
        Some("uri") => "https://example.org/",
        Some("email") => "anna@example.org",
        Some(_) | None => "text",
    }
}
