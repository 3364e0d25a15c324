//! What a reader of the document would miss.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{operations, resolved};
use crate::json_schema::compile;

/// Everything that is missing or wrong, each with the operation it belongs to.
pub(super) fn violations(root: &Value) -> Vec<String> {
    let mut found = dangling_references(root);
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations(root) {
        let mut missing = Vec::new();
        if !operation["operationId"].as_str().is_some_and(|name| names.insert(name.to_owned())) {
            missing.push("has no operationId of its own".to_owned());
        }
        missing.extend(in_words(operation));
        missing.extend(in_parameters(path, operation));
        missing.extend(in_request(root, operation));
        missing.extend(in_responses(root, operation));
        found.extend(missing.into_iter().map(|what| format!("{} {path} {what}", method.to_uppercase())));
    }
    found
}

fn in_words(operation: &Value) -> Vec<String> {
    let mut missing = Vec::new();
    if operation["summary"].as_str().is_none_or(str::is_empty) {
        missing.push("has no summary".to_owned());
    }
    if operation["tags"].as_array().is_none_or(Vec::is_empty) {
        missing.push("has no tag".to_owned());
    }
    if operation["x-roles"].as_array().is_none_or(Vec::is_empty) {
        missing.push("has no row in the policy table".to_owned());
    }
    missing
}

/// The parameters of the template and the documented ones are the same.
fn in_parameters(path: &str, operation: &Value) -> Vec<String> {
    let template: BTreeSet<&str> =
        path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let documented: BTreeSet<&str> = parameters
        .filter(|parameter| parameter["in"] == "path")
        .filter_map(|parameter| parameter["name"].as_str())
        .collect();
    let absent = template.difference(&documented).map(|name| format!("does not document the path parameter {name}"));
    let extra = documented.difference(&template).map(|name| format!("documents {name}, which is not in the path"));
    absent.chain(extra).collect()
}

fn in_request(root: &Value, operation: &Value) -> Vec<String> {
    let content = operation["requestBody"]["content"].as_object();
    let mut missing = Vec::new();
    for (media, body) in content.into_iter().flatten() {
        missing.extend(in_example(root, body).map(|what| format!("request: {what}")));
        let schema = body.get("schema").filter(|_| media.ends_with("json"));
        let open = schema.map(|schema| open_objects(root, schema, "the body")).unwrap_or_default();
        missing.extend(open.into_iter().map(|name| format!("request: {name} takes unknown fields")));
    }
    missing
}

fn in_responses(root: &Value, operation: &Value) -> Vec<String> {
    let mut missing = Vec::new();
    let responses = operation["responses"].as_object().into_iter().flatten();
    let mut successes = 0;
    for (status, response) in responses {
        let response = resolved(root, response).unwrap_or(&Value::Null);
        let content = response.get("content").and_then(Value::as_object);
        if status.starts_with('2') {
            successes += 1;
            missing.extend(in_success(root, status, content));
        } else if status.starts_with(['4', '5']) && content.is_none_or(|c| !c.contains_key("application/problem+json"))
        {
            missing.push(format!("{status} is not a problem document"));
        }
    }
    if successes == 0 {
        missing.push("documents no success".to_owned());
    }
    missing
}

fn in_success(root: &Value, status: &str, content: Option<&Map<String, Value>>) -> Vec<String> {
    match content {
        None if matches!(status, "204" | "202") => Vec::new(),
        None => vec![format!("{status} says nothing about its body")],
        Some(content) => {
            let faults = content.values().filter_map(|body| in_example(root, body));
            faults.map(|what| format!("{status}: {what}")).collect()
        }
    }
}

/// A body has an example, and the example is what the schema says.
fn in_example(root: &Value, body: &Value) -> Option<String> {
    let schema = body.get("schema")?;
    let named = || Some(body.get("examples")?.as_object()?.values().next()?.get("value")?.clone());
    let Some(example) = body.get("example").cloned().or_else(named) else {
        return Some("there is no example".to_owned());
    };
    let mut document = schema.as_object().cloned().unwrap_or_default();
    document.insert("components".to_owned(), json!({ "schemas": root["components"]["schemas"] }));
    match compile(&Value::Object(document)) {
        Err(error) => Some(format!("the schema does not compile: {error}")),
        Ok(validator) => validator
            .iter_errors(&example)
            .next()
            .map(|error| format!("the example breaks the schema at {:?}: {error}", error.instance_path().as_str())),
    }
}

/// The named objects of a request that do not refuse unknown fields.
fn open_objects(root: &Value, schema: &Value, name: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut open = BTreeSet::new();
    let mut waiting = vec![(name.to_owned(), schema)];
    while let Some((name, schema)) = waiting.pop() {
        if let Some(place) = schema.get("$ref").and_then(Value::as_str) {
            let target = root.pointer(place.trim_start_matches('#'));
            let is_new = seen.insert(place.to_owned());
            waiting.extend(
                target.filter(|_| is_new).map(|target| (place.rsplit('/').next().unwrap_or(place).to_owned(), target)),
            );
            continue;
        }
        let is_closed = schema.get("additionalProperties").is_some() || schema.get("unevaluatedProperties").is_some();
        if schema.get("properties").is_some() && !is_closed {
            open.insert(name.clone());
        }
        let inner = match schema {
            Value::Object(members) => {
                members.iter().filter(|(word, _)| !is_data(word)).map(|(_, value)| value).collect()
            }
            Value::Array(items) => items.iter().collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        };
        waiting.extend(inner.into_iter().map(|value| (name.clone(), value)));
    }
    open
}

fn is_data(word: &str) -> bool {
    matches!(word, "example" | "examples" | "default" | "enum" | "const" | "required")
}

/// References that lead nowhere.
fn dangling_references(root: &Value) -> Vec<String> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![root];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(place)) = members.get("$ref")
                    && root.pointer(place.trim_start_matches('#')).is_none()
                {
                    found.insert(format!("{place} leads nowhere"));
                }
                waiting.extend(members.values());
            }
            Value::Array(items) => waiting.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    found.into_iter().collect()
}
