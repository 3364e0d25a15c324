//! What only PostgreSQL is asked (see [`crate::frontier`]).

use store::{Row, StoreError, statements};

use crate::frontier::Sight;

statements! {
    /// One statement, so one snapshot: who is running, and what stands beyond `$1`.
    SIGHT = "
        SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
            COALESCE(MAX(seq) FILTER (WHERE seq = $1 + place), $1),
            COALESCE(MAX(seq), $1),
            CASE WHEN COUNT(*) = 1000 THEN 1 ELSE 0 END,
            COALESCE(STRING_AGG(DISTINCT topic, CHR(10)) FILTER (WHERE seq = $1 + place), '')
        FROM (
            SELECT seq, topic, ROW_NUMBER() OVER (ORDER BY seq) AS place
            FROM events
            WHERE seq > $1
            ORDER BY seq
            LIMIT 1000
        ) AS beyond";

    /// [`NEXT_EVENTS`](crate::rows::NEXT_EVENTS). Topic and place are compared as one, which only the index of both can
    /// look up: while the server's idea of the log is old, it may think that reading the other topics' events as well
    /// costs nothing, and read the whole log for a topic where nothing happens.
    NEXT_EVENTS_ON_SERVER = "
        SELECT e.seq, e.id, e.topic, e.kind, e.source, e.key, e.time_at, e.payload, e.traceparent, 0,
            CASE WHEN EXISTS (
                SELECT 1 FROM event_retries r WHERE r.consumer = $1 AND r.event_key = e.key
            ) THEN 1 ELSE 0 END
        FROM events e
        WHERE (e.topic, e.seq) > ($2, $3) AND (e.topic, e.seq) <= ($2, $4)
        ORDER BY e.topic, e.seq
        LIMIT $5";

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
