//! What the committed OpenAPI document says is what the program does: its examples are taken, and what a refusal has
//! besides its code is what the table of failures says. schemathesis does the rest (`tests/schemathesis.sh`).

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::{Value, json};
use testkit::TestDatabase;

use crate::business::{Asked, Business};
use crate::documents::all_codes;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn document() -> Value {
    serde_json::from_str(include_str!("../../contracts/schemas/openapi.json")).unwrap()
}

/// Every operation as method, path and content.
fn operations(document: &Value) -> Vec<(&'static str, &str, &Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        found.extend(METHODS.iter().map(|method| (*method, path.as_str(), &item[*method])));
    }
    found.retain(|(_, _, operation)| !operation.is_null());
    found
}

/// The schema that a reference leads to.
fn resolved<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema["$ref"].as_str() {
        Some(place) => document.pointer(&place[1..]).unwrap(),
        None => schema,
    }
}

/// The codes that an operation is refused with, and the members that each has besides.
fn alternatives(document: &Value, schema: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let schema = resolved(document, schema);
    let several: Vec<&Value> = match schema["oneOf"].as_array() {
        Some(alternatives) => alternatives.iter().collect(),
        None => vec![schema],
    };
    several.into_iter().filter_map(|alternative| alternative_of(document, alternative)).collect()
}

fn alternative_of(document: &Value, schema: &Value) -> Option<(String, BTreeSet<String>)> {
    let parts: Vec<&Value> = schema["allOf"].as_array()?.iter().map(|part| resolved(document, part)).collect();
    let code = parts.iter().find_map(|part| part["properties"]["code"]["enum"][0].as_str())?;
    let names = |part: &&Value| part["required"].as_array().unwrap().clone();
    // The first part is the problem itself, the second the code.
    let members = parts.iter().skip(2).flat_map(names).map(|name| name.as_str().unwrap().to_owned());
    Some((code.to_owned(), members.collect()))
}

#[test]
fn a_conflict_is_documented_by_its_codes_with_all_that_they_have_besides() {
    let (document, codes) = (document(), all_codes());
    let mut seen = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let Some(response) = operation["responses"].get("409") else { continue };
        if response.get("$ref").is_some() {
            continue;
        }
        let shown = alternatives(&document, &response["content"]["application/problem+json"]["schema"]);
        assert!(!shown.is_empty(), "{method} {path}: which conflicts is not documented");
        for (code, members) in shown {
            let row = codes.iter().find(|row| row.code == code).unwrap_or_else(|| panic!("{code} is in no table"));
            let besides: BTreeSet<String> = row.members.iter().map(|&name| name.to_owned()).collect();
            assert_eq!(members, besides, "{method} {path}: {code}");
            seen.insert(code);
        }
    }
    let public = ["orders.price-changed", "orders.out-of-stock", "payments.refund-exceeds-captured", "catalog.taken"];
    assert!(public.iter().all(|code| seen.contains(*code)), "{seen:?}");
}

#[test]
fn the_examples_of_requests_are_taken_as_far_as_they_name_what_is_there() {
    let document = document();
    let business = Business::open(&TestDatabase::sqlite(), &[("limits.enabled", "false")]);
    let admin = business.admin();
    let grants: Vec<Value> = ["barista", "manager", "admin"].map(|role| json!({"role": role, "shop_id": null})).into();
    let everybody = business.staff(&admin, "everybody", &json!(grants));
    let mut asked = 0;
    for (method, path, operation) in operations(&document) {
        let body = &operation["requestBody"]["content"]["application/json"]["example"];
        if body.is_null() || path.contains("callbacks") || path == "/auth/password" {
            continue;
        }
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let request = Asked::new(method, format!("/api/v1{}", with_ids(path, operation))).json(body);
        let request = request.header("idempotency-key", format!("key-{asked}")).header("if-match", "\"1\"");
        let told = business.ask(&request.by(&everybody.token));
        asked += 1;
        let faults = told.json()["errors"].as_array().cloned().unwrap_or_default();
        let is_known = |fault: &Value| fault["code"] == "unknown";
        assert!(!matches!(told.status, 400 | 415 | 500..), "{path}: {}", told.text);
        assert!(told.status != 422 || (!faults.is_empty() && faults.iter().all(is_known)), "{path}: {}", told.text);
    }
    assert!(asked > 15, "{asked} requests have an example");
}

/// The path with the ids that the document shows.
fn with_ids(path: &str, operation: &Value) -> String {
    let parameters = operation["parameters"].as_array().into_iter().flatten().filter(|it| it["in"] == "path");
    parameters.fold(path.to_owned(), |path, parameter| {
        let name = parameter["name"].as_str().unwrap();
        let kind = parameter["schema"]["$ref"].as_str().unwrap_or_default();
        let prefix = match kind.rsplit('/').next().unwrap() {
            "OrderId" => "ord",
            "PaymentId" => "pay",
            "ShopId" => "shp",
            "ProductId" => "prd",
            "CategoryId" => "cat",
            "ModifierGroupId" => "mdg",
            "UserId" => "usr",
            _ => "var",
        };
        path.replace(&format!("{{{name}}}"), &format!("{prefix}_01h455vb4pex5vsknk084sn02q"))
    })
}
