//! What only PostgreSQL is asked (see [`crate::frontier`]).

use store::{Row, StoreError, statements};

use crate::frontier::Sight;

/// How many events are looked for at once.
macro_rules! batch_max {
    () => {
        32
    };
}

/// The most events in one transaction. All of them hold the SQLite writer, and their row locks on PostgreSQL, until the
/// last one is through.
pub(crate) const BATCH_MAX: usize = batch_max!();

statements! {
    /// One statement, so one snapshot: who is running, and what stands beyond `$1`, so many events at most. Were they
    /// more, a plan for any `$1` would look so dear to the server that it would make a new one for each look.
    SIGHT = "
        SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
            COALESCE(MAX(seq) FILTER (WHERE seq = $1 + place), $1),
            COALESCE(MAX(seq), $1),
            CASE WHEN COUNT(*) = 50 THEN 1 ELSE 0 END,
            COALESCE(STRING_AGG(DISTINCT topic, CHR(10)) FILTER (WHERE seq = $1 + place), '')
        FROM (
            SELECT seq, topic, ROW_NUMBER() OVER (ORDER BY seq) AS place
            FROM events
            WHERE seq > $1
            ORDER BY seq
            LIMIT 50
        ) AS beyond";

    /// A consumer's look in one round trip: its positions, each beside the next events of its topic or by itself, and the
    /// parked events as [`WAITING`](crate::rows::WAITING) finds them. Topic and place are compared as one, which only the
    /// index of both can look up: while the server's idea of the log is old, it may think that reading the other topics'
    /// events as well costs nothing, and read the whole log for a topic where nothing happens. The limits are no parameters:
    /// a plan for any limit looks so dear to the server that it would make a new one each time, which takes it longer than
    /// the look itself.
    LOOK = concat!("
        SELECT e.seq, e.id, e.topic, e.kind, e.source, e.key, e.time_at, e.payload, e.traceparent, 0,
            e.blocked, NULL::bigint, p.topic, p.position, p.counted_from
        FROM event_positions p
        LEFT JOIN LATERAL (
            SELECT n.seq, n.id, n.topic, n.kind, n.source, n.key, n.time_at, n.payload, n.traceparent,
                CASE WHEN EXISTS (
                    SELECT 1 FROM event_retries r WHERE r.consumer = $1 AND r.event_key = n.key
                ) THEN 1 ELSE 0 END AS blocked
            FROM events n
            WHERE (n.topic, n.seq) > (p.topic, p.position) AND (n.topic, n.seq) <= (p.topic, $3)
                AND p.topic = ANY (STRING_TO_ARRAY($2, CHR(10)))
            ORDER BY n.topic, n.seq
            LIMIT ", batch_max!(), "
        ) AS e ON TRUE
        WHERE p.consumer = $1
        UNION ALL
        (SELECT e.seq, e.id, e.topic, e.kind, e.source, e.key, e.time_at, e.payload, e.traceparent, r.tries,
            0, r.next_at, NULL, NULL, NULL
        FROM event_retries r
        JOIN events e ON e.seq = r.seq
        WHERE r.consumer = $1 AND r.state = 'waiting'
        ORDER BY r.next_at, r.seq
        LIMIT ", batch_max!(), ")");

    /// A transaction id of the reader's own.
    OWN_XID = "SELECT pg_current_xact_id()::text::bigint";
}

pub(crate) fn sight(row: &Row<'_>) -> Result<Sight, StoreError> {
    let topics: String = row.get(4)?;
    Ok(Sight {
        xmin: row.get(0)?,
        unbroken_to: row.get(1)?,
        highest: row.get(2)?,
        is_cut: row.get(3)?,
        topics: topics.lines().map(str::to_owned).collect(),
    })
}
