//! Sessions and users that are refused although their tokens still look good (decision 26).
//!
//! An entry lives as long as an access token may: after that the token refuses itself. auth refreshes the set from
//! its own tables every two seconds in each instance, and adds to it at once when it revokes; whoever checks tokens
//! asks it on each request, so a question costs two counters when nothing is revoked, as almost always.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use kernel::{Clock, Timestamp};

/// How long an entry lives: no access token is good for longer.
pub const REVOCATION_LIFETIME: Duration = Duration::from_secs(600);

/// Never refreshed.
const NEVER: u64 = u64::MAX;

/// One thing that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// All tokens of a session.
    Session {
        /// The session's id.
        id: String,
        /// When it was revoked.
        at: Timestamp,
    },
    /// The tokens of a user that were issued up to that moment.
    User {
        /// The user's id.
        id: String,
        /// When they were revoked.
        at: Timestamp,
    },
}

/// The set. Shared by all who check tokens.
#[derive(Debug)]
pub struct Revocations {
    sessions: Revoked,
    users: Revoked,
    /// [`Clock::elapsed`] of the last refresh, microseconds.
    refreshed_us: AtomicU64,
}

/// Moments by id, with the number of them where a reader sees it without a lock.
#[derive(Debug, Default)]
struct Revoked {
    len: AtomicUsize,
    by_id: RwLock<HashMap<Box<str>, Timestamp>>,
}

impl Default for Revocations {
    fn default() -> Self {
        Self { sessions: Revoked::default(), users: Revoked::default(), refreshed_us: AtomicU64::new(NEVER) }
    }
}

impl Revocations {
    /// Refuses from now on. For whoever revokes, after the commit, so that this process need not wait for a refresh.
    pub fn add(&self, revocation: Revocation) {
        match revocation {
            Revocation::Session { id, at } => self.sessions.add(id, at),
            Revocation::User { id, at } => self.users.add(id, at),
        }
    }

    /// Takes in what the owner of the truth knows of the last ten minutes, and forgets what is older.
    ///
    /// Entries that the list lacks stay until they are too old: they were added after it was read.
    pub fn refresh(&self, revocations: impl IntoIterator<Item = Revocation>, clock: &dyn Clock) {
        revocations.into_iter().for_each(|revocation| self.add(revocation));
        let oldest = clock.now().minus(REVOCATION_LIFETIME);
        self.sessions.forget_before(oldest);
        self.users.forget_before(oldest);
        let now_us = u64::try_from(clock.elapsed().as_micros()).unwrap_or(NEVER - 1);
        self.refreshed_us.store(now_us, Ordering::Release);
    }

    /// Whether a token of this session and user, issued at that second, is refused.
    ///
    /// Tokens carry whole seconds, so one issued in the very second of the revocation is refused as well.
    #[must_use]
    pub fn refuses(&self, session: &str, user: &str, issued_at: Timestamp) -> bool {
        self.sessions.at(session).is_some() || self.users.at(user).is_some_and(|at| issued_at <= at)
    }

    /// How old the list is; `None` before the first refresh. Whoever checks decides what it does with an old one.
    #[must_use]
    pub fn age(&self, clock: &dyn Clock) -> Option<Duration> {
        match self.refreshed_us.load(Ordering::Acquire) {
            NEVER => None,
            refreshed_us => Some(clock.elapsed().saturating_sub(Duration::from_micros(refreshed_us))),
        }
    }

    /// Whether the list is older than `limit`, or was never refreshed.
    #[must_use]
    pub fn older_than(&self, limit: Duration, clock: &dyn Clock) -> bool {
        self.age(clock).is_none_or(|age| age > limit)
    }
}

impl Revoked {
    fn add(&self, id: String, at: Timestamp) {
        let mut by_id = self.by_id.write().unwrap_or_else(PoisonError::into_inner);
        let known = by_id.entry(id.into_boxed_str()).or_insert(at);
        *known = at.max(*known);
        self.len.store(by_id.len(), Ordering::Release);
    }

    fn forget_before(&self, oldest: Timestamp) {
        if self.len.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut by_id = self.by_id.write().unwrap_or_else(PoisonError::into_inner);
        by_id.retain(|_, at| *at >= oldest);
        self.len.store(by_id.len(), Ordering::Release);
    }

    fn at(&self, id: &str) -> Option<Timestamp> {
        if self.len.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.by_id.read().unwrap_or_else(PoisonError::into_inner).get(id).copied()
    }
}
