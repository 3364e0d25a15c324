//! What a person does with their own account.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use contracts::SessionId;
use http::{HeaderMap, StatusCode};
use service::codes::INVALID;
use service::{Body, IfNoneMatchHeader, PathId, Principal, Problem, etagged};

use super::answers::{SessionAnswer, SessionPage, UserAnswer};
use super::refusals::EmailRefused;
use super::requests::{ChangeMeRequest, ChangePasswordRequest, password_faults};
use crate::app::{App, Device};
use crate::model::email::EmailAddress;
use crate::model::user::User;
use crate::use_cases::change_password::{self as password_case, PasswordChange};
use crate::use_cases::{manage_sessions, profile};

/// Read one's own profile
#[utoipa::path(get, path = "/auth/me", tag = "auth", params(IfNoneMatchHeader),
    responses((status = 200, description = "The person who is signed in.", body = UserAnswer)))]
pub(super) async fn read_me(
    State(app): State<Arc<App>>,
    principal: Principal,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let user = profile::read(&app, principal.user_id).await?;
    Ok(etagged(&headers, &UserAnswer::from(user)))
}

/// Change one's own profile
#[utoipa::path(patch, path = "/auth/me", tag = "auth", request_body = ChangeMeRequest,
    responses(
        (status = 200, description = "As it is now.", body = UserAnswer),
        (status = 403, description = "auth.fresh-login-required", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 409, description = "auth.email-taken", content_type = "application/problem+json", body = EmailRefused),
    ))]
pub(super) async fn change_me(
    State(app): State<Arc<App>>,
    principal: Principal,
    device: Device,
    Body(request): Body<ChangeMeRequest>,
) -> Result<Json<UserAnswer>, Problem> {
    let user = profile::change(&app, &principal, device.address, request.into_patch()).await?;
    Ok(Json(user.into()))
}

/// Change one's own password
///
/// Every other session ends. The password must have been shown within the last five minutes.
#[utoipa::path(post, path = "/auth/password", tag = "auth", request_body = ChangePasswordRequest,
    responses(
        (status = 204, description = "Changed."),
        (status = 403, description = "auth.wrong-password or auth.fresh-login-required", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    ))]
pub(super) async fn change_password(
    State(app): State<Arc<App>>,
    principal: Principal,
    Body(request): Body<ChangePasswordRequest>,
) -> Result<StatusCode, Problem> {
    let user = profile::read(&app, principal.user_id).await?;
    refuse_personal_words(&request, &user)?;
    let change = PasswordChange { current: request.current_password, new: request.new_password };
    password_case::change_password(&app, &principal, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The rule that needs to know whose password it is.
fn refuse_personal_words(request: &ChangePasswordRequest, user: &User) -> Result<(), Problem> {
    let local_part =
        EmailAddress::parse(&user.email).map_or_else(|_| String::new(), |email| email.local_part().to_owned());
    let personal = [local_part.as_str(), user.name.as_deref().unwrap_or_default()];
    let faults = password_faults("/new_password", &request.new_password, &personal);
    if faults.is_empty() { Ok(()) } else { Err(Problem::new(&INVALID).faults(faults)) }
}

/// List one's own sessions
#[utoipa::path(get, path = "/auth/sessions", tag = "auth", params(IfNoneMatchHeader),
    responses((status = 200, description = "The living ones.", body = SessionPage)))]
pub(super) async fn list_sessions(
    State(app): State<Arc<App>>,
    principal: Principal,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let lifetimes = app.lifetimes(&principal.grants);
    let sessions = manage_sessions::list(&app, &principal).await?;
    let items = sessions.into_iter().map(|session| SessionAnswer::new(session, lifetimes, principal.session_id));
    Ok(etagged(&headers, &SessionPage { items: items.collect(), next_cursor: None }))
}

/// End one of one's own sessions
///
/// Another than the one that asks: the password must have been shown within the last five minutes.
#[utoipa::path(delete, path = "/auth/sessions/{id}", tag = "auth", params(("id" = SessionId, Path, description = "The session.")),
    responses(
        (status = 204, description = "Ended; its tokens are refused from now on."),
        (status = 403, description = "auth.fresh-login-required", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    ))]
pub(super) async fn end_session(
    State(app): State<Arc<App>>,
    principal: Principal,
    PathId(id): PathId<SessionId>,
) -> Result<Response, Problem> {
    manage_sessions::end(&app, &principal, id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
