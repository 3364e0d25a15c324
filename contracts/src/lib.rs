//! The words that services say to each other: ids, events and calls as plain serde types, one module per owner.
//!
//! A service reads and writes these and its own tables, never another's. An event type is for ever: a field may be
//! added with a default, never renamed or removed; a change of meaning is a new type with the next version
//! (`…v2`), and golden files keep every old version readable (EVT-5).
//!
//! Deliberately absent: behaviour, HTTP, SQL, and everything that only one service needs.

pub mod auth;
pub mod catalog;
pub mod feed;
mod ids;
mod localized;
pub mod orders;
pub mod payments;
mod word;

pub use ids::*;
pub use localized::Localized;
pub use word::UnknownWord;
