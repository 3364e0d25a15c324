//! What only PostgreSQL is asked (see [`crate::frontier`]).

use store::{Row, StoreError, statements};

use crate::frontier::Sight;

statements! {
    /// One statement, so one snapshot: who is running, and what stands beyond `$1`.
    SIGHT = "
        SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
            COALESCE(MAX(seq) FILTER (WHERE seq = $1 + place), $1),
            COALESCE(MAX(seq), $1)
        FROM (
            SELECT seq, ROW_NUMBER() OVER (ORDER BY seq) AS place
            FROM events
            WHERE seq > $1
            ORDER BY seq
            LIMIT 1000
        ) AS beyond";

    /// A transaction id of the reader's own.
    OWN_XID = "SELECT pg_current_xact_id()::text::bigint";
}

pub(crate) fn sight(row: &Row<'_>) -> Result<Sight, StoreError> {
    Ok(Sight { xmin: row.get(0)?, unbroken_to: row.get(1)?, highest: row.get(2)? })
}
