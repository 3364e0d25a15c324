//! Sending a consumer back, and forgetting one that is gone.

use kernel::Timestamp;
use store::{AuditEntry, Snapshot, StoreError, params, statements};

use crate::{Log, LogError, rows};

statements! {
    /// The last event before a time, in the whole log: a consumer goes back on all its topics to the same place.
    BEFORE_TIME = "
        SELECT COALESCE(
            (SELECT seq - 1 FROM events WHERE time_at >= $1 ORDER BY seq LIMIT 1),
            (SELECT MAX(seq) FROM events),
            0)";

    /// Back, never forward: skipping would lose events. The window of the count begins anew.
    GO_BACK = "
        UPDATE event_positions
        SET position = $2, counted_from = $2, handled = 0, moved_at = $3
        WHERE consumer = $1 AND position > $2";

    /// What comes again does not have to wait in its parked row.
    UNPARK_AFTER = "
        DELETE FROM event_retries
        WHERE consumer = $1 AND seq > $2";

    /// What the removed rows stood before moves up.
    PROMOTE_ALL = "
        UPDATE event_retries
        SET state = 'waiting', next_at = $2
        WHERE consumer = $1 AND state = 'behind' AND NOT EXISTS (
            SELECT 1 FROM event_retries h
            WHERE h.consumer = event_retries.consumer AND h.event_key = event_retries.event_key
                AND (h.seq < event_retries.seq OR h.state <> 'behind'))";

    FORGET_POSITIONS = "DELETE FROM event_positions WHERE consumer = $1";

    FORGET_PARKED = "DELETE FROM event_retries WHERE consumer = $1";
}

/// Where a replay begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayFrom {
    /// With the event after this sequence number.
    After(i64),
    /// With the first event that was published at this time or later.
    Time(Timestamp),
}

impl Log {
    /// Sends a consumer back: every event after that point comes to it again, parked or not. A point that it has not
    /// reached yet changes nothing. Returns the sequence number that it stands at.
    ///
    /// # Errors
    /// [`LogError::NoSuchConsumer`], and those of the store.
    pub fn replay(&self, consumer: &str, from: ReplayFrom, actor: &str) -> Result<i64, LogError> {
        let (consumer, actor) = (consumer.to_owned(), actor.to_owned());
        // A time may be far back in a long log: it is not looked for while everybody waits for the writer. What is
        // published meanwhile comes after it.
        let target = match from {
            ReplayFrom::After(seq) => seq.max(0),
            ReplayFrom::Time(time) => self.before(time)?,
        };
        self.db().write_blocking(move |tx| {
            let positions = tx.list(&rows::LOCK_POSITIONS, &params![&consumer], rows::topic_position)?;
            if positions.is_empty() {
                return Err(rows::no_such_consumer(tx, &consumer)?);
            }
            let now = tx.now();
            tx.execute(&GO_BACK, &params![&consumer, target, now])?;
            tx.execute(&UNPARK_AFTER, &params![&consumer, target])?;
            tx.execute(&PROMOTE_ALL, &params![&consumer, now])?;
            let (before, after) = (serde_json::json!(highest(&positions)), serde_json::json!(target));
            let entry = AuditEntry::new(actor.clone(), "events.replay", consumer.clone());
            tx.audit(entry.before(before).after(after))?;
            Ok(target)
        })
    }

    fn before(&self, time: Timestamp) -> Result<i64, StoreError> {
        let find = move |snapshot: &mut Snapshot<'_>| snapshot.one(&BEFORE_TIME, &params![time], |row| row.get(0));
        Ok(self.db().read_blocking(find)?.unwrap_or(0))
    }

    /// Forgets a consumer that no longer exists, with its positions and dead letters; until then the log keeps every
    /// event that it has not passed.
    ///
    /// # Errors
    /// [`LogError::NoSuchConsumer`], and those of the store.
    pub fn forget_consumer(&self, consumer: &str, actor: &str) -> Result<(), LogError> {
        let (consumer, actor) = (consumer.to_owned(), actor.to_owned());
        self.db().write_blocking(move |tx| {
            tx.execute(&FORGET_PARKED, &params![&consumer])?;
            if tx.execute(&FORGET_POSITIONS, &params![&consumer])? == 0 {
                return Err(rows::no_such_consumer(tx, &consumer)?);
            }
            tx.audit(AuditEntry::new(actor.clone(), "events.forget-consumer", consumer.clone()))?;
            Ok(())
        })
    }
}

fn highest(positions: &[rows::TopicPosition]) -> i64 {
    positions.iter().map(|place| place.position).max().unwrap_or(0)
}
