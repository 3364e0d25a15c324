//! What the use cases work with.

use std::sync::Arc;
use std::time::Duration;

use contracts::SessionId;
use kernel::{Clock, Rng, Timestamp};
use service::{ClientAddress, Grant, Principal, RequestContext, Revocation, Revocations, Settings};
use store::{AuditEntry, Db, Tx};

use crate::error::Error;
use crate::hasher::{Hasher, PasswordCost};
use crate::key_ring::KeyRing;
use crate::model::refresh::{Lifetimes, SessionRules};
use crate::throttle::Throttle;

/// The password must have been shown within this time for what is dangerous (ASVS 7.5).
const FRESH_LOGIN: Duration = Duration::from_secs(300);

/// Everything that auth has in its hands.
#[derive(Debug)]
pub(crate) struct App {
    /// Its tables.
    pub db: Db,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub rng: Arc<dyn Rng>,
    /// The thread of Argon2id.
    pub hasher: Hasher,
    /// The signing keys.
    pub keys: Arc<KeyRing>,
    /// What is refused from now on.
    pub revocations: Arc<Revocations>,
    /// Attempts.
    pub throttle: Throttle,
    /// How long sessions live.
    pub rules: SessionRules,
    /// How many living sessions one person has at most.
    pub sessions_max: usize,
    /// Where the site's own pages come from (`https://example.org`).
    pub origins: Vec<String>,
}

/// What a person signs in with, beside the password.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    /// What it calls itself.
    pub name: String,
    /// Where it is.
    pub address: ClientAddress,
}

/// The sessions that a transaction ended, each with its moment.
pub(crate) type Ended = Vec<(SessionId, Timestamp)>;

impl App {
    /// Reads what is configured.
    #[must_use]
    pub(crate) fn new(
        db: Db,
        settings: &Settings,
        cost: PasswordCost,
        keys: Arc<KeyRing>,
        revocations: Arc<Revocations>,
    ) -> Self {
        let (clock, rng) = (Arc::clone(db.clock()), Arc::clone(db.rng()));
        let whole = |key| usize::try_from(settings.int(key)).unwrap_or(usize::MAX);
        let lifetimes =
            |idle, absolute| Lifetimes { idle: settings.duration(idle), absolute: settings.duration(absolute) };
        Self {
            hasher: Hasher::start(whole("auth.hash_queue_max"), cost, Arc::clone(&rng)),
            throttle: Throttle::new(settings),
            rules: SessionRules {
                guest: lifetimes("auth.guest_idle", "auth.guest_absolute"),
                staff: lifetimes("auth.staff_idle", "auth.staff_absolute"),
            },
            sessions_max: whole("auth.sessions_max"),
            origins: settings.list("auth.origins").to_vec(),
            db,
            clock,
            rng,
            keys,
            revocations,
        }
    }

    /// How long a session of somebody with these grants lives.
    #[must_use]
    pub(crate) fn lifetimes(&self, grants: &[Grant]) -> Lifetimes {
        if grants.is_empty() { self.rules.guest } else { self.rules.staff }
    }

    /// Refuses unless the password was shown just now.
    ///
    /// # Errors
    ///
    /// [`Error::FreshLoginRequired`].
    pub(crate) fn require_fresh_login(&self, principal: &Principal) -> Result<(), Error> {
        let age = self.clock.now().since(principal.auth_time);
        if age <= FRESH_LOGIN { Ok(()) } else { Err(Error::FreshLoginRequired) }
    }

    /// Runs a transaction that ends sessions, and refuses their access tokens from the commit on (AUT-2).
    ///
    /// It runs to its end even if the caller hangs up in between: a session that is ended in the table and not in
    /// memory would live until the next refresh.
    ///
    /// # Errors
    ///
    /// The closure's and the store's.
    pub(crate) async fn write_and_revoke<T, F>(&self, closure: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<(T, Ended), Error> + Send + 'static,
    {
        let (db, revocations) = (self.db.clone(), Arc::clone(&self.revocations));
        let work = async move {
            let (value, ended) = db.write(closure).await?;
            for (session, at) in ended {
                revocations.add(Revocation::Session { id: session.to_string(), at });
            }
            Ok(value)
        };
        // Without a runtime (the simulation) nobody can hang up.
        if tokio::runtime::Handle::try_current().is_err() {
            return work.await;
        }
        match tokio::spawn(work).await {
            Ok(outcome) => outcome,
            Err(failure) => std::panic::resume_unwind(failure.into_panic()),
        }
    }
}

/// A row of the audit trail that names the current request. To be made outside of a transaction's closure, which
/// runs on another thread.
#[must_use]
pub(crate) fn audit(actor: impl ToString, action: &'static str, subject: impl ToString) -> AuditEntry {
    audit_of(RequestContext::current(), action, (actor, subject))
}

/// The same for a request that is named.
#[must_use]
pub(crate) fn audit_of(
    request: Option<RequestContext>,
    action: &'static str,
    (actor, subject): (impl ToString, impl ToString),
) -> AuditEntry {
    let entry = AuditEntry::new(actor.to_string(), action, subject.to_string());
    match request {
        Some(context) => entry.request(context.id.to_string()),
        None => entry,
    }
}
