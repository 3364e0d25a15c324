//! What the bank knows, in one SQLite file: every change is on disk before anybody hears of it.
//!
//! Synchronous and without HTTP, so that a simulation can drive it. One connection behind a lock: a pretend bank
//! needs honesty, not throughput.

mod faults;
mod outbox;
mod payments;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kernel::{Clock, Rng, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};
use sha2::{Digest, Sha256};

pub use self::outbox::Owed;
pub use self::payments::{OpenPayment, Paid, RefundPayment};

/// Why the bank did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum BankError {
    /// There is no such payment.
    #[error("there is no payment {0}")]
    UnknownPayment(String),
    /// The request cannot be read.
    #[error("{0}")]
    Malformed(String),
    /// The request breaks a rule.
    #[error("{0}")]
    Invalid(String),
    /// The payment's state does not permit it.
    #[error("{0}")]
    Conflict(String),
    /// The key was used for something else.
    #[error("the Idempotency-Key was used for another request")]
    KeyReused,
    /// The file cannot be read or written.
    #[error("the bank's file: {0}")]
    File(#[from] rusqlite::Error),
}

/// An answer that was written with its effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// JSON.
    pub body: String,
    /// Whether this request did it, rather than an earlier one with the same key.
    pub fresh: bool,
}

/// The bank's file.
#[derive(Debug)]
pub struct Books {
    connection: Mutex<Connection>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    pay_within: Duration,
}

/// A transaction of the bank, with its time and chance.
pub(crate) struct Work<'c> {
    tx: Transaction<'c>,
    now: Timestamp,
    rng: &'c dyn Rng,
    pay_within: Duration,
}

impl Books {
    /// Opens the file, makes its tables, and takes up what was under way when it was last closed or killed.
    ///
    /// # Errors
    /// The file cannot be opened or is not the bank's.
    pub fn open(
        file: &Path,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
        pay_within: Duration,
    ) -> Result<Self, BankError> {
        let connection = Connection::open(file)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.execute_batch(include_str!("schema.sql"))?;
        connection.execute("UPDATE callbacks SET under_way = 0 WHERE under_way = 1", [])?;
        Ok(Self { connection: Mutex::new(connection), clock, rng, pay_within })
    }

    /// One transaction: all of `f`, or nothing.
    pub(crate) fn work<T>(&self, f: impl FnOnce(&Work<'_>) -> Result<T, BankError>) -> Result<T, BankError> {
        let mut connection = self.lock();
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let work = Work { tx, now: self.clock.now(), rng: self.rng.as_ref(), pay_within: self.pay_within };
        let done = f(&work)?;
        work.tx.commit()?;
        Ok(done)
    }

    /// One transaction whose answer is kept under the key: asked again, the same answer, and no second effect.
    ///
    /// # Errors
    /// What `f` rejects, which is not kept; [`BankError::KeyReused`] when the key came with another request.
    pub(crate) fn once(
        &self,
        key: &str,
        request: &[&[u8]],
        f: impl FnOnce(&Work<'_>) -> Result<(u16, String), BankError>,
    ) -> Result<Answer, BankError> {
        let fingerprint = fingerprint(request);
        self.work(|work| {
            if let Some((kept, status, body)) = work.kept_answer(key)? {
                let answer = Answer { status, body, fresh: false };
                return if kept == fingerprint { Ok(answer) } else { Err(BankError::KeyReused) };
            }
            let (status, body) = f(work)?;
            work.tx.execute(
                "INSERT INTO answers (key, request, status, body) VALUES (?1, ?2, ?3, ?4)",
                (key, &fingerprint[..], status, &body),
            )?;
            Ok(Answer { status, body, fresh: true })
        })
    }

    /// The bank's time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction that was under way when a holder panicked was rolled back by its drop.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work<'_> {
    fn kept_answer(&self, key: &str) -> Result<Option<([u8; 32], u16, String)>, BankError> {
        let sql = "SELECT request, status, body FROM answers WHERE key = ?1";
        Ok(self.tx.query_row(sql, [key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?)
    }
}

/// Parts are told apart by their lengths, so that no two requests look alike.
fn fingerprint(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// A word of the file in its enum.
fn word<T>(column: usize, of: fn(&str) -> Option<T>, text: &str) -> rusqlite::Result<T> {
    of(text).ok_or_else(|| {
        let reason = format!("{text:?} is not one of the words of column {column}");
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, reason.into())
    })
}

/// A text of the file that has a form of its own: an id, a currency.
fn parsed<T: std::str::FromStr>(column: usize, text: &str) -> rusqlite::Result<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse()
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(e)))
}
