//! How a consumer says that it could not handle an event. The difference is what happens next, not what went wrong.

use std::any::Any;

use store::StoreError;

use crate::TRIES_MAX;

/// Why an event was not handled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// This event failed, and may succeed later: it is tried again with growing waits, ten times in all. Later events
    /// of its key wait behind it, all others go on.
    #[error("{0}")]
    Retry(String),
    /// Others hold what this event needs, a row that is locked for long: it waits aside for a moment and spends no tries.
    /// Later events of its key wait behind it, all others go on.
    #[error("{0}")]
    Busy(String),
    /// What the handler talks to does not answer; nothing is said about the event. The consumer pauses and probes,
    /// and no tries are spent.
    #[error("{destination} is away: {reason}")]
    Unavailable {
        /// What is away (`bank`).
        destination: &'static str,
        /// What was seen of it.
        reason: String,
    },
    /// This event can never be handled: it becomes a dead letter at once.
    #[error("{0}")]
    GiveUp(String),
}

impl Failure {
    /// Whether the event becomes a dead letter with this failure, which is its `tries`th.
    pub(crate) const fn is_last(&self, tries: u32) -> bool {
        match self {
            Self::GiveUp(_) => true,
            Self::Retry(_) => tries >= TRIES_MAX,
            Self::Busy(_) | Self::Unavailable { .. } => false,
        }
    }

    /// What a panic of a handler counts as: a bug meets this event today, and may be mended tomorrow.
    pub(crate) fn of_panic(panic: &(dyn Any + Send)) -> Self {
        let said = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Self::Retry(format!("the handler panicked: {}", said.unwrap_or("without a message")))
    }
}

/// The name under which the store itself is away.
pub(crate) const DATABASE: &str = "database";

impl From<StoreError> for Failure {
    /// A store that is away says nothing about the event, and one that is busy only that others were faster; a broken
    /// constraint or an unreadable value does, and may be mended by the events or the people that come after it.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy { .. } => Self::Busy(error.to_string()),
            StoreError::Overloaded { .. }
            | StoreError::Unavailable { .. }
            | StoreError::OutcomeUnknown { .. }
            | StoreError::Stopped { .. }
            | StoreError::LeaseLost { .. } => Self::Unavailable { destination: DATABASE, reason: error.to_string() },
            StoreError::Unique { .. }
            | StoreError::Check { .. }
            | StoreError::ForeignKey
            | StoreError::NotNull { .. }
            | StoreError::Corrupt { .. }
            | StoreError::Untouched { .. }
            | StoreError::Fenced { .. }
            | StoreError::Migration { .. }
            | StoreError::Configuration { .. }
            | StoreError::Fault { .. } => Self::Retry(error.to_string()),
        }
    }
}
