//! Forgetting events that everybody has heard (decision 14).

use std::time::Duration;

use kernel::Timestamp;
use store::{Row, StoreError, Tx, params, statements};

use crate::{Log, rows};

/// How long an event is kept at least.
pub const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// So many events are looked at in one transaction: more would hold the writer for too long (decision 7).
const LOOKED_AT_MAX: usize = 500;

statements! {
    /// The oldest events after a place.
    OLDEST = "
        SELECT seq, time_at
        FROM events
        WHERE seq > $1
        ORDER BY seq
        LIMIT $2";

    /// All positions, so that none moves back while events are forgotten.
    LOCK_ALL = "
        SELECT topic, position, counted_from
        FROM event_positions
        ORDER BY consumer, topic
        FOR UPDATE";

    /// What a consumer handled of the events that are about to go leaves its count; what it parked stays.
    LEAVE_COUNT = "
        UPDATE event_positions
        SET handled = handled - (
                SELECT COUNT(*)
                FROM events e
                WHERE e.topic = event_positions.topic AND e.seq > event_positions.counted_from AND e.seq <= $2
                    AND NOT EXISTS (
                        SELECT 1 FROM event_retries r
                        WHERE r.consumer = event_positions.consumer AND r.seq = e.seq)),
            counted_from = $2
        WHERE topic = $1 AND counted_from < $2";

    /// The events of one topic up to a place, but for parked ones.
    FORGET = "
        DELETE FROM events
        WHERE topic = $1 AND seq > $2 AND seq <= $3
            AND NOT EXISTS (SELECT 1 FROM event_retries r WHERE r.seq = events.seq)";

    /// The topics of a stretch of the log.
    TOPICS = "
        SELECT DISTINCT topic
        FROM events
        WHERE seq > $1 AND seq <= $2
        ORDER BY topic";
}

/// What a step of pruning did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// How many events were forgotten.
    pub events: u64,
    /// Where the next step goes on; nothing when everything old has been looked at.
    pub next: Option<i64>,
}

impl Log {
    /// Forgets published events that are older than [`KEPT_FOR`] and that every consumer of their topic has passed; a
    /// parked event is kept until it is settled. One bounded step: begin after 0 and go on with [`Pruned::next`].
    ///
    /// # Errors
    /// Those of the store.
    pub fn prune(&self, now: Timestamp, after: i64) -> Result<Pruned, StoreError> {
        let before = now.minus(KEPT_FOR);
        let looked = self.db().read_blocking(move |snapshot| {
            let most = i64::try_from(LOOKED_AT_MAX).unwrap_or(i64::MAX);
            snapshot.list(&OLDEST, &params![after, most], age)
        })?;
        let old = looked.iter().take_while(|(_, time)| *time < before);
        let Some(upto) = old.map(|(seq, _)| *seq).last() else {
            return Ok(Pruned { events: 0, next: None });
        };
        let more = looked.len() == LOOKED_AT_MAX && looked.last().is_some_and(|(seq, _)| *seq == upto);
        let events = self.db().write_blocking(move |tx| forget(tx, after, upto))?;
        Ok(Pruned { events, next: more.then_some(upto) })
    }
}

fn age(row: &Row<'_>) -> Result<(i64, Timestamp), StoreError> {
    Ok((row.get(0)?, row.get(1)?))
}

fn forget(tx: &mut Tx<'_>, after: i64, upto: i64) -> Result<u64, StoreError> {
    let positions = tx.list(&LOCK_ALL, &[], rows::topic_position)?;
    let topics = tx.list(&TOPICS, &params![after, upto], |row| row.get::<String>(0))?;
    let mut forgotten = 0;
    for topic in &topics {
        let passed = positions.iter().filter(|place| place.topic == *topic).map(|place| place.position).min();
        let limit = passed.unwrap_or(upto).min(upto);
        tx.execute(&LEAVE_COUNT, &params![topic, limit])?;
        forgotten += tx.execute(&FORGET, &params![topic, after, limit])?;
    }
    Ok(forgotten)
}
