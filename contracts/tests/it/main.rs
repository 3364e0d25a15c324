//! Contracts that others keep: events as they were once published.

mod golden_events;
