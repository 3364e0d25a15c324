//! What is answered. A type per reader: nobody but an administrator sees whether a person is disabled.

use contracts::{SessionId, UserId};
use kernel::{Language, Timestamp};
use serde::Serialize;
use service::Grant;
use utoipa::ToSchema;

use crate::model::refresh::Lifetimes;
use crate::model::session::Session;
use crate::model::user::User;

/// A person as they see themselves.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(super) struct UserAnswer {
    /// The id; for ever, and of nobody else.
    id: UserId,
    /// What they sign in with.
    #[schema(example = "anna@example.org")]
    email: String,
    /// How they are called.
    #[schema(required, example = "Анна")]
    name: Option<String>,
    /// What they read.
    language: Language,
    /// What they may do beyond being a guest.
    grants: Vec<Grant>,
    /// When they registered.
    created_at: Timestamp,
}

impl From<User> for UserAnswer {
    fn from(user: User) -> Self {
        let User { id, email, name, language, grants, disabled: _, version: _, created_at } = user;
        Self { id, email, name, language, grants, created_at }
    }
}

/// A person as an administrator sees them.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ManagedUser {
    /// The person.
    #[serde(flatten)]
    user: UserAnswer,
    /// Whether they are kept from signing in.
    disabled: bool,
    /// Counts the changes; the ETag.
    version: i64,
}

impl From<User> for ManagedUser {
    fn from(user: User) -> Self {
        let (disabled, version) = (user.disabled, user.version);
        Self { user: user.into(), disabled, version }
    }
}

/// A page of users.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserPage {
    /// The newest first.
    pub(super) items: Vec<ManagedUser>,
    /// Where the next page begins; null on the last one.
    #[schema(required)]
    pub(super) next_cursor: Option<String>,
}

/// A person who is signed in, and their tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Tokens {
    /// Who.
    pub(super) user: UserAnswer,
    /// Sent as `Authorization: Bearer …`.
    #[schema(example = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSIsImtpZCI6Im5vdCBhIGtleSJ9.e30.AA")]
    pub(super) access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub(super) token_type: &'static str,
    /// Seconds until the access token has run out.
    #[schema(minimum = 0, example = 600)]
    pub(super) expires_in: u64,
    /// Changed for new tokens, once; not here when it is in the cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "v0yF4b6Qm8sQe9m1jz3c7T2kLxRk5nWZ0a1b2c3d4e5")]
    pub(super) refresh_token: Option<String>,
}

/// A sign-in on a device.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub(super) struct SessionAnswer {
    /// The id.
    id: SessionId,
    /// What the device calls itself.
    #[schema(example = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")]
    device: String,
    /// When the password was shown.
    created_at: Timestamp,
    /// When it was used last.
    last_used_at: Timestamp,
    /// When it ends by itself if it is not used.
    expires_at: Timestamp,
    /// Whether it is the one that asks.
    current: bool,
}

impl SessionAnswer {
    pub(super) fn new(session: Session, lifetimes: Lifetimes, current: SessionId) -> Self {
        Self {
            expires_at: session.expires_at(lifetimes),
            id: session.id,
            device: session.device,
            created_at: session.created_at,
            last_used_at: session.refreshed_at,
            current: session.id == current,
        }
    }
}

/// One's own sessions.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionPage {
    /// The newest first.
    pub(super) items: Vec<SessionAnswer>,
    /// Always null: the list is whole.
    #[schema(required)]
    pub(super) next_cursor: Option<String>,
}
