//! Conditional reads and changes.

use axum::Router;
use axum::body::Body as RawBody;
use axum::response::Response;
use axum::routing::get as on_get;
use http::{HeaderMap, Request, StatusCode};
use serde_json::json;
use service::{IfMatch, Problem, etagged, versioned};

use crate::asked::{Answered, ask};

async fn menu(headers: HeaderMap) -> Response {
    etagged(&headers, &json!({"items": [1, 2, 3]}))
}

async fn product(headers: HeaderMap) -> Response {
    versioned(&headers, &json!({"name": "Латте"}), 17)
}

async fn change(if_match: IfMatch) -> Result<&'static str, Problem> {
    if_match.check(17)?;
    Ok("changed")
}

async fn asked(method: &str, path: &str, headers: &[(&str, &str)]) -> Answered {
    let router = Router::new().route("/menu", on_get(menu)).route("/product", on_get(product).patch(change));
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    ask(router, request.body(RawBody::empty()).unwrap()).await
}

#[tokio::test]
async fn a_read_that_did_not_change_has_no_body() {
    let first = asked("GET", "/menu", &[]).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\"") && tag.len() == 20, "{tag}");
    assert_eq!(first.header("content-type"), "application/json");
    assert_eq!(first.header("cache-control"), "no-cache");

    for known in [tag.as_str(), tag.trim_start_matches("W/"), &format!("\"other\", {tag}"), "*"] {
        let again = asked("GET", "/menu", &[("if-none-match", known)]).await;

        assert_eq!((again.status, again.header("etag")), (StatusCode::NOT_MODIFIED, tag.as_str()), "{known}");
        assert!(again.body.is_empty() && again.header("content-type").is_empty());
    }
    assert_eq!(asked("GET", "/menu", &[("if-none-match", "W/\"0000000000000000\"")]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_change_says_which_version_it_was_made_on() {
    let tag = asked("GET", "/product", &[]).await.header("etag").to_owned();
    assert_eq!(tag, "\"17\"");

    for current in [tag.as_str(), "W/\"17\"", "\"16\", \"17\"", "*"] {
        assert_eq!(asked("PATCH", "/product", &[("if-match", current)]).await.body, b"changed", "{current}");
    }
}

#[tokio::test]
async fn a_change_of_an_old_version_is_refused_with_the_current_one() {
    for old in ["\"16\"", "\"rubbish\"", "17", "", "\"16\", \"18\""] {
        let answer = asked("PATCH", "/product", &[("if-match", old)]).await;

        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::PRECONDITION_FAILED, "http.stale"), "{old}");
        assert_eq!(answer.json()["version"], 17);
    }
}

#[tokio::test]
async fn a_change_without_a_version_is_refused() {
    let answer = asked("PATCH", "/product", &[]).await;

    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::PRECONDITION_REQUIRED, "http.if-match-required"));
}

#[tokio::test]
async fn nobody_stores_what_a_signed_in_caller_reads() {
    let answer = asked("GET", "/menu", &[("authorization", "Bearer x")]).await;

    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(!answer.header("etag").is_empty());
}
