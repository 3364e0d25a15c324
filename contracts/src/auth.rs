//! What auth tells others.

use kernel::{Call, Event, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{SessionId, UserId, words};

words! {
    /// What happened to a profile.
    ProfileChange {
        /// A person registered.
        Registered = "registered",
        /// Name, language, e-mail or grants changed.
        Changed = "changed",
        /// The person's data were erased.
        Erased = "erased",
    }
}

/// A profile changed. The only event that carries personal data (decision 16); overwritten on erasure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Who.
    pub user_id: UserId,
    /// What happened.
    pub change: ProfileChange,
    /// The name they gave; null after erasure.
    pub name: Option<String>,
    /// The e-mail they gave; null after erasure.
    pub email: Option<String>,
    /// The language they read (`ru`, `en`).
    pub language: kernel::Language,
    /// When.
    pub at: Timestamp,
}

impl Event for Profile {
    const TOPIC: &'static str = "profiles";
    const TYPE: &'static str = "samovar.auth.profile.v1";
    const SOURCE: &'static str = "/auth";

    fn key(&self) -> String {
        self.user_id.to_string()
    }
}

/// `auth.revocations`: the sessions and users that are refused although their tokens have not run out.
#[derive(Debug)]
pub enum Revocations {}

/// Which revocations are asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RevocationsRequest {
    /// Only those made at or after this moment.
    pub since: Timestamp,
}

/// What is revoked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RevocationsReply {
    /// Single sessions.
    pub sessions: Vec<(SessionId, Timestamp)>,
    /// Whole users: every token issued before the moment is refused.
    pub users: Vec<(UserId, Timestamp)>,
    /// Auth's own time of the answer; the next question's `since`.
    pub at: Timestamp,
}

impl Call for Revocations {
    type Request = RevocationsRequest;
    type Reply = RevocationsReply;
    const NAME: &'static str = "auth.revocations";
    const TIMEOUT_MS: u32 = 1_000;
    const IDEMPOTENT: bool = true;
}
