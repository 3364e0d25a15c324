//! What an administrator does with people.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use contracts::UserId;
use http::{HeaderMap, StatusCode};
use service::{
    Body, IfMatch, IfMatchHeader, IfNoneMatchHeader, Listing, Page, PageQuery, PathId, Principal, Problem, etagged,
    versioned,
};

use super::answers::{ManagedUser, UserPage};
use super::refusals::AdminRefused;
use super::requests::{ChangeUserRequest, ReplaceGrantsRequest, UserFilter};
use crate::app::App;
use crate::use_cases::manage_users::{self, Access};
use crate::use_cases::profile;

/// List people, the newest first
#[utoipa::path(get, path = "/users", tag = "users", params(UserFilter, PageQuery, IfNoneMatchHeader),
    responses((status = 200, description = "A page.", body = UserPage)))]
pub(super) async fn list_users(
    State(app): State<Arc<App>>,
    Listing { filter, page }: Listing<UserFilter>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = page.after::<UserId>()?;
    let users = manage_users::list(&app, filter.email.as_deref(), after, &page).await?;
    let Page { items, next_cursor } = Page::of(users, &page, |user| user.id).map(ManagedUser::from);
    Ok(etagged(&headers, &UserPage { items, next_cursor }))
}

/// Read a person
#[utoipa::path(get, path = "/users/{id}", tag = "users", params(("id" = UserId, Path, description = "The person."), IfNoneMatchHeader),
    responses((status = 200, description = "The person.", body = ManagedUser)))]
pub(super) async fn read_user(
    State(app): State<Arc<App>>,
    PathId(id): PathId<UserId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let user = profile::read(&app, id).await?;
    let version = user.version;
    Ok(versioned(&headers, &ManagedUser::from(user), version))
}

/// Disable or enable a person
#[utoipa::path(patch, path = "/users/{id}", tag = "users", params(("id" = UserId, Path, description = "The person."), IfMatchHeader),
    request_body = ChangeUserRequest,
    responses(
        (status = 200, description = "As they are now.", body = ManagedUser),
        (status = 409, description = "auth.last-admin", content_type = "application/problem+json", body = AdminRefused),
    ))]
pub(super) async fn change_user(
    State(app): State<Arc<App>>,
    principal: Principal,
    PathId(id): PathId<UserId>,
    if_match: IfMatch,
    Body(request): Body<ChangeUserRequest>,
) -> Result<Response, Problem> {
    let access = if request.disabled { Access::Disabled } else { Access::Enabled };
    let user = manage_users::set_access(&app, &principal, id, if_match, access).await?;
    let version = user.version;
    Ok(versioned(&HeaderMap::new(), &ManagedUser::from(user), version))
}

/// Say what a person may do
///
/// The list replaces the one before. When something is taken away all their sessions end; what is added shows in
/// their next access token.
#[utoipa::path(put, path = "/users/{id}/grants", tag = "users", params(("id" = UserId, Path, description = "The person."), IfMatchHeader),
    request_body = ReplaceGrantsRequest,
    responses(
        (status = 200, description = "As they are now.", body = ManagedUser),
        (status = 409, description = "auth.last-admin", content_type = "application/problem+json", body = AdminRefused),
    ))]
pub(super) async fn replace_grants(
    State(app): State<Arc<App>>,
    principal: Principal,
    PathId(id): PathId<UserId>,
    if_match: IfMatch,
    Body(request): Body<ReplaceGrantsRequest>,
) -> Result<Response, Problem> {
    let user = manage_users::replace_grants(&app, &principal, id, if_match, request.grants).await?;
    let version = user.version;
    Ok(versioned(&HeaderMap::new(), &ManagedUser::from(user), version))
}

/// End all sessions of a person
#[utoipa::path(delete, path = "/users/{id}/sessions", tag = "users", params(("id" = UserId, Path, description = "The person.")),
    responses(
        (status = 204, description = "Ended; their tokens are refused from now on."),
        (status = 403, description = "auth.fresh-login-required", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    ))]
pub(super) async fn end_user_sessions(
    State(app): State<Arc<App>>,
    principal: Principal,
    PathId(id): PathId<UserId>,
) -> Result<StatusCode, Problem> {
    manage_users::end_sessions(&app, &principal, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
