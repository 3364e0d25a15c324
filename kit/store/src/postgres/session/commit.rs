//! The end of a write transaction: events, `COMMIT`, and what to believe when the answer is lost (decision 2).

use std::time::Duration;

use futures_util::future::join3;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Statement as Prepared};

use crate::outbox::PendingEvent;
use crate::postgres::errors::{self, Failed, Then};
use crate::postgres::session::pipeline::{self, dynamic};
use crate::postgres::session::{Open, Session, block_on, no_connection};
use crate::{Statement, StoreError};

/// What became of a transaction.
pub(crate) enum Committed {
    /// It stands.
    Yes,
    /// It does not, and why.
    No(Failed),
    /// Nobody can say.
    Unknown(StoreError),
}

/// All events of a transaction, in the order in which they were published.
static INSERT_EVENTS: Statement = Statement {
    name: "INSERT_EVENTS",
    sql: "INSERT INTO samovar_log.events (xid, id, topic, kind, source, key, time_at, traceparent, payload) \
        SELECT pg_catalog.pg_current_xact_id()::text::bigint, fresh.id, fresh.topic, fresh.kind, fresh.source, \
        fresh.key, $8, fresh.traceparent, fresh.payload \
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) \
        WITH ORDINALITY AS fresh (id, topic, kind, source, key, payload, traceparent, place) ORDER BY fresh.place",
};

/// One event: most transactions publish no more, and a list of one costs the server twice as much.
static INSERT_ONE_EVENT: Statement = Statement {
    name: "INSERT_ONE_EVENT",
    sql: "INSERT INTO samovar_log.events (xid, id, topic, kind, source, key, time_at, traceparent, payload) \
        VALUES (pg_catalog.pg_current_xact_id()::text::bigint, $1, $2, $3, $4, $5, $6, $7, $8)",
};

/// How often and how far apart the fate of a transaction is asked for.
/// Longer than a statement that travelled with `COMMIT` may wait for a lock.
const ASKS_MAX: u32 = 50;
const ASK_EVERY: Duration = Duration::from_millis(100);

/// What the server knows about a transaction.
enum Fate {
    Committed,
    Aborted,
    /// The server is still at it, or has not noticed yet that nobody is there any more.
    Open,
    /// Too long ago, or another server.
    Forgotten,
}

impl Session {
    /// Sends what is queued, inserts the events and commits, in one round trip.
    pub(crate) fn commit(&mut self, events: &[PendingEvent], traceparent: Option<&str>) -> Committed {
        let insert = match self.prepare_commit(events) {
            Ok(insert) => insert,
            Err(failed) => return Committed::No(failed),
        };
        let queued = std::mem::take(&mut self.queued);
        let xid = match std::mem::replace(&mut self.open, Open::No) {
            Open::Yes { xid } => xid.unwrap_or_default(),
            // Nothing was asked of the server, so there is nothing to keep.
            Open::No => return Committed::Yes,
        };
        let Some(connection) = &self.connection else { return Committed::No(no_connection()) };
        let client = &connection.link.client;
        let mut is_sent = false;
        let committing = async {
            let before = match pipeline::start(client, &queued).await {
                Ok(before) => before,
                Err(failed) => return Ok(Err(failed)),
            };
            let mut insert =
                match pipeline::first_poll(insert_events(client, insert.as_ref(), events, traceparent)).await {
                    Ok(insert) => insert,
                    Err(error) => return Ok(Err(errors::failure(&error, INSERT_EVENTS.name))),
                };
            is_sent = true;
            // COMMIT is under way before the answers to the others: if one of them failed, COMMIT rolls back.
            let (before, (), committed) = join3(before.end(), insert.as_mut(), client.batch_execute("COMMIT")).await;
            let inserted = insert.as_mut().take_output().unwrap_or(Ok(()));
            let committed = inserted.and(committed).map_err(|error| errors::failure(&error, "COMMIT"));
            Ok(before.and(committed))
        };
        let committed = block_on(&self.runtime, &self.connector, "COMMIT", committing).flatten();
        match committed {
            Ok(()) => Committed::Yes,
            // COMMIT was never sent. The transaction is open still, and not worth a word more.
            Err(failed) if !is_sent => {
                self.disconnect();
                Committed::No(failed)
            }
            // The connection is gone, with COMMIT on its way.
            Err(Failed { then: Then::Reconnect, error }) => {
                self.disconnect();
                self.ask(&xid, &error)
            }
            Err(failed) => Committed::No(failed),
        }
    }

    /// Everything that must be there before `COMMIT` can be sent.
    fn prepare_commit(&mut self, events: &[PendingEvent]) -> Result<Option<Prepared>, Failed> {
        // COMMIT must not be under way when the count of a statement may still forbid it.
        let is_open = matches!(self.open, Open::Yes { .. });
        if !is_open || self.queued.iter().any(|queued| queued.otherwise.is_some()) {
            self.flush().map_err(|error| self.failure.take().unwrap_or(Failed::tell(error)))?;
        }
        if events.is_empty() {
            return Ok(None);
        }
        let insert = self.prepared(if events.len() == 1 { &INSERT_ONE_EVENT } else { &INSERT_EVENTS })?;
        if let Some(opening) = self.opening()? {
            let connection = self.connection.as_ref().ok_or_else(no_connection)?;
            let opened = block_on(&self.runtime, &self.connector, opening.begin, opening.send(&connection.link.client));
            self.open = Open::Yes { xid: opened.map_err(|failed| self.half_open(failed))? };
        }
        Ok(Some(insert))
    }

    /// Asks a new connection what became of a transaction.
    fn ask(&self, xid: &str, cause: &StoreError) -> Committed {
        let mut last = cause.clone();
        for _ in 0..ASKS_MAX {
            match self.fate(xid) {
                Ok(Fate::Committed) => return Committed::Yes,
                Ok(Fate::Aborted) => return Committed::No(Failed::lost(cause.clone())),
                Ok(Fate::Forgotten) => break,
                Ok(Fate::Open) => {}
                Err(error) => last = error,
            }
            std::thread::park_timeout(ASK_EVERY);
        }
        Committed::Unknown(StoreError::OutcomeUnknown { reason: format!("transaction {xid}: {last}") })
    }

    fn fate(&self, xid: &str) -> Result<Fate, StoreError> {
        let link = self.connector.connect(&self.runtime)?;
        let asking = async { link.client.query_one("SELECT pg_catalog.pg_xact_status($1::text::xid8)", &[&xid]).await };
        let answer = block_on(&self.runtime, &self.connector, "pg_xact_status", asking);
        link.close(&self.runtime);
        let row = answer.map_err(|failed| failed.error)?;
        Ok(match row.get(0) {
            Some("committed") => Fate::Committed,
            Some("aborted") => Fate::Aborted,
            Some(_) => Fate::Open,
            None => Fate::Forgotten,
        })
    }
}

async fn insert_events(
    client: &Client,
    insert: Option<&Prepared>,
    events: &[PendingEvent],
    traceparent: Option<&str>,
) -> Result<(), Error> {
    let (Some(insert), Some(first)) = (insert, events.first()) else { return Ok(()) };
    if let [only] = events {
        return client.execute_raw(insert, dynamic(&only.params(traceparent))).await.map(drop);
    }
    let ids: Vec<_> = events.iter().map(|event| event.id.to_string()).collect();
    let topics: Vec<_> = events.iter().map(|event| event.topic).collect();
    let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
    let sources: Vec<_> = events.iter().map(|event| event.source).collect();
    let keys: Vec<_> = events.iter().map(|event| event.key.as_str()).collect();
    let payloads: Vec<_> = events.iter().map(|event| event.payload.as_str()).collect();
    let traces: Vec<_> = events.iter().map(|event| event.trace(traceparent)).collect();
    let time_at = first.time_at.as_micros();
    let params: [&(dyn ToSql + Sync); 8] = [&ids, &topics, &kinds, &sources, &keys, &payloads, &traces, &time_at];
    client.execute(insert, &params).await.map(drop)
}
