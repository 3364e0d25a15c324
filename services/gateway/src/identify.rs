//! Who is asking: the bearer token, checked here against keys and revocations; no service is asked.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use http::Request;
use http::header::AUTHORIZATION;
use kernel::{Clock, Code, ErrorKind, IdText, Text, Timestamp};
use service::codes::UNAUTHENTICATED;
use service::token::{ACCESS_TOKEN_LIFETIME, AccessToken, verify};
use service::{Principal, Problem, Revocations, VerificationKeys};

use crate::policy::{Access, Row};

/// A list of revocations older than this is not a list (decision 26).
const REVOCATIONS_AGE_MAX: Duration = Duration::from_secs(5);

/// Nobody knows at the moment whether the session still stands.
pub(crate) static REVOCATIONS_UNKNOWN: Code = Code {
    code: "gateway.revocations-unknown",
    kind: ErrorKind::Unavailable,
    title: Text {
        en: "Sign-ins cannot be checked at the moment", ru: "Сейчас нельзя проверить вход"
    },
    hint: Text {
        en: "Try again in a few seconds.", ru: "Повторите через несколько секунд."
    },
    members: &[],
};

/// Checks tokens.
#[derive(Debug)]
pub(crate) struct Identity {
    keys: Arc<VerificationKeys>,
    revocations: Arc<Revocations>,
    clock: Arc<dyn Clock>,
    verified: Verified,
}

impl Identity {
    pub(crate) fn new(keys: Arc<VerificationKeys>, revocations: Arc<Revocations>, clock: Arc<dyn Clock>) -> Self {
        Self { keys, revocations, clock, verified: Verified::new() }
    }

    /// Who is asking; `None` without a token. Where nobody has to be signed in, a token that is not good is as none: a
    /// client that refreshes sends along the token that has just run out.
    pub(crate) fn of(&self, request: &Request<Body>, row: &Row) -> Result<Option<Principal>, Problem> {
        match (self.bearer_of(request, row), row.access) {
            (Err(_), Access::Public) => Ok(None),
            (known, Access::Public | Access::SignedIn | Access::Roles(_)) => known,
        }
    }

    fn bearer_of(&self, request: &Request<Body>, row: &Row) -> Result<Option<Principal>, Problem> {
        let Some(header) = request.headers().get(AUTHORIZATION) else { return Ok(None) };
        let token = header.to_str().ok().and_then(bearer).ok_or_else(refused)?;
        let now = self.clock.now();
        let known = self.verified.get(token, now).map_or_else(|| self.verify(token, now), Ok)?;
        if self.revocations.refuses(known.session.as_str(), known.user.as_str(), known.issued_at) {
            return Err(refused());
        }
        let is_old = || self.revocations.older_than(REVOCATIONS_AGE_MAX, self.clock.as_ref());
        if row.needs_fresh_revocations(&known.principal) && is_old() {
            return Err(Problem::new(&REVOCATIONS_UNKNOWN).retry_after_s(2));
        }
        Ok(Some(known.principal.clone()))
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<Arc<Known>, Problem> {
        match verify(token, &self.keys, now) {
            Ok(claims) => {
                let known = Arc::new(Known::of(claims));
                self.verified.remember(token, &known, now);
                Ok(known)
            }
            Err(fault) => {
                tracing::info!(reason = %fault, "an access token was refused");
                Err(refused())
            }
        }
    }
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}

fn refused() -> Problem {
    Problem::new(&UNAUTHENTICATED)
}

/// A token that was verified, with the texts that revocations are looked up by.
#[derive(Debug)]
struct Known {
    principal: Principal,
    session: IdText,
    user: IdText,
    issued_at: Timestamp,
    ends_at: Timestamp,
}

impl Known {
    fn of(token: AccessToken) -> Self {
        Self {
            session: token.session_id.text(),
            user: token.user_id.text(),
            issued_at: token.issued_at,
            ends_at: token.issued_at.plus(ACCESS_TOKEN_LIFETIME),
            principal: Principal {
                user_id: token.user_id,
                session_id: token.session_id,
                grants: token.grants.into(),
                auth_time: token.auth_time,
            },
        }
    }
}

const SHARDS: usize = 16;
const SHARD_LEN_MAX: usize = 1_024;

/// Tokens whose signature was checked: an Ed25519 check costs more than everything else at the door together. Whether
/// the session was revoked is never remembered here. Bounded; a full shard forgets what has run out, then everything.
#[derive(Debug)]
struct Verified {
    hasher: RandomState,
    shards: [Mutex<HashMap<Box<str>, Arc<Known>>>; SHARDS],
}

impl Verified {
    fn new() -> Self {
        Self { hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }

    fn get(&self, token: &str, now: Timestamp) -> Option<Arc<Known>> {
        let shard = self.shard(token).lock().unwrap_or_else(PoisonError::into_inner);
        shard.get(token).filter(|known| now < known.ends_at).cloned()
    }

    fn remember(&self, token: &str, known: &Arc<Known>, now: Timestamp) {
        let mut shard = self.shard(token).lock().unwrap_or_else(PoisonError::into_inner);
        if shard.len() >= SHARD_LEN_MAX {
            shard.retain(|_, known| now < known.ends_at);
        }
        if shard.len() >= SHARD_LEN_MAX {
            shard.clear();
        }
        shard.insert(token.into(), Arc::clone(known));
    }

    fn shard(&self, token: &str) -> &Mutex<HashMap<Box<str>, Arc<Known>>> {
        let hash = self.hasher.hash_one(token);
        &self.shards[usize::try_from(hash % SHARDS as u64).unwrap_or(0)]
    }
}
