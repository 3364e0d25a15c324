//! PostgreSQL's error codes as failures of the store.

use std::error::Error as _;

use tokio_postgres::error::{DbError, SqlState};

use crate::StoreError;

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

/// The failure that a driver error stands for.
pub(crate) fn failure(error: &tokio_postgres::Error, at: &str) -> Failed {
    let Some(db) = error.as_db_error() else {
        // The connection broke, or the driver refused a value before sending it.
        let sentence = format!("{at}: {}", sentence(error));
        return if error.is_closed() || is_broken_pipe(error) {
            Failed::lost(StoreError::unavailable(sentence))
        } else {
            Failed::tell(StoreError::fault(at, sentence))
        };
    };
    let constraint = || db.constraint().unwrap_or_default().to_owned();
    let said = || format!("{at}: {}", db.message());
    let code = db.code();
    if *code == SqlState::UNIQUE_VIOLATION {
        Failed::tell(StoreError::Unique { constraint: constraint() })
    } else if *code == SqlState::CHECK_VIOLATION {
        Failed::tell(StoreError::Check { constraint: constraint() })
    } else if *code == SqlState::FOREIGN_KEY_VIOLATION {
        Failed::tell(StoreError::ForeignKey)
    } else if *code == SqlState::NOT_NULL_VIOLATION {
        Failed::tell(StoreError::NotNull { column: db.column().unwrap_or_default().to_owned() })
    } else if *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED {
        Failed { error: StoreError::Busy { reason: said() }, then: Then::Again }
    } else if *code == SqlState::LOCK_NOT_AVAILABLE {
        // Not so a statement that took too long by itself: it would do so the next time as well.
        Failed::tell(StoreError::Busy { reason: said() })
    } else if plan_is_stale(db) || is_lost(code) {
        Failed::lost(StoreError::unavailable(said()))
    } else if is_passing(code) {
        Failed::tell(StoreError::unavailable(said()))
    } else {
        Failed::tell(StoreError::fault(at, format!("{} ({})", db.message(), code.code())))
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
fn plan_is_stale(error: &DbError) -> bool {
    *error.code() == SqlState::FEATURE_NOT_SUPPORTED && error.routine() == Some("RevalidateCachedQuery")
}

fn is_broken_pipe(error: &tokio_postgres::Error) -> bool {
    error.source().is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}
