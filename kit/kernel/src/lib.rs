//! What every other crate stands on: money, identifiers, time, chance, error kinds and the traits that a
//! service's words (events and calls) implement.
//!
//! Deliberately absent: async, I/O, SQL, HTTP, and any business word. The two doors to the outside world,
//! [`SystemClock`] and [`OsRng`], are the only places in the product that may read the clock or draw chance;
//! `clippy.toml` bans the standard ones everywhere else.

mod error;
mod id;
mod language;
mod money;
#[cfg(feature = "openapi")]
mod openapi;
mod rng;
mod time;
mod words;

pub use error::{Code, Coded, ErrorKind, Text};
pub use id::{Id, IdError, IdKind, IdText};
pub use language::Language;
pub use money::{AMOUNT_MAX, Currency, Money, MoneyError};
pub use rng::{OsRng, Rng};
pub use time::{Clock, SystemClock, Timestamp, TimestampError};
pub use words::{Call, Event};
