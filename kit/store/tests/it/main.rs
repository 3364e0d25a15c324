//! The store, on both databases.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests, and a child that tells its parent by printing")]

mod audit_trail;
mod company;
mod crash;
mod disk;
mod events;
mod fence;
mod group_commit;
mod harness;
mod idempotency;
mod inline;
mod later;
mod lease;
mod migrations;
mod pressure;
mod proxy;
mod server;
mod steps;
mod transactions;
