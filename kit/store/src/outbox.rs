//! Events on their way into the log: rows of `events`, committed with the change that they tell of.
//!
//! Columns: `seq` (the position; on PostgreSQL drawn after the transaction's xid was taken, decision 10), `xid`
//! (PostgreSQL only), `id` (`evt_…`), `topic`, `kind` (CloudEvents `type`), `source`, `key` (order is kept per key;
//! CloudEvents `subject`), `time_at`, `traceparent`, `payload` (JSON), indexed by `(topic, seq)`. The reader is
//! `kit/eventlog`.

use kernel::{Event, Id, IdKind, Rng, Timestamp};

use crate::{Param, Statement, StoreError, params};

/// What identifies an event.
#[derive(Debug)]
pub enum EventKind {}

impl IdKind for EventKind {
    const PREFIX: &'static str = "evt";
}

/// `evt_…`
pub type EventId = Id<EventKind>;

/// An event on SQLite; on PostgreSQL all events of a transaction go in with one statement of the session's.
pub(crate) static INSERT_EVENT: Statement = Statement {
    name: "INSERT_EVENT",
    sql: "INSERT INTO events (id, topic, kind, source, key, time_at, traceparent, payload) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
};

/// A published event that waits for the end of its transaction.
#[derive(Debug)]
pub(crate) struct PendingEvent {
    pub(crate) id: EventId,
    pub(crate) topic: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) source: &'static str,
    pub(crate) key: String,
    pub(crate) time_at: Timestamp,
    pub(crate) payload: String,
    /// The trace that it belongs to, if it is not the caller's.
    pub(crate) traceparent: Option<String>,
}

impl PendingEvent {
    pub(crate) fn new<E: Event>(event: &E, now: Timestamp, rng: &dyn Rng) -> Result<Self, StoreError> {
        let payload = serde_json::to_string(event).map_err(|error| StoreError::fault(E::TYPE, error.to_string()))?;
        Ok(Self {
            id: Id::new(now, rng),
            topic: E::TOPIC,
            kind: E::TYPE,
            source: E::SOURCE,
            key: event.key(),
            time_at: now,
            payload,
            traceparent: None,
        })
    }

    /// Its trace, or the caller's.
    pub(crate) fn trace<'a>(&'a self, callers: Option<&'a str>) -> Option<&'a str> {
        self.traceparent.as_deref().or(callers)
    }

    pub(crate) fn params<'a>(&'a self, callers_trace: Option<&'a str>) -> [Param<'a>; 8] {
        let traceparent = self.trace(callers_trace);
        params![self.id, self.topic, self.kind, self.source, &self.key, self.time_at, traceparent, &self.payload]
    }
}
