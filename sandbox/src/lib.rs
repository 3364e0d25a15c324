//! Pretend outside companies that speak real HTTP: the bank today; whoever else Samovar talks to comes beside it.
//!
//! They are used by the demo, by tests and by failure drills. Each keeps its own file, so that killing it proves
//! something, and each can be told over HTTP to misbehave the way real ones do. Nothing in the product depends on
//! this crate: payments knows a bank only through its port.

pub mod bank;
