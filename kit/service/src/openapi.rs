//! One OpenAPI 3.1 document out of the services' own, and the pages that show it.
//!
//! A handler documents what only it knows: its summary, its parameters, its body, its success, the conflicts of its
//! trade. What every route has in common is filled in here, from the one place where it is decided: who may (from
//! the policy table), the problems of the edge, the headers that go with `Idempotency-Key`, `If-Match` and
//! `If-None-Match`, examples composed from those of the types.
//!
//! [`ApiDocument::violations`] says what is missing; a test keeps it empty.

mod complete;
mod example;
mod pages;
mod refusals;
mod violations;

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;
use utoipa::{IntoParams, ToSchema};

pub use pages::documentation;
pub use refusals::{Refusal, members_of, one_of};

use crate::principal::Role;

/// Who may use an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Anybody who is signed in.
    SignedIn,
    /// Who holds one of these roles.
    Roles(Vec<Role>),
}

/// What the document says about itself.
#[derive(Clone, Copy, Debug)]
pub struct Outline {
    /// The title.
    pub title: &'static str,
    /// The version of the program.
    pub version: &'static str,
    /// What it is for, and the conventions that every operation follows; Markdown.
    pub description: &'static str,
    /// What stands before every path, `/api/v1`.
    pub base_path: &'static str,
}

/// The whole document.
#[derive(Clone, Debug)]
pub struct ApiDocument {
    root: Value,
    /// Two services that use one name for different things; reported with the violations.
    collisions: Vec<String>,
}

impl ApiDocument {
    /// Puts the services' documents together. `access` is asked for every operation by method (upper case) and path
    /// (with `{parameters}`, below the base path); an operation without an answer is a violation.
    #[must_use]
    pub fn assemble(
        outline: &Outline,
        parts: impl IntoIterator<Item = OpenApi>,
        access: impl Fn(&str, &str) -> Option<Access>,
    ) -> Self {
        let mut document = Self { root: frame(outline), collisions: Vec::new() };
        for part in parts {
            document.merge(&serde_json::to_value(part).unwrap_or_default());
        }
        document.merge(&complete::shared_components());
        document.put_well_known_at_the_root();
        complete::complete(&mut document.root, &access);
        document
    }

    /// The document as it is committed and served.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(&self.root).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The document as data.
    #[must_use]
    pub fn as_value(&self) -> &Value {
        &self.root
    }

    /// Every operation as method (upper case) and path, in the order of the document.
    #[must_use]
    pub fn operations(&self) -> Vec<(String, String)> {
        let named = |(method, path, _): (&str, &str, &Value)| (method.to_uppercase(), path.to_owned());
        operations(&self.root).into_iter().map(named).collect()
    }

    /// What a reader of the document would miss; empty is what a test asks for.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        let mut found = self.collisions.clone();
        found.extend(violations::violations(&self.root));
        found
    }

    /// What RFC 8615 puts at the root does not stand below the base path.
    fn put_well_known_at_the_root(&mut self) {
        let Some(Value::Object(paths)) = self.root.pointer_mut("/paths") else { return };
        for (_, item) in paths.iter_mut().filter(|(path, _)| path.starts_with("/.well-known/")) {
            item["servers"] = json!([{ "url": "/" }]);
        }
    }

    fn merge(&mut self, part: &Value) {
        for (group, name) in
            [("/paths", "path"), ("/components/schemas", "schema"), ("/components/responses", "response")]
        {
            let Some(Value::Object(members)) = part.pointer(group) else { continue };
            let Some(Value::Object(known)) = self.root.pointer_mut(group) else { continue };
            for (key, value) in members {
                if let Some(collision) = add(known, key, value) {
                    self.collisions.push(format!("two services have a different {name} {collision}"));
                }
            }
        }
    }
}

/// Adds one path, schema or response. Two operations of one path go together; anything else of one name must be equal.
fn add(known: &mut Map<String, Value>, key: &str, value: &Value) -> Option<String> {
    match (known.get_mut(key), value) {
        (None, _) => {
            known.insert(key.to_owned(), value.clone());
            None
        }
        (Some(there), _) if there == value => None,
        (Some(Value::Object(there)), Value::Object(more)) if key.starts_with('/') => {
            let twice = more.keys().find(|method| there.contains_key(*method)).cloned();
            there.extend(more.clone());
            twice.map(|method| format!("{method} {key}"))
        }
        (Some(_), _) => Some(key.to_owned()),
    }
}

fn frame(outline: &Outline) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": outline.title,
            "version": outline.version,
            "description": outline.description,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": outline.base_path }],
        "paths": {},
        "components": {
            "schemas": {},
            "responses": {},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The access token of POST /auth/login.",
                },
            },
        },
    })
}

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "head", "options"];

/// Every operation as method (lower case), path and content.
fn operations(root: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = root.get("paths").and_then(Value::as_object);
    paths
        .into_iter()
        .flatten()
        .flat_map(|(path, item)| {
            let of_path = METHODS.iter().filter_map(move |method| Some((*method, item.get(*method)?)));
            of_path.map(move |(method, operation)| (method, path.as_str(), operation))
        })
        .collect()
}

/// The schema that a reference within the document leads to; the schema itself when it is none.
fn resolved<'d>(root: &'d Value, schema: &'d Value) -> Option<&'d Value> {
    let mut schema = schema;
    // A chain of references that does not end is as good as one that leads nowhere.
    for _ in 0..16 {
        match schema.get("$ref").and_then(Value::as_str) {
            None => return Some(schema),
            Some(place) => schema = root.pointer(place.strip_prefix('#')?)?,
        }
    }
    None
}

/// Documents a required `Idempotency-Key`: `params(IdempotencyKeyHeader)`.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IdempotencyKeyHeader {
    /// A random key for this intention; the same key with the same body gives the same answer again, for 48 hours.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 128,
        pattern = "^[A-Za-z0-9_.:+-]{1,128}$",
        example = "6f2c1d9e-7b3a-4f58-9a61-0c5d2e8b7a14"
    )]
    pub key: String,
}

/// Documents an `Idempotency-Key` that is honoured: `params(OptionalIdempotencyKeyHeader)`.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct OptionalIdempotencyKeyHeader {
    /// A random key for this intention; the same key with the same body gives the same answer again, for 48 hours.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 128,
        pattern = "^[A-Za-z0-9_.:+-]{1,128}$",
        example = "6f2c1d9e-7b3a-4f58-9a61-0c5d2e8b7a14"
    )]
    pub key: Option<String>,
}

/// Documents a required `If-Match`: `params(IfMatchHeader)`.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IfMatchHeader {
    /// The `ETag` of the version that the change was made on.
    #[param(rename = "If-Match", example = "\"17\"")]
    pub version: String,
}

/// Documents a read that can be asked for conditionally: `params(IfNoneMatchHeader)`.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IfNoneMatchHeader {
    /// The `ETag` of the answer that the caller has; 304 when it still holds.
    #[param(rename = "If-None-Match", example = "W/\"5b0c8f6d2e7a4c19\"")]
    pub tag: Option<String>,
}

/// An error (RFC 9457). Some errors have further members, named where they occur.
#[derive(Debug, ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "only its schema is used: the document is written by `problem`")]
struct ProblemSchema {
    /// A URI that names the kind of error.
    #[schema(rename = "type", example = "urn:samovar:error:http.invalid")]
    kind: String,
    /// What happened, in the language of the request.
    #[schema(example = "The request breaks the rules of this operation")]
    title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 422)]
    status: u16,
    /// The stable name of the error.
    #[schema(example = "http.invalid")]
    code: String,
    /// What is wrong with this very request.
    detail: Option<String>,
    /// What to do about it, in the language of the request.
    #[schema(example = "Mend every place listed in \"errors\".")]
    hint: String,
    /// Names the request in our logs.
    #[schema(example = "req_01h455vb4pex5vsknk084sn02q")]
    request_id: Option<String>,
    /// The places in the request that are wrong: all of them.
    errors: Option<Vec<ProblemFault>>,
}

/// One wrong place.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct ProblemFault {
    /// Where: a JSON pointer into the body; a query parameter is `/name`.
    #[schema(example = "/lines/0/quantity")]
    pointer: String,
    /// What, for programs.
    #[schema(example = "too-small")]
    code: String,
    /// What, for people.
    #[schema(example = "must be at least 1")]
    message: String,
}
