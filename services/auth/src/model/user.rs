//! A person who can sign in.

use contracts::UserId;
use kernel::{Language, Timestamp};
use service::Grant;

/// A user as stored, with what they may do.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct User {
    /// Who.
    pub id: UserId,
    /// As they wrote it.
    pub email: String,
    /// As they wrote it, if they did.
    pub name: Option<String>,
    /// What they read.
    pub language: Language,
    /// What they may do, in a fixed order.
    pub grants: Vec<Grant>,
    /// Whether they are kept from signing in.
    pub disabled: bool,
    /// Counts the changes; the ETag.
    pub version: i64,
    /// When they registered.
    pub created_at: Timestamp,
}

/// The id only: the rest is personal.
impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("id", &self.id).finish_non_exhaustive()
    }
}
