//! Registration, login, refresh, logout.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use service::{Body, Lang, Principal, Problem};

use super::answers::Tokens;
use super::cookie;
use super::refusals::EmailRefused;
use super::requests::{LoginRequest, RefreshRequest, RegisterRequest, SessionMode, checked_email, checked_name};
use crate::app::{App, Device};
use crate::error::Error;
use crate::refresh_token::TokenHash;
use crate::use_cases::register::Registration;
use crate::use_cases::sign_in::{SignedIn, end_replaced};
use crate::use_cases::{
    login as login_case, logout as logout_case, refresh as refresh_case, register as register_case,
};

/// Register and sign in
#[utoipa::path(post, path = "/auth/register", tag = "auth", request_body = RegisterRequest,
    responses(
        (status = 201, description = "Registered and signed in.", body = Tokens),
        (status = 409, description = "auth.email-taken", content_type = "application/problem+json", body = EmailRefused),
    ))]
pub(super) async fn register(
    State(app): State<Arc<App>>,
    device: Device,
    Lang(language): Lang,
    headers: HeaderMap,
    Body(request): Body<RegisterRequest>,
) -> Result<Response, Problem> {
    let mode = request.session;
    let registration = Registration {
        email: checked_email(&request.email),
        password: request.password,
        name: request.name.as_deref().map(checked_name),
        language: request.language.unwrap_or(language),
    };
    let signed_in = register_case::register(&app, registration, &device).await?;
    end_session_of_cookie(&app, &headers, mode).await?;
    Ok((StatusCode::CREATED, tokens(signed_in, mode)).into_response())
}

/// Sign in
///
/// A wrong password, an unknown e-mail and a disabled user get the same answer in the same time.
#[utoipa::path(post, path = "/auth/login", tag = "auth", request_body = LoginRequest,
    responses(
        (status = 200, description = "Signed in.", body = Tokens),
        (status = 401, description = "auth.invalid-credentials", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    ))]
pub(super) async fn login(
    State(app): State<Arc<App>>,
    device: Device,
    headers: HeaderMap,
    Body(request): Body<LoginRequest>,
) -> Result<Response, Problem> {
    let signed_in = login_case::login(&app, &request.email, request.password, &device).await?;
    end_session_of_cookie(&app, &headers, request.session).await?;
    Ok(tokens(signed_in, request.session))
}

/// Change the refresh token for new tokens
///
/// A refresh token works once; used again it ends the session, with all tokens of it. Without `refresh_token` the one
/// in the cookie is changed; such a request must come from this site's own pages, or carry `Samovar-Session: cookie`.
#[utoipa::path(post, path = "/auth/refresh", tag = "auth", request_body = RefreshRequest,
    responses(
        (status = 200, description = "New tokens; the old refresh token is spent.", body = Tokens),
        (status = 401, description = "auth.token-reused, auth.session-ended or auth.invalid-refresh-token", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 403, description = "auth.cross-site", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    ))]
pub(super) async fn refresh(
    State(app): State<Arc<App>>,
    device: Device,
    headers: HeaderMap,
    Body(request): Body<RefreshRequest>,
) -> Result<Response, Problem> {
    let (token, mode) = match request.refresh_token {
        Some(token) => (token, request.session.unwrap_or_default()),
        None => {
            cookie::require_own_site(&headers, &app.origins)?;
            (cookie::token(&headers).ok_or(Error::InvalidRefreshToken)?, SessionMode::Cookie)
        }
    };
    let signed_in = refresh_case::refresh(&app, &token, &device).await?;
    Ok(tokens(signed_in, mode))
}

/// Sign out
///
/// The session ends: its refresh token is dead, and its access token is refused from now on.
#[utoipa::path(post, path = "/auth/logout", tag = "auth", responses((status = 204, description = "Signed out.")))]
pub(super) async fn logout(State(app): State<Arc<App>>, principal: Principal) -> Result<Response, Problem> {
    logout_case::logout(&app, &principal).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    cookie::clear(response.headers_mut());
    Ok(response)
}

/// A browser that signs in again does not keep its old session (ASVS 7.2.4).
async fn end_session_of_cookie(app: &App, headers: &HeaderMap, mode: SessionMode) -> Result<(), Error> {
    match (mode, cookie::token(headers)) {
        (SessionMode::Cookie, Some(old)) => end_replaced(app, TokenHash::of(&old)).await,
        (SessionMode::Cookie, None) | (SessionMode::Token, _) => Ok(()),
    }
}

fn tokens(signed_in: SignedIn, mode: SessionMode) -> Response {
    let SignedIn { user, access_token, expires_in, refresh_token, refresh_expires_in } = signed_in;
    let in_body = match mode {
        SessionMode::Token => Some(refresh_token.expose().to_owned()),
        SessionMode::Cookie => None,
    };
    let answer = Tokens {
        user: user.into(),
        access_token,
        token_type: "Bearer",
        expires_in: expires_in.as_secs(),
        refresh_token: in_body,
    };
    let mut response = Json(answer).into_response();
    if mode == SessionMode::Cookie {
        cookie::set(response.headers_mut(), &refresh_token, refresh_expires_in);
    }
    response
}
