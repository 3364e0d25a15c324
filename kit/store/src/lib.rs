//! The store: one SQL text, two databases, synchronous transactions, group commit.
//!
//! A [`Store`] is a SQLite file or a PostgreSQL server; a [`Db`] is one service's door to it. A transaction is a
//! synchronous closure that may be run again ([`Db::write`], [`Db::read`]): a dropped HTTP request cannot cancel
//! half of it, a simulation can run it, and the same code runs on both databases. `docs/adr/` and the README say
//! why there is no ORM and no asynchronous SQLite driver.
//!
//! Beside the rows of the service, one transaction can hold its events ([`Tx::publish`]), its audit rows
//! ([`Tx::audit`]), the answer to an idempotency key ([`idempotency`]) and a check of its lease ([`lease`]).
//!
//! Deliberately absent: deferred foreign keys (on SQLite one would fail the commit of a whole batch), nested
//! transactions, a query builder.

pub mod audit_trail;
mod commits;
mod config;
mod db;
mod engine;
mod error;
pub mod idempotency;
pub mod lease;
mod lock;
mod migrate;
mod outbox;
mod param;
mod postgres;
mod row;
mod snapshot;
mod sqlite;
mod statement;
mod stats;
mod steps;
mod tx;
mod work;

pub use audit_trail::AuditEntry;
pub use commits::Commits;
pub use config::{EXIT_FATAL, Hooks, LOG_RESERVE, Mode, PATIENCE, PostgresConfig, SqliteConfig, StoreConfig, Upgrade};
pub use db::{Db, Store};
pub use error::{CODES, StoreError};
pub use lock::ServerLock;
pub use migrate::{KIT_MIGRATIONS, Migration};
pub use outbox::{EventId, EventKind};
#[doc(hidden)]
pub use param::array as params_array;
pub use param::{Param, ToParam};
pub use row::{Column, FromColumn, Row};
pub use snapshot::Snapshot;
pub use statement::Statement;
pub use stats::{BATCH_BUCKETS, Histogram, MICROS_BUCKETS, Stats};
pub use steps::in_steps;
pub use tx::Tx;

/// The kit's own statements, for the test that prepares every statement on both databases.
pub static KIT_STATEMENTS: &[&[&Statement]] =
    &[audit_trail::STATEMENTS, audit_trail::CHAIN_STATEMENTS, idempotency::STATEMENTS, lease::STATEMENTS];

/// On SQLite, a closure that holds a transaction for longer is a fault worth a line in the log (decision 7): everybody
/// waits behind it.
pub const SLOW_CLOSURE: std::time::Duration = std::time::Duration::from_millis(50);

/// On PostgreSQL a closure holds up only those who want its rows, and most of its time are round trips.
pub const SLOW_CLOSURE_ON_SERVER: std::time::Duration = std::time::Duration::from_millis(500);
