//! SQLite: one writer with group commit, a few readers, in one file.

mod checkpoint;
mod constraints;
mod engine;
mod errors;
mod fence;
mod open;
mod reader;
mod session;
mod writer;

pub(crate) use engine::Engine;
pub(crate) use session::{Session, column};
