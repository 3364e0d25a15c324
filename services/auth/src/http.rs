//! The routes, below `/api/v1`; `/.well-known/jwks.json` stands at the root (RFC 8615).

mod answers;
mod cookie;
mod keys;
mod me;
mod refusals;
mod requests;
mod sign_in;
mod users;

use std::sync::Arc;

use axum::Extension;
use axum::extract::FromRequestParts;
use http::header::USER_AGENT;
use http::request::Parts;
use service::{ClientAddress, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::{App, Device};

/// All routes with their state.
#[must_use]
pub(crate) fn router(app: Arc<App>) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(sign_in::register))
        .routes(routes!(sign_in::login))
        .routes(routes!(sign_in::refresh))
        .routes(routes!(sign_in::logout))
        .routes(routes!(me::read_me, me::change_me))
        .routes(routes!(me::change_password))
        .routes(routes!(me::list_sessions))
        .routes(routes!(me::end_session))
        .routes(routes!(users::list_users))
        .routes(routes!(users::read_user, users::change_user))
        .routes(routes!(users::replace_grants))
        .routes(routes!(users::end_user_sessions))
        .routes(routes!(keys::jwks))
        .with_state(app)
}

impl<S: Send + Sync> FromRequestParts<S> for Device {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let address = Extension::<ClientAddress>::from_request_parts(parts, state).await;
        let Ok(Extension(address)) = address else {
            return Err(Problem::internal("the request did not come through the server: it has no client address"));
        };
        let name = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(Self { name: name.to_owned(), address })
    }
}
