//! The routes of the committed document that write, and the ids that exist.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// A route that writes.
pub(crate) struct Route {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The least of the roles that may.
    pub(crate) role: Option<String>,
    pub(crate) body: Option<Media>,
    /// Its headers, and whether they are required.
    headers: Vec<(String, bool)>,
}

/// What it takes.
pub(crate) enum Media {
    /// JSON, with the example of the document.
    Json(Value),
    /// A file.
    Csv,
}

impl Route {
    pub(crate) fn takes(&self, header: &str) -> bool {
        self.headers.iter().any(|(name, _)| name == header)
    }

    pub(crate) fn needs(&self, header: &str) -> bool {
        self.headers.iter().any(|(name, required)| name == header && *required)
    }

    /// Whether the body's signature is looked at before anything else: without one nothing further is told.
    pub(crate) fn is_signed(&self) -> bool {
        self.path.contains("/callbacks/")
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// Every route of the committed document that is no GET.
pub(crate) fn writing() -> Vec<Route> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts/schemas/openapi.json");
    let document: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["post", "put", "patch", "delete"] {
            if let Some(operation) = item.get(method) {
                routes.push(route(method, path, operation));
            }
        }
    }
    routes
}

fn route(method: &str, path: &str, operation: &Value) -> Route {
    let roles: Vec<&str> = operation["x-roles"].as_array().unwrap().iter().map(|role| role.as_str().unwrap()).collect();
    let least = ["guest", "barista", "manager", "admin"].into_iter().find(|role| roles.contains(role));
    let headers = operation["parameters"].as_array().into_iter().flatten().filter(|p| p["in"] == "header");
    let content = &operation["requestBody"]["content"];
    let json = content.get("application/json").map(|media| Media::Json(media["example"].clone()));
    Route {
        method: method.to_uppercase(),
        path: path.to_owned(),
        role: least.map(str::to_owned),
        body: json.or_else(|| content.get("text/csv").map(|_| Media::Csv)),
        headers: headers.map(|p| (p["name"].as_str().unwrap().to_owned(), p["required"] == true)).collect(),
    }
}

/// Ids that exist, by their prefix.
#[derive(Default)]
pub(crate) struct Ids(BTreeMap<String, String>);

const ID_LEN: usize = 30;

impl Ids {
    /// Takes the ids out of an answer; what was learned last counts.
    pub(crate) fn learn(&mut self, text: &str) {
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| is_id(word)) {
            self.0.insert(word[..4].to_owned(), word.to_owned());
        }
    }

    /// The value with its ids exchanged for those that exist.
    pub(crate) fn known_in(&self, value: &Value) -> Value {
        match value {
            Value::String(text) if is_id(text) => {
                Value::String(self.0.get(&text[..4]).cloned().unwrap_or_else(|| text.clone()))
            }
            Value::Array(items) => items.iter().map(|item| self.known_in(item)).collect(),
            Value::Object(members) => members.iter().map(|(name, v)| (name.clone(), self.known_in(v))).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        }
    }

    /// The path with its parameters filled in.
    pub(crate) fn filled(&self, path: &str) -> String {
        let kind = match path.split('/').nth(1).unwrap_or_default() {
            "auth" if path.contains('{') => "ses_",
            "categories" => "cat_",
            "modifier-groups" => "mdg_",
            "orders" => "ord_",
            "payments" => "pay_",
            "products" => "prd_",
            "shops" => "shp_",
            "users" => "usr_",
            _ => return path.to_owned(),
        };
        let id = self.0.get(kind).unwrap_or_else(|| panic!("nothing is known by the prefix {kind}"));
        path.replace("{id}", id).replace("{item_id}", &self.0["var_"]).replace("{provider}", "sandbox")
    }
}

fn is_id(word: &str) -> bool {
    word.len() == ID_LEN && word.is_ascii() && word.as_bytes()[3] == b'_'
}
