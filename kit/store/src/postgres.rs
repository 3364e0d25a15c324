//! PostgreSQL: threads that each own a connection, a transaction per closure, as few round trips as can be.

mod connect;
mod engine;
mod errors;
mod pile;
mod session;
mod socket;
mod values;
mod wire;
mod worker;

pub(crate) use connect::read_url;
pub(crate) use engine::Engine;
pub(crate) use errors::refusal;
pub(crate) use session::{KIT_SCHEMA, Session, search_path};
pub(crate) use wire::{ServerRow, Wire};
