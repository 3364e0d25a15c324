//! The event log: the store's outbox read as a log, with a position for each consumer.
//!
//! `tx.publish` appends to the log in the transaction of the change ([`store`]). A [`Consumer`] hears topics; a
//! [`Runner`] brings it every event at least once outside the database and exactly once inside it, in order per key. An
//! event that fails is parked and tried again while others go on, and becomes a dead letter when its tries are spent;
//! people list, replay and drop those ([`Log::dead_letters`]).
//!
//! Every loop is a synchronous step ([`Runner::step`]); the threads of [`Runner::start`] only call it.
//!
//! Deliberately absent: order between keys, delivery to a consumer that is not registered by name, priorities, delays.

pub mod audit;
mod breaker;
mod consumer;
mod dead_letters;
mod delivered;
mod error;
mod failure;
mod frontier;
mod log;
mod numbers;
mod postgres;
mod prune;
mod replay;
mod retry;
mod rows;
mod runner;
mod settle;
mod signal;
mod stats;
mod tenure;
mod worker;

pub use breaker::Away;
pub use consumer::{Around, Consumer, Record, nothing};
pub use dead_letters::{DeadLetter, DeadLetterKey, DeadLetterQuery};
pub use delivered::Delivered;
pub use error::{CODES, LogError};
pub use failure::Failure;
pub use log::{Log, MIGRATIONS, TAIL_MAX};
pub use prune::{KEPT_FOR, Pruned};
pub use replay::ReplayFrom;
pub use retry::TRIES_MAX;
pub use runner::{Runner, Running, Step};
pub use stats::{ConsumerStats, TopicLag};

/// The SQL of the log, for the test that prepares every statement on both databases.
pub static STATEMENTS: &[&[&store::Statement]] = &[
    rows::STATEMENTS,
    audit::sql::STATEMENTS,
    dead_letters::STATEMENTS,
    prune::STATEMENTS,
    replay::STATEMENTS,
    stats::STATEMENTS,
];

/// What only PostgreSQL is asked.
pub static POSTGRES_STATEMENTS: &[&store::Statement] = postgres::STATEMENTS;
