//! Which instance runs a consumer: one at a time, by a lease row each (decision 15).
//!
//! The lease keeps two processes from doing the same work, no more: that an event counts once rests on the positions
//! (see [`crate::settle`]), so a holder that was frozen and wakes up late can do no harm.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kernel::Timestamp;
use store::lease::{self, Lease};
use store::{Db, StoreError, Tx};

/// How long a lease lasts, and how often it is asked for.
#[derive(Clone, Copy, Debug)]
struct Terms {
    lasts: Duration,
    renewed_every: Duration,
    asked_every: Duration,
}

/// Between servers side by side: another one takes over after six seconds.
const SHARED: Terms =
    Terms { lasts: Duration::from_secs(6), renewed_every: Duration::from_secs(2), asked_every: Duration::from_secs(1) };

/// A SQLite file has one server, which takes its own leases over at once when it is started again; so they need not be
/// renewed, and the disk not be woken, every other second.
const ALONE: Terms = Terms {
    lasts: Duration::from_secs(60),
    renewed_every: Duration::from_secs(20),
    asked_every: Duration::from_secs(5),
};

/// The leases of one runner.
#[derive(Debug)]
pub(crate) struct Tenure {
    db: Db,
    owner: String,
    terms: Terms,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    leases: BTreeMap<&'static str, Option<Lease>>,
    next_at: Option<Timestamp>,
}

impl Tenure {
    pub(crate) fn new(db: Db, owner: String) -> Self {
        let terms = if db.is_postgres() { SHARED } else { ALONE };
        Self { db, owner, terms, state: Mutex::default() }
    }

    /// This consumer is to be run too; its lease is taken at the next [`Tenure::keep`].
    pub(crate) fn add(&self, consumer: &'static str) {
        let mut state = self.state();
        state.leases.insert(consumer, None);
        state.next_at = None;
    }

    pub(crate) fn holds(&self, consumer: &str, now: Timestamp) -> bool {
        let held_until = |lease: &Option<Lease>| lease.as_ref().is_some_and(|lease| lease.until > now);
        self.state().leases.get(consumer).is_some_and(held_until)
    }

    /// When [`Tenure::keep`] has something to do again.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.state().next_at
    }

    /// Renews what is held and asks for what is not, all in one transaction, when it is time. Says whether a lease
    /// was gained.
    pub(crate) fn keep(&self, now: Timestamp) -> Result<bool, StoreError> {
        let before = {
            let state = self.state();
            if state.leases.is_empty() || state.next_at.is_some_and(|at| now < at) {
                return Ok(false);
            }
            state.leases.clone()
        };
        let (owner, lasts) = (self.owner.clone(), self.terms.lasts);
        let asked = before.clone();
        let after = self.db.write_blocking(move |tx| {
            asked.iter().map(|(name, held)| Ok((*name, renewed(tx, name, held.as_ref(), (&owner, lasts))?))).collect()
        });
        let after: BTreeMap<&'static str, Option<Lease>> = after.inspect_err(|_| self.try_again(now))?;
        let gained = after.iter().any(|(name, lease)| lease.is_some() && before.get(name).is_none_or(Option::is_none));
        let every = if after.values().all(Option::is_some) { self.terms.renewed_every } else { self.terms.asked_every };
        *self.state() = State { leases: after, next_at: Some(now.plus(every)) };
        Ok(gained)
    }

    /// Lets another instance take over at once.
    pub(crate) fn give_back(&self) -> Result<(), StoreError> {
        let leases: Vec<Lease> = std::mem::take(&mut *self.state()).leases.into_values().flatten().collect();
        self.db.write_blocking(move |tx| leases.iter().try_for_each(|lease| lease::release(tx, lease)))
    }

    fn try_again(&self, now: Timestamp) {
        self.state().next_at = Some(now.plus(self.terms.asked_every));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lease renewed, or taken if nobody else holds it.
fn renewed(
    tx: &mut Tx<'_>,
    consumer: &str,
    held: Option<&Lease>,
    ask: (&str, Duration),
) -> Result<Option<Lease>, StoreError> {
    let (owner, lasts) = ask;
    if let Some(lease) = held {
        match lease::renew(tx, lease, lasts) {
            Ok(lease) => return Ok(Some(lease)),
            Err(StoreError::LeaseLost { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    lease::acquire(tx, &format!("consumer/{consumer}"), owner, lasts)
}
