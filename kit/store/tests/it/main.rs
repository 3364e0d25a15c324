//! The store, on both databases.

mod audit_trail;
mod crash;
mod disk;
mod events;
mod fence;
mod group_commit;
mod harness;
mod idempotency;
mod inline;
mod lease;
mod migrations;
mod pressure;
mod proxy;
mod server;
mod transactions;
