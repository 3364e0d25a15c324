//! What can go wrong with the store, by what the caller can do about it.

mod codes;

pub use codes::CODES;

use kernel::{Code, Coded};

/// A failure of the store. Cloneable, since one dead batch is answered to everybody in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A row with these values exists already. The constraint's name is the same on both databases.
    #[error("a row breaks the unique constraint {constraint}")]
    Unique {
        /// The name in the migration; unnamed ones are called as PostgreSQL calls them.
        constraint: String,
    },
    /// A row breaks a `CHECK`, or a trigger that guards a table raised this name.
    #[error("a row breaks the check {constraint}")]
    Check {
        /// The name in the migration.
        constraint: String,
    },
    /// A row refers to one that is not there, or is still referred to.
    #[error("a row breaks a foreign key")]
    ForeignKey,
    /// A column that must be filled is not.
    #[error("the column {column} is empty")]
    NotNull {
        /// The column's name.
        column: String,
    },
    /// A stored value is not what the code reads it as.
    #[error("{column} holds what cannot be read: {reason}")]
    Corrupt {
        /// Statement and column.
        column: String,
        /// What is wrong, without the value.
        reason: String,
    },
    /// The queue is full: nothing was begun.
    #[error("the store has {queued} closures waiting")]
    Overloaded {
        /// How long the queue is.
        queued: usize,
    },
    /// Another process holds the file, or other transactions kept getting in the way. Nothing was changed.
    #[error("the store is busy: {reason}")]
    Busy {
        /// Who is in the way.
        reason: String,
    },
    /// The database is away, or the store is shutting down. Nothing was changed.
    #[error("the store is away: {reason}")]
    Unavailable {
        /// What was tried.
        reason: String,
    },
    /// The commit was sent and its answer lost: it may stand or not.
    #[error("the outcome of the commit is unknown: {reason}")]
    OutcomeUnknown {
        /// What happened to the answer.
        reason: String,
    },
    /// The disk is full, reading or writing it failed, or the file is damaged: the process is going to stop.
    /// Nothing was changed.
    #[error("the store has stopped: {reason}")]
    Stopped {
        /// What the database said.
        reason: String,
    },
    /// The right to act ran out while acting; somebody else may have taken over. Nothing was changed.
    #[error("the lease {name} is no longer held")]
    LeaseLost {
        /// Which lease.
        name: String,
    },
    /// A statement that had to touch one row ([`Tx::expect_one`](crate::Tx::expect_one)) did not. Nothing was changed.
    #[error("{statement} did not find its row")]
    Untouched {
        /// Its name.
        statement: &'static str,
    },
    /// A service's statement touches a table of another service.
    #[error("{service} may not touch {table}")]
    Fenced {
        /// Whose statement it is.
        service: &'static str,
        /// The table, and whose it is.
        table: String,
    },
    /// The migrations and the database disagree.
    #[error("the migrations of {service} cannot be applied: {reason}")]
    Migration {
        /// Whose migrations.
        service: String,
        /// What disagrees.
        reason: String,
    },
    /// The store cannot be opened as configured.
    #[error("{reason}")]
    Configuration {
        /// What is wrong and what to do.
        reason: String,
    },
    /// A fault of ours: SQL that does not prepare, a closure that panicked or went on after a failed statement.
    #[error("{at}: {reason}")]
    Fault {
        /// The statement or the closure.
        at: String,
        /// What happened.
        reason: String,
    },
}

impl StoreError {
    /// Whether a unique constraint or a check of this name was broken.
    #[must_use]
    pub fn violates(&self, name: &str) -> bool {
        match self {
            Self::Unique { constraint } | Self::Check { constraint } => constraint == name,
            Self::ForeignKey
            | Self::NotNull { .. }
            | Self::Corrupt { .. }
            | Self::Overloaded { .. }
            | Self::Busy { .. }
            | Self::Unavailable { .. }
            | Self::OutcomeUnknown { .. }
            | Self::Stopped { .. }
            | Self::LeaseLost { .. }
            | Self::Untouched { .. }
            | Self::Fenced { .. }
            | Self::Migration { .. }
            | Self::Configuration { .. }
            | Self::Fault { .. } => false,
        }
    }

    /// Whether trying again later can help, with nothing changed on our side: the database is away, busy or
    /// overloaded. Not [`StoreError::OutcomeUnknown`]: there the caller must find out first.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Overloaded { .. } | Self::Busy { .. } | Self::Unavailable { .. } | Self::LeaseLost { .. })
    }

    pub(crate) fn fault(at: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Fault { at: at.into(), reason: reason.into() }
    }

    pub(crate) fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into() }
    }

    pub(crate) fn configuration(reason: impl Into<String>) -> Self {
        Self::Configuration { reason: reason.into() }
    }
}

impl Coded for StoreError {
    fn code(&self) -> &'static Code {
        match self {
            Self::Unique { .. } | Self::Check { .. } | Self::ForeignKey | Self::NotNull { .. } => &codes::CONSTRAINT,
            Self::Corrupt { .. } => &codes::CORRUPT,
            Self::Overloaded { .. } => &codes::OVERLOADED,
            Self::Busy { .. } => &codes::BUSY,
            Self::Unavailable { .. } => &codes::UNAVAILABLE,
            Self::OutcomeUnknown { .. } => &codes::OUTCOME_UNKNOWN,
            Self::Stopped { .. } => &codes::STOPPED,
            Self::LeaseLost { .. } => &codes::LEASE_LOST,
            Self::Fenced { .. } => &codes::FENCED,
            Self::Migration { .. } => &codes::MIGRATION,
            Self::Configuration { .. } => &codes::CONFIGURATION,
            Self::Untouched { .. } | Self::Fault { .. } => &codes::FAULT,
        }
    }

    fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Overloaded { .. } | Self::Busy { .. } | Self::OutcomeUnknown { .. } | Self::LeaseLost { .. } => {
                Some(1)
            }
            Self::Unavailable { .. } | Self::Stopped { .. } => Some(5),
            Self::Unique { .. }
            | Self::Check { .. }
            | Self::ForeignKey
            | Self::NotNull { .. }
            | Self::Corrupt { .. }
            | Self::Untouched { .. }
            | Self::Fenced { .. }
            | Self::Migration { .. }
            | Self::Configuration { .. }
            | Self::Fault { .. } => None,
        }
    }
}
