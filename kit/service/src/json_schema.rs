//! The JSON schema of a request type, compiled once per type, to list everything that is wrong with a body.
//!
//! The schema is the one that stands in the OpenAPI document (`utoipa::ToSchema`), so that what is refused is what is
//! documented.

mod brackets;
pub(crate) mod fault;
mod stand_in;

use std::any::{TypeId, type_name};
use std::collections::HashMap;
use std::sync::{OnceLock, PoisonError, RwLock};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::json_schema::brackets::Brackets;
use crate::problem::{FAULTS_MAX, Fault};

/// What is known of one request type.
#[derive(Debug)]
pub(crate) struct Shape {
    schema: Value,
    type_name: &'static str,
    has_maps: bool,
    brackets: Brackets,
    validator: OnceLock<Option<Validator>>,
}

/// Leaked on purpose, once per type that the program has.
static SHAPES: RwLock<Option<HashMap<TypeId, &'static Shape>>> = RwLock::new(None);

impl Shape {
    /// The shape of `T`.
    pub(crate) fn of<T: ToSchema + 'static>() -> &'static Self {
        let id = TypeId::of::<T>();
        let known =
            SHAPES.read().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(|all| all.get(&id).copied());
        known.unwrap_or_else(|| {
            let shape: &'static Self = Box::leak(Box::new(Self::new(schema_of::<T>(), type_name::<T>())));
            let mut shapes = SHAPES.write().unwrap_or_else(PoisonError::into_inner);
            shapes.get_or_insert_default().entry(id).or_insert(shape)
        })
    }

    fn new(schema: Value, type_name: &'static str) -> Self {
        let (has_maps, brackets) = (may_hold_maps(&schema), Brackets::of(&schema));
        Self { schema, type_name, has_maps, brackets, validator: OnceLock::new() }
    }

    /// Whether a text that serde took may still break the schema: some object of it takes keys that the schema does not
    /// name (serde does not see such a key twice), or it has brackets where this type has none.
    pub(crate) fn may_refuse(&self, text: &str) -> bool {
        self.has_maps || self.brackets.has_stray(text)
    }

    /// Everything that the schema has against the value.
    pub(crate) fn faults(&self, value: &Value) -> Vec<Fault> {
        let Some(validator) = self.validator() else { return Vec::new() };
        let mut faults = Vec::new();
        for error in validator.iter_errors(value) {
            fault::collect(&error, &mut faults);
            if faults.len() >= FAULTS_MAX {
                break;
            }
        }
        faults
    }

    /// Something that the schema takes at this place.
    pub(crate) fn stand_in(&self, pointer: &str) -> Option<Value> {
        stand_in::stand_in(&self.schema, pointer)
    }

    fn validator(&self) -> Option<&Validator> {
        let compiled = self.validator.get_or_init(|| match compile(&self.schema) {
            Ok(validator) => Some(validator),
            // Serde still refuses the body, with one fault instead of all. A test over the document finds this first.
            Err(error) => {
                tracing::error!(schema.of = self.type_name, error, "the schema of a request type does not compile");
                None
            }
        });
        compiled.as_ref()
    }
}

/// Compiles a schema of the document (OpenAPI 3.1 speaks JSON Schema 2020-12).
pub(crate) fn compile(schema: &Value) -> Result<Validator, String> {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .build(schema)
        .map_err(|error| error.to_string())
}

/// The schema of `T` with all that it refers to, as one document.
pub(crate) fn schema_of<T: ToSchema>() -> Value {
    let mut referred = Vec::new();
    T::schemas(&mut referred);
    let root = serde_json::to_value(T::schema()).unwrap_or_default();
    let mut schema = with_components(root, &referred);
    close_alternatives(&mut schema);
    schema
}

/// Closes the branches of alternatives (enums with data) against unknown fields. The schema derived for a struct says
/// that its reader refuses them; the one derived for an enum does not.
pub(crate) fn close_alternatives(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (word, inner) in members.iter_mut().filter(|(word, _)| is_schema(word)) {
                if word == "oneOf" {
                    inner.as_array_mut().into_iter().flatten().for_each(close_branch);
                }
                close_alternatives(inner);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close_alternatives),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn close_branch(branch: &mut Value) {
    let Some(members) = branch.as_object_mut() else { return };
    if members.contains_key("allOf") {
        members.entry("unevaluatedProperties").or_insert(Value::Bool(false));
    } else if members.contains_key("properties") {
        members.entry("additionalProperties").or_insert(Value::Bool(false));
    }
}

/// A schema beside the schemas that its references name (`#/components/schemas/…`).
pub(crate) fn with_components<S: serde::Serialize>(root: Value, referred: &[(String, S)]) -> Value {
    let schemas: Map<String, Value> = referred
        .iter()
        .map(|(name, schema)| (name.clone(), serde_json::to_value(schema).unwrap_or_default()))
        .collect();
    let mut document = match root {
        Value::Object(members) => members,
        // A schema is an object; anything else says nothing and permits everything.
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    };
    document.insert("components".to_owned(), serde_json::json!({ "schemas": schemas }));
    Value::Object(document)
}

/// Whether any object schema inside is open. `components` holds only what is referred to.
fn may_hold_maps(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => {
            let is_object = members.get("type").is_some_and(|kind| kind == "object" || lists_object(kind));
            let is_open = is_object && members.get("additionalProperties") != Some(&Value::Bool(false));
            let is_anything = members.is_empty();
            let has_named = members.contains_key("properties");
            is_anything
                || (is_open && !has_named)
                || members.iter().any(|(name, inner)| is_schema(name) && may_hold_maps(inner))
        }
        Value::Array(items) => items.iter().any(may_hold_maps),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Members of a schema that hold data rather than schemas.
fn is_schema(member: &str) -> bool {
    !matches!(member, "example" | "examples" | "default" | "enum" | "const" | "discriminator" | "required")
}

fn lists_object(kind: &Value) -> bool {
    kind.as_array().is_some_and(|kinds| kinds.iter().any(|one| one == "object"))
}
