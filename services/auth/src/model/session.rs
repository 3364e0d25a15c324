//! A session: one sign-in on one device, the family of its refresh tokens.

use contracts::{SessionId, UserId};
use kernel::Timestamp;

use super::refresh::Lifetimes;

/// A session as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// Its id; `sid` of the access tokens.
    pub id: SessionId,
    /// Whose.
    pub user_id: UserId,
    /// What the client calls itself (`User-Agent`), cut.
    pub device: String,
    /// When the password was shown; `auth_time` of the access tokens.
    pub created_at: Timestamp,
    /// When the last access token was issued.
    pub refreshed_at: Timestamp,
    /// How it ended; `None` while it lives.
    pub end: Option<End>,
}

/// The end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// Why.
    pub reason: EndReason,
    /// When.
    pub at: Timestamp,
}

impl Session {
    /// When it ends by itself if nobody uses it.
    #[must_use]
    pub(crate) fn expires_at(&self, lifetimes: Lifetimes) -> Timestamp {
        self.refreshed_at.plus(lifetimes.idle).min(self.created_at.plus(lifetimes.absolute))
    }

    /// Whether its time is over.
    #[must_use]
    pub(crate) fn is_over(&self, lifetimes: Lifetimes, now: Timestamp) -> bool {
        now >= self.expires_at(lifetimes)
    }
}

/// Declares the reasons with their words in SQL.
macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)+) => {
        /// Why a session ended.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum EndReason { $($(#[$doc])* $variant),+ }

        impl EndReason {
            /// Every reason.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in SQL and in the audit trail.
            #[must_use]
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

reasons! {
    /// Its owner logged out.
    Logout = "logout",
    /// Its owner signed in again on the same device.
    SignedInAgain = "signed_in_again",
    /// Its owner ended it from another session.
    EndedByOwner = "ended_by_owner",
    /// An administrator ended it.
    EndedByAdmin = "ended_by_admin",
    /// The password was changed in another session.
    PasswordChanged = "password_changed",
    /// The user was disabled.
    Disabled = "disabled",
    /// The user lost a grant.
    GrantRemoved = "grant_removed",
    /// The user has too many sessions, and this was the oldest.
    TooMany = "too_many",
    /// A refresh token was used twice.
    TokenReused = "token_reused",
}

impl std::str::FromStr for EndReason {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|reason| reason.as_str() == word).copied();
        known.ok_or_else(|| "not a reason to end a session".to_owned())
    }
}
