//! `/`: what is there, for a person in a browser and for a program, until the web client exists.

use axum::response::{Html, IntoResponse as _, Json, Response};
use http::HeaderMap;
use http::header::ACCEPT;
use kernel::Language;
use serde_json::json;
use service::language_of;

const EN: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
<title>Samovar</title><h1>Samovar</h1><p>An open commerce engine: from the first click to the counter.</p>\
<ul><li><a href=\"/api/v1/shops\">Shops</a></li><li><a href=\"/openapi.json\">The API as OpenAPI 3.1</a></li>\
<li><a href=\"/swagger-ui/\">The API to try</a></li></ul>";

const RU: &str = "<!doctype html><html lang=\"ru\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
<title>Самовар</title><h1>Самовар</h1><p>Открытый движок торговли: от первого нажатия до стойки.</p>\
<ul><li><a href=\"/api/v1/shops\">Магазины</a></li><li><a href=\"/openapi.json\">API в виде OpenAPI 3.1</a></li>\
<li><a href=\"/swagger-ui/\">Попробовать API</a></li></ul>";

pub(crate) fn answer(headers: &HeaderMap) -> Response {
    if wants_html(headers) {
        return match language_of(headers) {
            Language::Ru => Html(RU).into_response(),
            Language::En => Html(EN).into_response(),
        };
    }
    let links = json!({"shops": "/api/v1/shops", "openapi": "/openapi.json", "swagger_ui": "/swagger-ui/"});
    Json(json!({"name": "Samovar", "links": links})).into_response()
}

/// Whether a browser asks.
pub(crate) fn wants_html(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accepted| accepted.contains("text/html"))
}
