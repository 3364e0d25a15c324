//! What every operation has in common, filled in where the handler did not say it itself.

use std::collections::BTreeSet;

use kernel::Code;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{Access, METHODS, ProblemFault, ProblemSchema, example, operations};
use crate::json_schema::close_alternatives;
use crate::principal::Role;
use crate::problem::{self, status_of};

/// A problem of the edge: its status, the name of its shared response, and the code of its example.
struct Refusal {
    status: u16,
    name: &'static str,
    code: &'static Code,
    description: &'static str,
}

const MALFORMED: Refusal = Refusal {
    status: 400,
    name: "Malformed",
    code: &problem::MALFORMED_JSON,
    description: "The request cannot be read.",
};
const UNAUTHENTICATED: Refusal = Refusal {
    status: 401,
    name: "Unauthenticated",
    code: &problem::UNAUTHENTICATED,
    description: "Nobody is signed in, or the token is not valid any more.",
};
const FORBIDDEN: Refusal =
    Refusal { status: 403, name: "Forbidden", code: &problem::FORBIDDEN, description: "The role does not allow it." };
const NOT_FOUND: Refusal = Refusal {
    status: 404,
    name: "NotFound",
    code: &problem::NOT_FOUND,
    description: "There is nothing under this id, or it is not the caller's to see.",
};
const IN_PROGRESS: Refusal = Refusal {
    status: 409,
    name: "Conflict",
    code: &problem::REQUEST_IN_PROGRESS,
    description: "The state does not permit it, or the first request with this Idempotency-Key still runs.",
};
const STALE: Refusal = Refusal {
    status: 412,
    name: "Stale",
    code: &problem::STALE,
    description: "If-Match names another version; `version` is the current one.",
};
const TOO_LARGE: Refusal =
    Refusal { status: 413, name: "TooLarge", code: &problem::TOO_LARGE, description: "The body is above the limit." };
const MEDIA_TYPE: Refusal = Refusal {
    status: 415,
    name: "UnsupportedMediaType",
    code: &problem::UNSUPPORTED_MEDIA_TYPE,
    description: "The route does not read this media type, or no compressed body.",
};
const INVALID: Refusal = Refusal {
    status: 422,
    name: "Invalid",
    code: &problem::INVALID,
    description: "The request breaks rules; `errors` lists every place.",
};
const IF_MATCH: Refusal = Refusal {
    status: 428,
    name: "IfMatchRequired",
    code: &problem::IF_MATCH_REQUIRED,
    description: "If-Match is missing.",
};
const TOO_MANY: Refusal = Refusal {
    status: 429,
    name: "TooMany",
    code: &problem::RATE_LIMITED,
    description: "Too many requests of this caller; Retry-After says when to come back.",
};
const INTERNAL: Refusal = Refusal {
    status: 500,
    name: "Internal",
    code: &problem::INTERNAL,
    description: "Our fault; only the id is shown.",
};
const UNAVAILABLE: Refusal = Refusal {
    status: 503,
    name: "Unavailable",
    code: &problem::OVERLOADED,
    description: "Overloaded, or something that the answer needs is away; Retry-After says when to come back.",
};

const ALL: [&Refusal; 13] = [
    &MALFORMED,
    &UNAUTHENTICATED,
    &FORBIDDEN,
    &NOT_FOUND,
    &IN_PROGRESS,
    &STALE,
    &TOO_LARGE,
    &MEDIA_TYPE,
    &INVALID,
    &IF_MATCH,
    &TOO_MANY,
    &INTERNAL,
    &UNAVAILABLE,
];

/// What a stale change is told besides.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used: `Stale` says its members itself")]
struct CurrentVersion {
    /// The version that stands.
    #[schema(example = 3)]
    version: i64,
}

/// The schema of a problem and the shared responses, shaped as a document to be merged.
pub(super) fn shared_components() -> Value {
    let mut schemas = Map::new();
    schemas.insert(ProblemSchema::name().into_owned(), schema_of::<ProblemSchema>());
    schemas.insert(ProblemFault::name().into_owned(), schema_of::<ProblemFault>());
    schemas.insert(CurrentVersion::name().into_owned(), schema_of::<CurrentVersion>());
    let responses: Map<String, Value> =
        ALL.iter().map(|refusal| (refusal.name.to_owned(), response(refusal))).collect();
    json!({ "components": { "schemas": schemas, "responses": responses } })
}

fn schema_of<T: utoipa::PartialSchema>() -> Value {
    serde_json::to_value(T::schema()).unwrap_or_default()
}

fn response(refusal: &Refusal) -> Value {
    let code = refusal.code;
    let mut response = json!({
        "description": refusal.description,
        "content": { "application/problem+json": {
            "schema": { "$ref": "#/components/schemas/Problem" },
            "example": {
                "type": format!("urn:samovar:error:{}", code.code),
                "title": code.title.en,
                "status": status_of(code.kind).as_u16(),
                "code": code.code,
                "hint": code.hint.en,
                "request_id": "req_01h455vb4pex5vsknk084sn02q",
            },
        } },
    });
    if refusal.status == STALE.status {
        let content = &mut response["content"]["application/problem+json"];
        content["schema"] = json!(super::Refusal::new(refusal.code).with::<CurrentVersion>().schema());
        content["example"]["version"] = json!(3);
    }
    if refusal.status == UNAUTHENTICATED.status {
        response["headers"] = json!({ "WWW-Authenticate": {
            "description": "How to sign in: `Bearer`.", "required": true, "schema": { "type": "string" },
        } });
    }
    if matches!(refusal.status, 429 | 503) {
        response["headers"] = json!({ "Retry-After": {
            "description": "Seconds to wait.", "required": true, "schema": { "type": "integer", "minimum": 0 },
        } });
    }
    response
}

/// Fills in every operation of the document.
pub(super) fn complete(root: &mut Value, access: &impl Fn(&str, &str) -> Option<Access>) {
    close_requests(root);
    let schemas = root.clone();
    let Some(paths) = root.get_mut("paths").and_then(Value::as_object_mut) else { return };
    for (path, item) in paths {
        for method in METHODS {
            let Some(operation) = item.get_mut(method).and_then(Value::as_object_mut) else { continue };
            set_access(operation, access(&method.to_uppercase(), path).as_ref());
            add_refusals(operation, path);
            add_headers(operation);
            example::add_examples(&schemas, operation);
        }
    }
}

/// Closes the alternatives in the schemas of request bodies, as their readers are closed.
fn close_requests(root: &mut Value) {
    let bodies: Vec<Value> =
        operations(root).into_iter().map(|(_, _, operation)| operation["requestBody"].clone()).collect();
    let mut waiting: Vec<String> = bodies.iter().flat_map(referred).collect();
    let mut seen = BTreeSet::new();
    while let Some(place) = waiting.pop() {
        if let Some(schema) = root.pointer_mut(place.trim_start_matches('#')).filter(|_| seen.insert(place.clone())) {
            close_alternatives(schema);
            waiting.extend(referred(schema));
        }
    }
}

/// The places that a schema refers to.
fn referred(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(members.values().flat_map(referred)).collect()
        }
        Value::Array(items) => items.iter().flat_map(referred).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// Says who may: as security, as a line for people, and as `x-roles` for programs.
fn set_access(operation: &mut Map<String, Value>, access: Option<&Access>) {
    let Some(access) = access else { return };
    let (security, roles, words) = match access {
        Access::Public => (json!([]), vec!["public"], "Open to everybody.".to_owned()),
        Access::SignedIn => {
            (json!([{ "bearer": [] }]), vec![Role::Guest.as_str()], "For everybody who is signed in.".to_owned())
        }
        Access::Roles(roles) => {
            let roles: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
            let words = format!("Roles: {}.", roles.join(", "));
            (json!([{ "bearer": [] }]), roles, words)
        }
    };
    operation.insert("security".into(), security);
    operation.insert("x-roles".into(), json!(roles));
    let described = operation.get("description").and_then(Value::as_str).unwrap_or_default();
    let description = if described.is_empty() { words } else { format!("{described}\n\n{words}") };
    operation.insert("description".into(), description.into());
}

fn add_refusals(operation: &mut Map<String, Value>, path: &str) {
    // A query may be wrong everywhere: where no parameter is documented, every one is.
    let mut refusals = vec![&MALFORMED, &UNAUTHENTICATED, &INVALID, &TOO_MANY, &INTERNAL, &UNAVAILABLE];
    if operation.get("security").is_some_and(|security| *security != json!([])) {
        refusals.push(&FORBIDDEN);
    }
    if path.contains('{') {
        refusals.push(&NOT_FOUND);
    }
    if operation.contains_key("requestBody") {
        refusals.extend([&TOO_LARGE, &MEDIA_TYPE]);
    }
    if has_header(operation, "Idempotency-Key") {
        refusals.push(&IN_PROGRESS);
    }
    if has_header(operation, "If-Match") {
        refusals.extend([&STALE, &IF_MATCH]);
    }
    let responses = responses(operation);
    for refusal in refusals {
        let reference = json!({ "$ref": format!("#/components/responses/{}", refusal.name) });
        responses.entry(refusal.status.to_string()).or_insert(reference);
    }
}

/// The headers of the successes, and 304.
fn add_headers(operation: &mut Map<String, Value>) {
    let text = |words: &str| json!({ "description": words, "schema": { "type": "string" } });
    let mut headers = Vec::new();
    if has_header(operation, "Idempotency-Key") {
        headers.push(("Idempotent-Replayed", text("`true` when this answer was given before.")));
    }
    let is_conditional = has_header(operation, "If-None-Match");
    if is_conditional || has_header(operation, "If-Match") {
        headers.push(("ETag", text("Names this version of the answer.")));
    }
    let responses = responses(operation);
    if is_conditional {
        responses.entry("304").or_insert(json!({ "description": "The caller has the current answer already." }));
    }
    for (_, response) in responses.iter_mut().filter(|(status, _)| status.starts_with('2')) {
        for (name, header) in &headers {
            if let Some(response) = response.as_object_mut() {
                let known = response.entry("headers").or_insert_with(|| json!({}));
                known[*name] = header.clone();
            }
        }
    }
}

fn responses(operation: &mut Map<String, Value>) -> &mut Map<String, Value> {
    let responses = operation.entry("responses").or_insert_with(|| json!({}));
    if !responses.is_object() {
        *responses = json!({});
    }
    responses.as_object_mut().expect("made an object the line before")
}

fn has_header(operation: &Map<String, Value>, name: &str) -> bool {
    let parameters = operation.get("parameters").and_then(Value::as_array);
    let is_it = |parameter: &Value| {
        parameter["in"] == "header" && parameter["name"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name))
    };
    parameters.into_iter().flatten().any(is_it)
}
