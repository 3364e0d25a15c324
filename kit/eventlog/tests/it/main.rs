//! The event log: the suite that every adapter passes, on both databases, and what is true of the embedded one only.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are not test functions themselves")]

mod audit;
mod embedded;
mod order_on_postgres;
mod probe;
mod prune;
mod simulation;
mod statements;
mod suite;
