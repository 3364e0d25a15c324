//! Dead letters: events whose tries are spent, until a person decides (decision 11).
//!
//! Later events of the same key stand behind a dead letter and move up when it is replayed with success or dropped.

use kernel::Timestamp;
use store::{AuditEntry, Row, StoreError, Tx, params, statements};

use crate::rows::{self, TopicPosition};
use crate::{Log, LogError};

statements! {
    /// Dead letters of one consumer, or of all (`$1` is empty), after a place in the list.
    LIST = "
        SELECT r.consumer, r.seq, r.event_id, e.kind, r.topic, r.event_key, e.time_at, e.payload, r.tries,
            r.first_seen_at, r.reason,
            (SELECT COUNT(*) FROM event_retries b
                WHERE b.consumer = r.consumer AND b.event_key = r.event_key AND b.seq > r.seq)
        FROM event_retries r
        JOIN events e ON e.seq = r.seq
        WHERE r.state = 'dead'
            AND ($1 = '' OR r.consumer = $1)
            AND (r.consumer > $2 OR (r.consumer = $2 AND r.seq > $3))
        ORDER BY r.consumer, r.seq
        LIMIT $4";

    /// A dead letter's topic and key.
    FIND = "
        SELECT topic, event_key, event_id, tries
        FROM event_retries
        WHERE consumer = $1 AND seq = $2 AND state = 'dead'";

    /// All tries are before it again.
    REVIVE = "
        UPDATE event_retries
        SET state = 'waiting', tries = 0, next_at = $3
        WHERE consumer = $1 AND seq = $2";

    REMOVE = "
        DELETE FROM event_retries
        WHERE consumer = $1 AND seq = $2";
}

/// The most dead letters in one answer.
const LIST_MAX: u32 = 1000;

/// An event that a consumer gave up on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Who gave up.
    pub consumer: String,
    /// The event's place in the log.
    pub seq: i64,
    /// The event's id.
    pub event_id: String,
    /// Its type.
    pub kind: String,
    /// Its topic.
    pub topic: String,
    /// Its key: later events of this key wait.
    pub key: String,
    /// When it was published.
    pub time: Timestamp,
    /// Its payload.
    pub payload: Box<str>,
    /// How often it failed.
    pub tries: u32,
    /// When it failed first.
    pub first_seen_at: Timestamp,
    /// What was said at the last failure.
    pub reason: String,
    /// How many events of its key wait behind it.
    pub behind: u32,
}

/// What identifies a dead letter; lists are in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeadLetterKey {
    /// Who gave up.
    pub consumer: String,
    /// The event's place in the log.
    pub seq: i64,
}

/// Which dead letters.
#[derive(Clone, Debug)]
pub struct DeadLetterQuery {
    /// Of this consumer, or of all.
    pub consumer: Option<String>,
    /// After this one, the last of the page before.
    pub after: DeadLetterKey,
    /// At most so many.
    pub limit: u32,
}

impl Default for DeadLetterQuery {
    fn default() -> Self {
        Self { consumer: None, after: DeadLetterKey::default(), limit: LIST_MAX }
    }
}

impl Log {
    /// The dead letters that are asked for, by consumer and then by age.
    ///
    /// # Errors
    /// Those of the store.
    pub fn dead_letters(&self, query: DeadLetterQuery) -> Result<Vec<DeadLetter>, LogError> {
        let letters = self.db().read_blocking(move |snapshot| {
            let consumer = query.consumer.as_deref().unwrap_or_default();
            let limit = query.limit.min(LIST_MAX);
            snapshot.list(&LIST, &params![consumer, &query.after.consumer, query.after.seq, limit], dead_letter)
        });
        Ok(letters.map_err(|error: StoreError| error)?)
    }

    /// Gives a dead letter all its tries again, from now on. `actor` is who asked for it, for the audit trail.
    ///
    /// # Errors
    /// [`LogError::NoSuchDeadLetter`], [`LogError::NoSuchConsumer`], and those of the store.
    pub fn replay_dead_letter(&self, letter: &DeadLetterKey, actor: &str) -> Result<(), LogError> {
        self.on_dead_letter(letter, actor, |tx, letter, _| {
            let now = tx.now();
            tx.execute(&REVIVE, &params![&letter.consumer, letter.seq, now])?;
            Ok("events.replay-dead-letter")
        })
    }

    /// Gives up on an event for good; the next of its key moves up. It stays in the log.
    ///
    /// # Errors
    /// [`LogError::NoSuchDeadLetter`], [`LogError::NoSuchConsumer`], and those of the store.
    pub fn drop_dead_letter(&self, letter: &DeadLetterKey, actor: &str) -> Result<(), LogError> {
        self.on_dead_letter(letter, actor, |tx, letter, found| {
            let now = tx.now();
            tx.execute(&REMOVE, &params![&letter.consumer, letter.seq])?;
            tx.execute(&rows::PROMOTE, &params![&letter.consumer, &found.key, now])?;
            if let Some(TopicPosition { topic, position, counted_from }) = &found.at {
                let counts = letter.seq > *counted_from;
                tx.execute(&rows::MOVE_POSITION, &params![&letter.consumer, topic, *position, counts, now])?;
            }
            Ok("events.drop-dead-letter")
        })
    }

    fn on_dead_letter(
        &self,
        letter: &DeadLetterKey,
        actor: &str,
        act: fn(&mut Tx<'_>, &DeadLetterKey, &Found) -> Result<&'static str, StoreError>,
    ) -> Result<(), LogError> {
        let (letter, actor) = (letter.clone(), actor.to_owned());
        self.db().write_blocking(move |tx| {
            let found = Found::lock(tx, &letter)?;
            let action = act(tx, &letter, &found)?;
            let before = serde_json::json!({ "consumer": letter.consumer, "tries": found.tries });
            tx.audit(AuditEntry::new(actor.clone(), action, found.event_id.clone()).before(before))?;
            Ok(())
        })
    }
}

/// A dead letter in the hands of a transaction.
struct Found {
    key: String,
    event_id: String,
    tries: i64,
    at: Option<TopicPosition>,
}

impl Found {
    /// Finds it with the consumer's positions locked, so that the consumer is not at work on its key.
    fn lock(tx: &mut Tx<'_>, letter: &DeadLetterKey) -> Result<Self, LogError> {
        let positions = tx.list(&rows::LOCK_POSITIONS, &params![&letter.consumer], rows::topic_position)?;
        let found = tx.one(&FIND, &params![&letter.consumer, letter.seq], |row| {
            let topic: String = row.get(0)?;
            let at = positions.iter().find(|place| place.topic == topic).cloned();
            Ok(Self { key: row.get(1)?, event_id: row.get(2)?, tries: row.get(3)?, at })
        })?;
        match found {
            Some(found) => Ok(found),
            None if positions.is_empty() => Err(rows::no_such_consumer(tx, &letter.consumer)?),
            None => Err(LogError::NoSuchDeadLetter { consumer: letter.consumer.clone(), seq: letter.seq }),
        }
    }
}

fn dead_letter(row: &Row<'_>) -> Result<DeadLetter, StoreError> {
    Ok(DeadLetter {
        consumer: row.get(0)?,
        seq: row.get(1)?,
        event_id: row.get(2)?,
        kind: row.get(3)?,
        topic: row.get(4)?,
        key: row.get(5)?,
        time: row.get(6)?,
        payload: row.get::<String>(7)?.into_boxed_str(),
        tries: row.get(8)?,
        first_seen_at: row.get(9)?,
        reason: row.get(10)?,
        behind: row.get(11)?,
    })
}
