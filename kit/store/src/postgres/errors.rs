//! PostgreSQL's error codes as failures of the store.

use std::error::Error as _;
use std::io;

use tokio_postgres::error::SqlState;

use crate::StoreError;
use crate::postgres::wire::{Exchanged, ServerError, is_silence};

/// A failure, and what it means for the transaction.
#[derive(Clone, Debug)]
pub(crate) struct Failed {
    pub(crate) error: StoreError,
    pub(crate) then: Then,
}

/// What can be done about a failure before the commit was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// Tell the caller.
    Tell,
    /// Run the closure again: others were in the way.
    Again,
    /// Run the closure again on a new connection.
    Reconnect,
}

impl Failed {
    pub(crate) const fn tell(error: StoreError) -> Self {
        Self { error, then: Then::Tell }
    }

    pub(crate) const fn lost(error: StoreError) -> Self {
        Self { error, then: Then::Reconnect }
    }
}

/// What a statement failed with.
pub(crate) fn failure(error: &ServerError, at: &str) -> Failed {
    let said = || format!("{at}: {}", error.message);
    let code = &error.code;
    if *code == SqlState::UNIQUE_VIOLATION {
        Failed::tell(StoreError::Unique { constraint: error.constraint.clone() })
    } else if *code == SqlState::CHECK_VIOLATION {
        Failed::tell(StoreError::Check { constraint: error.constraint.clone() })
    } else if *code == SqlState::FOREIGN_KEY_VIOLATION {
        Failed::tell(StoreError::ForeignKey)
    } else if *code == SqlState::NOT_NULL_VIOLATION {
        Failed::tell(StoreError::NotNull { column: error.column.clone() })
    } else if *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED {
        Failed { error: StoreError::Busy { reason: said() }, then: Then::Again }
    } else if *code == SqlState::LOCK_NOT_AVAILABLE {
        // Not so a statement that took too long by itself: it would do so the next time as well.
        Failed::tell(StoreError::Busy { reason: said() })
    } else if plan_is_stale(error) || is_lost(code) {
        Failed::lost(StoreError::unavailable(said()))
    } else if is_passing(code) {
        Failed::tell(StoreError::unavailable(said()))
    } else {
        Failed::tell(StoreError::fault(at, format!("{} ({})", error.message, code.code())))
    }
}

/// What `not_one_row` refuses with: a code of our own, of a class that is nobody's.
const NOT_ONE_ROW: &str = "ZS001";

/// Whether a statement was refused since it did not touch one row.
pub(crate) fn is_untouched(error: &ServerError) -> bool {
    error.code.code() == NOT_ONE_ROW
}

/// The connection broke, or the server does not answer.
pub(crate) fn lost(error: &io::Error, at: &str) -> Failed {
    let reason = if is_silence(error) { "the server does not answer".to_owned() } else { error.to_string() };
    Failed::lost(StoreError::unavailable(format!("{at}: {reason}")))
}

/// Why statements of our own at the opening of a database did not go through, if they did not.
pub(crate) fn refusal(exchanged: io::Result<Exchanged>) -> Result<(), String> {
    match exchanged {
        Ok(Exchanged { failed: Some((_, error)), .. }) => Err(error.message),
        Ok(Exchanged { failed: None, .. }) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// The error with what caused it: the driver's own text says only "db error".
pub(crate) fn sentence(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(db), _) => db.message().to_owned(),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

/// The server or the connection went away: nothing of the transaction stands unless its commit was sent.
pub(crate) fn is_lost(code: &SqlState) -> bool {
    code.code().starts_with("08")
        || *code == SqlState::ADMIN_SHUTDOWN
        || *code == SqlState::CRASH_SHUTDOWN
        || *code == SqlState::CANNOT_CONNECT_NOW
        || *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
}

/// The server is short of something, or not ready: it may pass.
pub(crate) fn is_passing(code: &SqlState) -> bool {
    is_lost(code) || code.code().starts_with("53")
}

/// Another instance has migrated a table under a prepared statement: a new connection prepares it anew.
fn plan_is_stale(error: &ServerError) -> bool {
    error.code == SqlState::FEATURE_NOT_SUPPORTED && error.routine == "RevalidateCachedQuery"
}
