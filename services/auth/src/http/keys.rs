//! The public keys, for whoever checks our tokens elsewhere (RFC 7517, RFC 8037).

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// Shorter than the time from the making of a key to its first signature.
const FIVE_SECONDS: HeaderValue = HeaderValue::from_static("public, max-age=5");

/// A set of keys.
#[derive(Debug, Serialize, ToSchema)]
struct JsonWebKeySet {
    /// The newest first.
    keys: Vec<JsonWebKey>,
}

/// A public key of Ed25519.
#[derive(Debug, Serialize, ToSchema)]
struct JsonWebKey {
    /// Always `OKP`.
    #[schema(example = "OKP")]
    kty: &'static str,
    /// Always `Ed25519`.
    #[schema(example = "Ed25519")]
    crv: &'static str,
    /// Always `EdDSA`.
    #[schema(example = "EdDSA")]
    alg: &'static str,
    /// Always `sig`.
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    purpose: &'static str,
    /// The name that tokens call it by.
    #[schema(example = "mR2c9Xk0aQ1z")]
    kid: String,
    /// The 32 bytes in base64url.
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    x: String,
}

/// The public keys that access tokens are signed with
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "auth",
    responses((status = 200, description = "The keys.", body = JsonWebKeySet)))]
pub(super) async fn jwks(State(app): State<Arc<App>>) -> Response {
    let keys = app.keys.public();
    let keys = keys.iter().map(|key| JsonWebKey {
        kty: "OKP",
        crv: "Ed25519",
        alg: "EdDSA",
        purpose: "sig",
        kid: key.id.clone(),
        x: URL_SAFE_NO_PAD.encode(key.ed25519),
    });
    let set = JsonWebKeySet { keys: keys.collect() };
    ([(CACHE_CONTROL, FIVE_SECONDS)], axum::Json(set)).into_response()
}
