//! SQLite's result codes as failures of the store.

use rusqlite::ffi::{self, ErrorCode};

use crate::StoreError;

/// The failure that a driver error stands for; constraints are named by [`super::session::Session`].
pub(crate) fn failure(error: &rusqlite::Error, at: &str) -> StoreError {
    let rusqlite::Error::SqliteFailure(code, message) = error else {
        return StoreError::fault(at, error.to_string());
    };
    let reason = || format!("{at}: {}", message.clone().unwrap_or_else(|| code.to_string()));
    match code.code {
        // A reader that tries to write; the other ones of this kind are files that were moved away under the open
        // handle, or logs that cannot be written.
        ErrorCode::ReadOnly if code.extended_code == ffi::SQLITE_READONLY => StoreError::fault(at, reason()),
        // What these leave on the disk is not for us to guess.
        ErrorCode::DiskFull
        | ErrorCode::SystemIoFailure
        | ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::ReadOnly => StoreError::Stopped { reason: format!("SQLite: {} ({})", reason(), code) },
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy { reason: reason() },
        ErrorCode::OutOfMemory | ErrorCode::OperationInterrupted | ErrorCode::OperationAborted => {
            StoreError::unavailable(reason())
        }
        ErrorCode::ConstraintViolation
        | ErrorCode::InternalMalfunction
        | ErrorCode::PermissionDenied
        | ErrorCode::NotFound
        | ErrorCode::CannotOpen
        | ErrorCode::FileLockingProtocolFailed
        | ErrorCode::SchemaChanged
        | ErrorCode::TooBig
        | ErrorCode::TypeMismatch
        | ErrorCode::ApiMisuse
        | ErrorCode::NoLargeFileSupport
        | ErrorCode::AuthorizationForStatementDenied
        | ErrorCode::ParameterOutOfRange
        | ErrorCode::Unknown => StoreError::fault(at, reason()),
        other => StoreError::fault(at, format!("{other:?}: {}", reason())),
    }
}

/// What kind of constraint was broken, with the text after SQLite's colon: columns or a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Broken<'e> {
    Unique(&'e str),
    PrimaryKey(&'e str),
    Check(&'e str),
    ForeignKey,
    NotNull(&'e str),
}

/// The broken constraint, if that is what the error is.
pub(crate) fn broken(error: &rusqlite::Error) -> Option<Broken<'_>> {
    let rusqlite::Error::SqliteFailure(code, Some(message)) = error else { return None };
    let what = message.split_once("constraint failed: ").map_or(message.as_str(), |(_, what)| what);
    match code.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE => Some(Broken::Unique(what)),
        ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => Some(Broken::PrimaryKey(what)),
        // A trigger guards a table by raising the name of the rule.
        ffi::SQLITE_CONSTRAINT_CHECK | ffi::SQLITE_CONSTRAINT_TRIGGER => Some(Broken::Check(what)),
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Some(Broken::ForeignKey),
        ffi::SQLITE_CONSTRAINT_NOTNULL => Some(Broken::NotNull(what)),
        _ => None,
    }
}
