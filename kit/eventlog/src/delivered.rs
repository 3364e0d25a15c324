//! An event as a consumer receives it.

use kernel::{Event, Timestamp};

use crate::Failure;

/// One event of the log, with the attributes of CloudEvents 1.0 and its place in the log.
///
/// The payload is the text that the producer stored, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Where it was published.
    pub topic: String,
    /// Its place in the log (`sequence`); grows along a topic, with gaps.
    pub seq: i64,
    /// Unique for ever (`id`): the idempotency key of whatever a consumer does outside the database.
    pub id: String,
    /// What happened, with its version (`type`).
    pub kind: String,
    /// Who says so (`source`).
    pub source: String,
    /// What order is kept for (`subject`).
    pub key: String,
    /// When it was published (`time`).
    pub time: Timestamp,
    /// JSON.
    pub payload: Box<str>,
    /// The trace that it belongs to (`traceparent`).
    pub traceparent: Option<String>,
    /// How often this consumer has failed with it so far.
    pub tries: u32,
}

impl Delivered {
    /// The event as the type that its producer published.
    ///
    /// # Errors
    /// [`Failure::GiveUp`] when it is of another type or does not read as one: no number of tries mends that.
    pub fn decode<E: Event>(&self) -> Result<E, Failure> {
        if self.kind != E::TYPE {
            return Err(Failure::GiveUp(format!("{} is a {}, not a {}", self.id, self.kind, E::TYPE)));
        }
        serde_json::from_str(&self.payload)
            .map_err(|error| Failure::GiveUp(format!("{} does not read as a {}: {error}", self.id, E::TYPE)))
    }
}
