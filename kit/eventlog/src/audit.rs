//! The invariants of the log, recomputed: `EVT-2`, `EVT-3` and `EVT-4` of `docs/invariants.md`.
//!
//! Each statement is its own proof: it reads both sides of the equation at one moment. The count of `EVT-3` holds at every
//! commit; that nothing is left to deliver holds when all is quiet, and is a function of its own ([`undelivered`]).

pub(crate) mod sql;
mod walk;

use std::collections::BTreeSet;

use store::{Row, Snapshot, Statement, StoreError, params};

use self::sql::{BEHIND_NOTHING, COUNTS, ORPHANS, OVERTAKEN, TWO_FIRST, UNDELIVERED_KEYS};
pub use self::walk::{SURELY_KEPT, walk};

/// A row that breaks an invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The invariant.
    pub id: &'static str,
    /// The row: `consumer payments.new-orders, event evt_01h…`.
    pub subject: String,
    /// The key whose events could still mend it.
    pub key: Option<String>,
    /// What is and what should be.
    pub message: String,
}

/// An audit names so many rows of a kind; the first ones say enough.
const FINDINGS_MAX: u32 = 100;

/// The keys of events that some consumer has not had and will still have: not read yet, or waiting for their next try.
/// What waits behind a dead letter waits for a person, and excuses nothing.
///
/// # Errors
/// Those of the store.
pub fn undelivered_keys(snapshot: &mut Snapshot<'_>) -> Result<BTreeSet<String>, StoreError> {
    let mut keys = BTreeSet::new();
    snapshot.each(&UNDELIVERED_KEYS, &[], |row| {
        keys.insert(row.get(0)?);
        Ok(())
    })?;
    Ok(keys)
}

/// `EVT-2`: order per key is kept. Nothing was handled past a parked event of its key, and of each key one event at a
/// time is tried.
///
/// # Errors
/// Those of the store.
pub fn evt_2(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    let mut findings = find(snapshot, &OVERTAKEN, |row| {
        row.finding("EVT-2", |before| format!("it was handled although {before}, before it in its key, is parked"))
    })?;
    findings.extend(find(snapshot, &TWO_FIRST, |row| {
        row.finding("EVT-2", |before| format!("it is tried although {before}, before it in its key, is not settled"))
    })?);
    Ok(findings)
}

/// `EVT-3`: per consumer, what was applied and what is parked is what was published up to its position, in the window
/// that is kept.
///
/// # Errors
/// Those of the store.
pub fn evt_3(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    let mut findings: Vec<Finding> =
        snapshot.list(&COUNTS, &[], counts)?.iter().filter_map(Counts::difference).collect();
    findings.extend(find(snapshot, &ORPHANS, |row| {
        row.finding("EVT-3", |_| "it is parked, and its event is gone or not reached yet".to_owned())
    })?);
    Ok(findings)
}

/// `EVT-3` of a log that is at rest: nothing is left to deliver.
///
/// # Errors
/// Those of the store.
pub fn undelivered(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    Ok(snapshot.list(&COUNTS, &[], counts)?.iter().filter_map(Counts::lag).collect())
}

/// `EVT-4`: a poison event blocks only its own key. What waits, waits behind an event of its key.
///
/// # Errors
/// Those of the store.
pub fn evt_4(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    find(snapshot, &BEHIND_NOTHING, |row| {
        row.finding("EVT-4", |_| "it waits, and no event of its key stands before it".to_owned())
    })
}

/// A row of the statements that find single events.
struct Found {
    consumer: String,
    event_id: String,
    key: String,
    other: String,
}

impl Found {
    fn finding(self, id: &'static str, message: impl FnOnce(&str) -> String) -> Finding {
        Finding {
            id,
            subject: format!("consumer {}, event {}", self.consumer, self.event_id),
            message: message(&self.other),
            key: Some(self.key),
        }
    }
}

fn find(
    snapshot: &mut Snapshot<'_>,
    statement: &'static Statement,
    finding: fn(Found) -> Finding,
) -> Result<Vec<Finding>, StoreError> {
    snapshot.list(statement, &params![FINDINGS_MAX], |row| {
        Ok(finding(Found { consumer: row.get(0)?, event_id: row.get(1)?, key: row.get(2)?, other: row.get(3)? }))
    })
}

struct Counts {
    consumer: String,
    topic: String,
    handled: i64,
    parked: i64,
    published: i64,
    undelivered: i64,
    first_undelivered: i64,
}

fn counts(row: &Row<'_>) -> Result<Counts, StoreError> {
    Ok(Counts {
        consumer: row.get(0)?,
        topic: row.get(1)?,
        handled: row.get(2)?,
        parked: row.get(3)?,
        published: row.get(4)?,
        undelivered: row.get(5)?,
        first_undelivered: row.get(6)?,
    })
}

impl Counts {
    fn difference(&self) -> Option<Finding> {
        let Self { handled, parked, published, .. } = self;
        let message = format!(
            "{published} events were published up to its position, {handled} were handled and {parked} are parked"
        );
        (handled + parked != *published).then(|| finding(self.place(), message))
    }

    /// The event is part of the name, so that a consumer that moves is not taken for one that stands.
    fn lag(&self) -> Option<Finding> {
        let subject = || format!("{}, from event number {}", self.place(), self.first_undelivered);
        let message = || format!("{} events have not been delivered", self.undelivered);
        (self.undelivered > 0).then(|| finding(subject(), message()))
    }

    fn place(&self) -> String {
        format!("consumer {}, topic {}", self.consumer, self.topic)
    }
}

const fn finding(subject: String, message: String) -> Finding {
    Finding { id: "EVT-3", subject, key: None, message }
}
