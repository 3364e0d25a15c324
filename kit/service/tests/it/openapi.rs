//! The document: put together, filled in, and checked.

use axum::Json;
use contracts::OrderId;
use http::StatusCode;
use kernel::Money;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service::{
    Access, ApiDocument, Body, Everything, IdempotencyKeyHeader, IfMatchHeader, IfNoneMatchHeader, Outline, Page,
    PageQuery, PathId, Role, Validate, documentation,
};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::asked::{ask, get};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlaceThing {
    #[expect(dead_code, reason = "only documented")]
    price: Money,
    #[schema(example = "Латте")]
    #[expect(dead_code, reason = "only documented")]
    name: String,
}

impl Validate for PlaceThing {}

#[derive(Debug, Serialize, ToSchema)]
struct Thing {
    id: OrderId,
    price: Option<Money>,
}

/// Place a thing
///
/// It is placed at once.
#[utoipa::path(post, path = "/things", tag = "things", params(IdempotencyKeyHeader), request_body = PlaceThing,
    responses((status = 201, description = "The thing.", body = Thing)))]
async fn place_thing(Body(_): Body<PlaceThing>) -> StatusCode {
    StatusCode::CREATED
}

/// List things
#[utoipa::path(get, path = "/things", tag = "things", params(PageQuery, IfNoneMatchHeader),
    responses((status = 200, description = "A page.", body = Page<Thing>)))]
async fn list_things(_: service::Listing<Everything>) -> Json<Page<Thing>> {
    Json(Page::whole(Vec::new()))
}

/// Change a thing
#[utoipa::path(patch, path = "/things/{id}", tag = "things", params(("id" = OrderId, Path, description = "Which."), IfMatchHeader),
    request_body = PlaceThing, responses((status = 200, description = "The thing.", body = Thing)))]
async fn change_thing(_: PathId<OrderId>, Body(_): Body<PlaceThing>) -> StatusCode {
    StatusCode::OK
}

service::codes! { static CODES;
    TAKEN = "things.taken", Conflict, "It is taken", "Занято", "Wait.", "Подождите.", with ["by"];
    GONE = "things.gone", Conflict, "It is gone", "Нет её", "Leave it.", "Оставьте.";
}

#[derive(Serialize, ToSchema)]
struct TakenBy {
    by: Money,
}

service::refusals! {
    /// Why a thing cannot be had.
    ThingRefused { TAKEN => TakenBy, GONE }

    /// Why a thing cannot be left.
    LeavingRefused { GONE }
}

/// Take a thing
#[utoipa::path(post, path = "/things/take", tag = "things",
    responses(
        (status = 204, description = "Taken."),
        (status = 409, description = "Not to be had.", content_type = "application/problem+json", body = ThingRefused)))]
async fn take_thing() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Leave a thing
#[utoipa::path(post, path = "/things/leave", tag = "things",
    responses(
        (status = 204, description = "Left."),
        (status = 409, description = "Not to be left.", content_type = "application/problem+json", body = LeavingRefused)))]
async fn leave_thing() -> StatusCode {
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize, ToSchema)]
struct OpenBody {
    #[expect(dead_code, reason = "only documented")]
    #[schema(example = -1, minimum = 0)]
    amount: i64,
}

impl Validate for OpenBody {}

#[utoipa::path(post, path = "/careless/{id}", tag = "", request_body = OpenBody,
    responses((status = 404, description = "Text.", body = String, content_type = "text/plain")))]
async fn careless(Body(_): Body<OpenBody>) -> StatusCode {
    StatusCode::OK
}

const OUTLINE: Outline = Outline { title: "Things", version: "1.2.3", description: "For tests.", base_path: "/api/v1" };

fn access(method: &str, path: &str) -> Option<Access> {
    match (method, path) {
        ("GET", "/things") => Some(Access::Public),
        ("POST", "/things") => Some(Access::SignedIn),
        ("PATCH", "/things/{id}") => Some(Access::Roles(vec![Role::Manager, Role::Admin])),
        _ => None,
    }
}

fn document() -> ApiDocument {
    let things: OpenApiRouter = OpenApiRouter::default().routes(routes!(place_thing, list_things));
    let others: OpenApiRouter = OpenApiRouter::default().routes(routes!(change_thing));
    ApiDocument::assemble(&OUTLINE, [things.into_openapi(), others.into_openapi()], access)
}

fn statuses(operation: &Value) -> Vec<&str> {
    let mut statuses: Vec<_> = operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
    statuses.sort_unstable();
    statuses
}

#[test]
fn a_well_documented_api_has_no_violations() {
    let document = document();

    assert!(document.violations().is_empty(), "{:#?}", document.violations());
    assert_eq!(document.operations().len(), 3);
}

#[test]
fn what_operations_have_in_common_is_filled_in() {
    let root = document().as_value().clone();
    let (place, list, change) =
        (&root["paths"]["/things"]["post"], &root["paths"]["/things"]["get"], &root["paths"]["/things/{id}"]["patch"]);

    assert_eq!(statuses(place), ["201", "400", "401", "403", "409", "413", "415", "422", "429", "500", "503"]);
    assert_eq!(statuses(list), ["200", "304", "400", "401", "422", "429", "500", "503"]);
    assert_eq!(statuses(change)[..7], ["200", "400", "401", "403", "404", "412", "413"]);
    assert_eq!((&list["security"], &place["security"]), (&json!([]), &json!([{"bearer": []}])));
    assert_eq!(change["x-roles"], json!(["manager", "admin"]));
    assert!(change["description"].as_str().unwrap().contains("Roles: manager, admin."));
    assert!(place["responses"]["201"]["headers"]["Idempotent-Replayed"].is_object());
    assert_eq!(root["components"]["responses"]["TooMany"]["headers"]["Retry-After"]["required"], true);
    let stale = &root["components"]["responses"]["Stale"]["content"]["application/problem+json"];
    assert_eq!((&stale["schema"]["title"], &stale["example"]["version"]), (&json!("http.stale"), &json!(3)));
    assert_eq!(stale["schema"]["allOf"][2]["$ref"], "#/components/schemas/CurrentVersion");
    assert_eq!(root["openapi"], "3.1.0");
}

#[test]
fn examples_are_composed_from_those_of_the_types() {
    let root = document().as_value().clone();

    let request = &root["paths"]["/things"]["post"]["requestBody"]["content"]["application/json"]["example"];
    let page = &root["paths"]["/things"]["get"]["responses"]["200"]["content"]["application/json"]["example"];

    assert_eq!(*request, json!({"price": {"amount": 17500, "currency": "RUB"}, "name": "Латте"}));
    assert_eq!(page["items"][0]["id"], "ord_01h455vb4pex5vsknk084sn02q");
    assert_eq!(page["items"][0]["price"]["amount"], 17500);
}

#[test]
fn a_refusal_is_told_by_its_code_with_what_it_has_besides() {
    let things: OpenApiRouter = OpenApiRouter::default().routes(routes!(take_thing)).routes(routes!(leave_thing));
    let document = ApiDocument::assemble(&OUTLINE, [things.into_openapi()], |_, _| Some(Access::SignedIn));
    let problem = |code: &str| json!({"type": "", "title": "", "status": 409, "code": code, "hint": "", "by": {"amount": 1, "currency": "RUB"}});
    let mut bare = problem(TAKEN.code);
    bare.as_object_mut().unwrap().remove("by");
    let taken = |body: &Value| fits(&document, "ThingRefused", body);

    assert_eq!(document.violations(), Vec::<String>::new());
    assert!(taken(&problem("things.taken")) && taken(&problem("things.gone")));
    assert!(!taken(&bare), "the member is missing");
    assert!(!taken(&problem("things.lost")), "a code that is not named");
    assert!(!fits(&document, "LeavingRefused", &problem("things.taken")), "a code of another operation");
    assert!(fits(&document, "LeavingRefused", &problem("things.gone")));
}

/// Whether the body is what the schema of this name says.
fn fits(document: &ApiDocument, schema: &str, body: &Value) -> bool {
    let components = &document.as_value()["components"];
    let schema = json!({"$ref": format!("#/components/schemas/{schema}"), "components": components});
    jsonschema::validator_for(&schema).unwrap().is_valid(body)
}

#[test]
fn every_omission_is_named() {
    let careless: OpenApiRouter = OpenApiRouter::default().routes(routes!(careless));
    let document = ApiDocument::assemble(&OUTLINE, [careless.into_openapi()], access);

    let found = document.violations().join("\n");

    for part in [
        "POST /careless/{id} has no summary",
        "has no row in the policy table",
        "does not document the path parameter id",
        "request: the example breaks the schema at \"/amount\"",
        "request: OpenBody takes unknown fields",
        "404 is not a problem document",
        "documents no success",
    ] {
        assert!(found.contains(part), "{part:?} is not in\n{found}");
    }
}

#[test]
fn two_services_may_not_mean_different_things_by_one_name() {
    let of = |schema: Value| -> utoipa::openapi::OpenApi {
        let info = json!({"title": "", "version": ""});
        let root = json!({"openapi": "3.1.0", "info": info, "paths": {}, "components": {"schemas": {"Thing": schema}}});
        serde_json::from_value(root).unwrap()
    };

    let parts = [of(json!({"type": "string"})), of(json!({"type": "integer"})), of(json!({"type": "string"}))];
    let document = ApiDocument::assemble(&OUTLINE, parts, access);

    assert_eq!(document.violations(), ["two services have a different schema Thing"]);
}

#[tokio::test]
async fn the_pages_come_from_this_binary_alone() {
    let router = documentation(&document()).unwrap();

    let served = ask(router.clone(), get("/openapi.json")).await;
    let page = ask(router.clone(), get("/swagger-ui/")).await;
    let script = ask(router.clone(), get("/swagger-ui/swagger-initializer.js")).await;

    assert_eq!(served.json()["info"]["title"], "Things");
    assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html"));
    assert!(page.header("content-security-policy").contains("script-src 'self';"));
    let text = String::from_utf8(page.body).unwrap() + &String::from_utf8(script.body).unwrap();
    assert!(!text.contains("https://") && !text.contains("//unpkg") && text.contains("/openapi.json"), "{text}");
    assert!(text.contains("\"validatorUrl\": \"none\""), "{text}");
}

#[tokio::test]
async fn a_page_that_is_not_there_is_a_problem_like_any_other() {
    let router = documentation(&document()).unwrap();

    for path in ["/swagger-ui/nothing.js", "/swagger-ui/%ff%fe", "/swagger-ui/..%2f..%2fetc%2fpasswd"] {
        let answer = ask(router.clone(), get(path)).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::NOT_FOUND, "http.not-found"), "{path}");
    }
}
