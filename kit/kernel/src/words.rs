//! What services say to each other: the two traits that the types in `contracts` implement.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A fact that one service tells all others: durable, at least once, in order per key.
pub trait Event: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The topic that it is published on (`new_orders`).
    const TOPIC: &'static str;
    /// CloudEvents `type` with its version (`samovar.orders.placed.v1`).
    const TYPE: &'static str;
    /// CloudEvents `source` (`/orders`).
    const SOURCE: &'static str;

    /// The key that order is kept for; CloudEvents `subject`.
    fn key(&self) -> String;
}

/// A question that one service asks another and waits for.
pub trait Call: Send + Sync + 'static {
    /// What is asked.
    type Request: Serialize + DeserializeOwned + Send + 'static;
    /// What is answered.
    type Reply: Serialize + DeserializeOwned + Send + 'static;
    /// `catalog.reserve`: the owner, a dot, the verb.
    const NAME: &'static str;
    /// How long the asker waits, milliseconds.
    const TIMEOUT_MS: u32;
    /// Whether asking twice is the same as asking once, so that a lost answer may be asked for again.
    const IDEMPOTENT: bool;
}
