//! The event log: the suite that every adapter passes, on both databases, and what is true of the embedded one only.

mod audit;
mod embedded;
mod order_on_postgres;
mod probe;
mod prune;
mod suite;
