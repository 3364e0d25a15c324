//! Contracts that others keep: events as they were once published.

#![expect(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

mod golden_events;
