//! The end of a write transaction: events, `COMMIT`, and what to believe when the answer is lost (decision 2).

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::types::ToSql;

use crate::outbox::PendingEvent;
use crate::postgres::errors::{Failed, Then};
use crate::postgres::session::{Access, Form, Open, Role, Session, UnderWay, no_connection};
use crate::postgres::values::dynamic;
use crate::postgres::wire::{Prepared, Wire};
use crate::{Statement, StoreError, params};

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

const FATE: &str = "SELECT pg_catalog.pg_xact_status($1::text::xid8)";

/// How often and how far apart the fate of a transaction is asked for.
/// Longer than a statement that travelled with `COMMIT` may wait for a lock.
const ASKS_MAX: u32 = 50;
const ASK_EVERY: Duration = Duration::from_millis(100);

/// How it is learned what became of a transaction whose answer was lost.
enum Fated {
    /// By asking for this id.
    By(String),
    /// By running again.
    Again,
}

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
    /// Sends what is under way, inserts the events and commits, in one exchange.
    pub(crate) fn commit(&mut self, events: &[PendingEvent], traceparent: Option<&str>) -> Committed {
        let fated = match self.encode_commit(events, traceparent) {
            Ok(Some(fated)) => fated,
            // Nothing was asked of the server, so there is nothing to keep.
            Ok(None) => return Committed::Yes,
            // COMMIT was not sent.
            Err(failed) => return Committed::No(failed),
        };
        match self.exchange(&mut |_, _| {}) {
            Ok(()) if matches!(self.open, Open::No) => Committed::Yes,
            Ok(()) => {
                self.disconnect();
                Committed::No(Failed::tell(StoreError::fault("COMMIT", "the transaction is open behind it")))
            }
            // The connection is gone, with COMMIT on its way.
            Err(Failed { then: Then::Reconnect, error }) => {
                self.disconnect();
                match fated {
                    Fated::By(xid) => self.ask_fate(&xid, &error),
                    Fated::Again => Committed::No(Failed::lost(unknown(&error))),
                }
            }
            // What failed was in front of COMMIT, which was not carried out then, or COMMIT itself.
            Err(failed) => Committed::No(failed),
        }
    }

    /// Encodes everything up to `COMMIT`; how its fate is learned, or nothing when there is no transaction.
    fn encode_commit(&mut self, events: &[PendingEvent], traceparent: Option<&str>) -> Result<Option<Fated>, Failed> {
        let insert = match events {
            [] => None,
            [_] => Some(self.prepared(&INSERT_ONE_EVENT, Form::Plain)?),
            [_, _, ..] => Some(self.prepared(&INSERT_EVENTS, Form::Plain)?),
        };
        if insert.is_some() {
            self.open()?;
        }
        self.encode_last()?;
        let fated = match self.access {
            Access::WriteIdempotent | Access::WriteStep => Fated::Again,
            Access::Write | Access::Read => {
                // COMMIT must not be under way without an id to ask about.
                if let Open::Encoded = self.open {
                    self.exchange(&mut |_, _| {})?;
                }
                let Open::Yes { xid } = &self.open else { return Ok(None) };
                Fated::By(xid.clone().unwrap_or_default())
            }
        };
        if let Open::No = self.open {
            return Ok(None);
        }
        let knows_xid = matches!(fated, Fated::By(_)) || self.writes_surely;
        let connection = self.connection.as_mut().ok_or_else(no_connection)?;
        if let Some(insert) = insert {
            if !knows_xid {
                connection.control.take_xid(&mut connection.wire, &mut self.under_way)?;
            }
            let put = put_events(&mut connection.wire, &insert, events, traceparent);
            put.map_err(|reason| Failed::tell(StoreError::fault(INSERT_EVENTS.name, reason)))?;
            self.under_way.push(UnderWay { name: INSERT_EVENTS.name, role: Role::Nothing });
        }
        let put = connection.wire.put(&connection.control.commit, dynamic(&[]));
        put.map_err(|reason| Failed::tell(StoreError::fault("COMMIT", reason)))?;
        self.under_way.push(UnderWay { name: "COMMIT", role: Role::Nothing });
        Ok(Some(fated))
    }

    /// Asks a new connection what became of a transaction.
    fn ask_fate(&self, xid: &str, cause: &StoreError) -> Committed {
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
        Committed::Unknown(unknown(&last))
    }

    fn fate(&self, xid: &str) -> Result<Fate, StoreError> {
        let mut wire = self.connector.connect()?;
        let asked = wire.query(FATE, &params![xid], |row| row.get::<Option<String>>(0));
        let answer = asked.map_err(StoreError::unavailable)?.into_iter().next().flatten();
        Ok(match answer.as_deref() {
            Some("committed") => Fate::Committed,
            Some("aborted") => Fate::Aborted,
            Some(_) => Fate::Open,
            None => Fate::Forgotten,
        })
    }
}

fn unknown(cause: &StoreError) -> StoreError {
    StoreError::OutcomeUnknown { reason: cause.to_string() }
}

fn put_events(
    wire: &mut Wire,
    insert: &Arc<Prepared>,
    events: &[PendingEvent],
    traceparent: Option<&str>,
) -> Result<(), String> {
    let [first, _, ..] = events else {
        return events.first().map_or(Ok(()), |only| wire.put(insert, dynamic(&only.params(traceparent))));
    };
    let ids: Vec<_> = events.iter().map(|event| event.id.to_string()).collect();
    let topics: Vec<_> = events.iter().map(|event| event.topic).collect();
    let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
    let sources: Vec<_> = events.iter().map(|event| event.source).collect();
    let keys: Vec<_> = events.iter().map(|event| event.key.as_str()).collect();
    let payloads: Vec<_> = events.iter().map(|event| event.payload.as_str()).collect();
    let traces: Vec<_> = events.iter().map(|event| event.trace(traceparent)).collect();
    let time_at = first.time_at.as_micros();
    let params: [&(dyn ToSql + Sync); 8] = [&ids, &topics, &kinds, &sources, &keys, &payloads, &traces, &time_at];
    wire.put(insert, params.into_iter())
}
