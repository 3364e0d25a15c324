//! Every statement of a consumer's work, and its rows. What people ask of the log has its statements beside it.

use kernel::Timestamp;
use store::{Row, StoreError, Tx, params, statements};

use crate::{Delivered, LogError};

/// The longest reason that is kept with a parked event, characters.
const REASON_LEN_MAX: usize = 1000;

statements! {
    /// The places of a consumer, one per topic.
    POSITIONS = "
        SELECT topic, position, counted_from
        FROM event_positions
        WHERE consumer = $1";

    /// The same, so that nobody else moves them before this transaction ends.
    LOCK_POSITIONS = "
        SELECT topic, position, counted_from
        FROM event_positions
        WHERE consumer = $1
        ORDER BY topic
        FOR UPDATE";

    /// Everybody who has a place.
    CONSUMERS = "
        SELECT DISTINCT consumer
        FROM event_positions
        ORDER BY consumer";

    /// A consumer that is new on a topic begins with the oldest event there.
    REGISTER = "
        INSERT INTO event_positions (consumer, topic, position, counted_from, handled, moved_at)
        VALUES ($1, $2, 0, 0, 0, $3)
        ON CONFLICT (consumer, topic) DO NOTHING";

    /// Moves a position and counts what was handled on the way.
    MOVE_POSITION = "
        UPDATE event_positions
        SET position = $3, handled = handled + $4, moved_at = $5
        WHERE consumer = $1 AND topic = $2";

    /// On SQLite: the next events of one topic, and whether an event of the same key stands parked before them.
    NEXT_EVENTS = "
        SELECT e.seq, e.id, e.topic, e.kind, e.source, e.key, e.time_at, e.payload, e.traceparent, 0,
            CASE WHEN EXISTS (
                SELECT 1 FROM event_retries r WHERE r.consumer = $1 AND r.event_key = e.key
            ) THEN 1 ELSE 0 END
        FROM events e
        WHERE e.topic = $2 AND e.seq > $3 AND e.seq <= $4
        ORDER BY e.seq
        LIMIT $5";

    /// The parked events that are first of their key, soonest first; due or not.
    WAITING = "
        SELECT e.seq, e.id, e.topic, e.kind, e.source, e.key, e.time_at, e.payload, e.traceparent, r.tries, r.next_at
        FROM event_retries r
        JOIN events e ON e.seq = r.seq
        WHERE r.consumer = $1 AND r.state = 'waiting'
        ORDER BY r.next_at, r.seq
        LIMIT $2";

    /// An event that failed at its first try, or that others have overtaken while its call was under way.
    PARK = "
        INSERT INTO event_retries
            (consumer, seq, topic, event_id, event_key, state, tries, next_at, first_seen_at, reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

    /// An event whose key is parked. If its predecessor has gone in the meantime, it is the first of its key.
    PARK_BEHIND = "
        INSERT INTO event_retries
            (consumer, seq, topic, event_id, event_key, state, tries, next_at, first_seen_at, reason)
        SELECT $1, $2, $3, $4, $5,
            CASE WHEN EXISTS (
                SELECT 1 FROM event_retries r WHERE r.consumer = $1 AND r.event_key = $5
            ) THEN 'behind' ELSE 'waiting' END,
            0, $6, $6, ''";

    /// A parked event failed again.
    FAIL_AGAIN = "
        UPDATE event_retries
        SET state = $3, tries = $4, next_at = $5, reason = $6
        WHERE consumer = $1 AND seq = $2 AND state = 'waiting'";

    /// A parked event is handled.
    UNPARK = "
        DELETE FROM event_retries
        WHERE consumer = $1 AND seq = $2 AND state = 'waiting'";

    /// The event behind the one that left becomes the first of its key.
    PROMOTE = "
        UPDATE event_retries
        SET state = 'waiting', next_at = $3
        WHERE consumer = $1 AND state = 'behind' AND seq = (
            SELECT MIN(r.seq) FROM event_retries r WHERE r.consumer = $1 AND r.event_key = $2)";

    /// The end of the log as SQLite sees it: one writer, so numbers are in commit order.
    LATEST = "SELECT COALESCE(MAX(seq), 0) FROM events";

    /// What SQLite shows beyond a place, by topic; at most so many events at once.
    BEYOND = "
        SELECT topic, MAX(seq), COUNT(*)
        FROM (SELECT topic, seq FROM events WHERE seq > $1 ORDER BY seq LIMIT $2) AS beyond
        GROUP BY topic";

    /// All events, as people read them.
    TAIL = "
        SELECT e.seq, e.id, e.topic, e.kind, e.source, e.key, e.time_at, e.payload, e.traceparent, 0
        FROM events e
        WHERE e.seq > $1 AND e.seq <= $2
        ORDER BY e.seq
        LIMIT $3";

    /// The events of a topic, as people read them.
    TAIL_TOPIC = "
        SELECT e.seq, e.id, e.topic, e.kind, e.source, e.key, e.time_at, e.payload, e.traceparent, 0
        FROM events e
        WHERE e.topic = $1 AND e.seq > $2 AND e.seq <= $3
        ORDER BY e.seq
        LIMIT $4";
}

/// Where a consumer stands on a topic. Several are compared in the order of their topics, as bytes: the databases' own
/// orders differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TopicPosition {
    pub(crate) topic: String,
    /// The last event that is handled or parked.
    pub(crate) position: i64,
    /// Events up to here have left the count of `EVT-3`: pruned, or before a replay.
    pub(crate) counted_from: i64,
}

pub(crate) fn topic_position(row: &Row<'_>) -> Result<TopicPosition, StoreError> {
    topic_position_at(row, 0)
}

/// The columns of a position, from the one with this index on.
pub(crate) fn topic_position_at(row: &Row<'_>, first: usize) -> Result<TopicPosition, StoreError> {
    Ok(TopicPosition { topic: row.get(first)?, position: row.get(first + 1)?, counted_from: row.get(first + 2)? })
}

/// The columns that every reading of events begins with.
pub(crate) fn delivered(row: &Row<'_>) -> Result<Delivered, StoreError> {
    Ok(Delivered {
        seq: row.get(0)?,
        id: row.get(1)?,
        topic: row.get(2)?,
        kind: row.get(3)?,
        source: row.get(4)?,
        key: row.get(5)?,
        time: row.get(6)?,
        payload: row.get::<String>(7)?.into_boxed_str(),
        traceparent: row.get(8)?,
        tries: row.get(9)?,
    })
}

/// How an event stands in `event_retries`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parking {
    pub(crate) state: &'static str,
    pub(crate) tries: u32,
    pub(crate) next_at: Timestamp,
    pub(crate) reason: String,
}

impl Parking {
    pub(crate) fn waiting(tries: u32, next_at: Timestamp, reason: &str) -> Self {
        Self { state: "waiting", tries, next_at, reason: reason.chars().take(REASON_LEN_MAX).collect() }
    }

    pub(crate) fn dead(tries: u32, now: Timestamp, reason: &str) -> Self {
        Self { state: "dead", ..Self::waiting(tries, now, reason) }
    }

    /// Not a failure: its call has not come back yet. If this process dies, the event is called again from here.
    pub(crate) fn under_way(now: Timestamp) -> Self {
        Self::waiting(0, now, "under way")
    }
}

pub(crate) fn park(tx: &mut Tx<'_>, consumer: &str, event: &Delivered, parking: &Parking) -> Result<(), StoreError> {
    let now = tx.now();
    let Parking { state, tries, next_at, reason } = parking;
    let Delivered { seq, topic, id, key, .. } = event;
    tx.execute_later(&PARK, &params![consumer, seq, topic, id, key, *state, tries, next_at, now, reason])
}

pub(crate) fn park_behind(tx: &mut Tx<'_>, consumer: &str, event: &Delivered) -> Result<(), StoreError> {
    let now = tx.now();
    let Delivered { seq, topic, id, key, .. } = event;
    tx.execute_later(&PARK_BEHIND, &params![consumer, seq, topic, id, key, now])
}

pub(crate) fn fail_again(
    tx: &mut Tx<'_>,
    consumer: &str,
    event: &Delivered,
    parking: &Parking,
) -> Result<u64, StoreError> {
    let Parking { state, tries, next_at, reason } = parking;
    tx.execute(&FAIL_AGAIN, &params![consumer, event.seq, *state, tries, next_at, reason])
}

/// What is said of a consumer that is not there: the names of those that are.
pub(crate) fn no_such_consumer(tx: &mut Tx<'_>, asked: &str) -> Result<LogError, StoreError> {
    let known = tx.list(&CONSUMERS, &params![], |row| row.get(0))?;
    Ok(LogError::NoSuchConsumer { asked: asked.to_owned(), known })
}
