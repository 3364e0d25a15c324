//! Which members an answer may show, and to whom: `contracts/schemas/fields.txt`, so that a member that becomes visible
//! to somebody is a line of a difference, not the consequence of a type that two routes share (API3).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::documents::{check, program};

const HEAD: &str = "Every member of every good answer, below the route and those who may have it (guest: whoever is signed in).\nOf what \
does not belong to them nobody is shown anything (docs/routes.md). Made by `cargo xtask docs` from the OpenAPI document.\n";

#[test]
fn committed_documents_fields() {
    let document: Value = serde_json::from_str(&program(&["openapi"])).unwrap();
    let mut text = HEAD.to_owned();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in
            item.as_object().unwrap().iter().filter(|(_, operation)| operation["x-roles"].is_array())
        {
            let members = members_of_answers(&document, operation);
            let roles: Vec<&str> = operation["x-roles"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            text.push_str(&format!("\n{} {path}: {}\n", method.to_uppercase(), roles.join(", ")));
            members.iter().for_each(|member| text.push_str(&format!("  {member}\n")));
        }
    }

    assert!(text.contains("\n  history[].at\n"), "references, lists and schemas of several parts are followed");
    check("contracts/schemas/fields.txt", &text);
}

fn members_of_answers(document: &Value, operation: &Value) -> BTreeSet<String> {
    let mut members = BTreeSet::new();
    let answers = operation["responses"].as_object().unwrap().iter().filter(|(status, _)| status.starts_with('2'));
    for (_, answer) in answers {
        let kinds = answer["content"].as_object().into_iter().flatten();
        kinds.for_each(|(_, kind)| collect(document, &kind["schema"], "", &mut members));
    }
    members
}

/// Adds the paths of all members of a schema: `lines[].name`. A schema that holds itself is followed once.
fn collect(document: &Value, schema: &Value, before: &str, members: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let there = document.pointer(reference.trim_start_matches('#')).expect("the document refers to itself only");
        return collect(document, there, before, members);
    }
    for part in ["allOf", "oneOf", "anyOf"].iter().filter_map(|word| schema[word].as_array()).flatten() {
        collect(document, part, before, members);
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let dot = if before.is_empty() { "" } else { "." };
        let path = format!("{before}{dot}{name}");
        if members.insert(path.clone()) {
            collect(document, member, &path, members);
        }
    }
    if schema["items"].is_object() {
        collect(document, &schema["items"], &format!("{before}[]"), members);
    }
    if schema["additionalProperties"].is_object() {
        members.insert(format!("{before}{{any}}"));
        collect(document, &schema["additionalProperties"], &format!("{before}{{any}}"), members);
    }
}
