//! The document over HTTP, and Swagger UI over the document. Everything is inside the binary: no page of ours loads
//! anything from elsewhere.

use axum::Router;
use axum::extract::State;
use axum::middleware::map_response;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use http::{HeaderMap, HeaderValue};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::ApiDocument;
use crate::etag::Tagged;
use crate::problem::{NOT_FOUND, Problem};

/// Its own scripts and styles, and requests to this server; Swagger UI sets styles on its elements.
const SWAGGER_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// `/openapi.json` and `/swagger-ui/`.
///
/// # Errors
/// A document that is no JSON, which cannot be.
pub fn documentation(document: &ApiDocument) -> Result<Router, Problem> {
    let tagged = Tagged::new(document.as_value())?;
    // "none" keeps Swagger UI from asking a validator on the internet about the document.
    let config = Config::from("/openapi.json").validator_url("none").try_it_out_enabled(true);
    let swagger: Router = SwaggerUi::new("/swagger-ui").config(config).into();
    let swagger = swagger.layer(map_response(as_page));
    Ok(Router::new().route("/openapi.json", get(serve)).with_state(tagged).merge(swagger))
}

async fn serve(State(tagged): State<Tagged>, headers: HeaderMap) -> Response {
    tagged.answer(&headers)
}

/// A page of ours, or a problem like any other: what the pages' own crate says of a wrong path is plain text.
async fn as_page(mut response: Response) -> Response {
    if response.status().is_client_error() {
        return Problem::new(&NOT_FOUND).into_response();
    }
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, SWAGGER_POLICY);
    response.headers_mut().insert(CACHE_CONTROL, REVALIDATE);
    response
}
