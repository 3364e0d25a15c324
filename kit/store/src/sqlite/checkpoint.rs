//! Writing the log back into the file, after commits.
//!
//! SQLite does the same by itself and keeps to itself when it fails: commits go on, into a log that grows for ever beside
//! a file that cannot be written. Here a failure stops the store like any other failure of the disk.

use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use crate::StoreError;
use crate::sqlite::errors;

/// The log is written back when it has so many pages of 4 KiB (64 MiB): the more of it at once, the fewer pages are
/// written twice, and the fewer commits wait for it.
const EVERY_PAGES: c_int = 16_384;

/// A log of more pages is told of (256 MiB): a reader that stays open keeps it from being written back (decision 7).
const ALARM_PAGES: c_int = 65_536;

/// What became of the checkpoints of a connection.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    failure: Mutex<Option<StoreError>>,
    told: AtomicBool,
}

impl Checkpoints {
    /// Takes the checkpoints of this connection over from SQLite.
    pub(crate) fn of(connection: &mut Connection) -> Result<Arc<Self>, StoreError> {
        let checkpoints = Arc::new(Self::default());
        let after_commit = Arc::clone(&checkpoints);
        // The commit stands whatever becomes of the checkpoint: an error here would be reported as its own.
        let hook = move |log: &mut Wal, pages: c_int| {
            after_commit.make(log, pages);
            Ok(())
        };
        connection.wal_hook(Some(hook)).map_err(|error| errors::failure(&error, "wal_hook"))?;
        Ok(checkpoints)
    }

    /// Why the file can no longer be written, if a checkpoint found out.
    pub(crate) fn take_failure(&self) -> Option<StoreError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn make(&self, log: &mut Wal, pages: c_int) {
        if pages >= EVERY_PAGES
            && let Err(error) = log.checkpoint()
        {
            let failure = errors::failure(&error, "checkpoint");
            if matches!(failure, StoreError::Stopped { .. }) {
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
            } else if !matches!(failure, StoreError::Busy { .. }) {
                // Not another process that is at it.
                tracing::warn!(error = %failure, "the log was not written back; the next commit tries again");
            }
        }
        if self.is_news(pages) {
            tracing::warn!(pages, "SQLite's log is large: somebody reads for so long that it cannot be written back");
        }
    }

    /// Whether the log has become too large, and was not before.
    fn is_news(&self, pages: c_int) -> bool {
        let is_large = pages > ALARM_PAGES;
        self.told.swap(is_large, Ordering::Relaxed) != is_large && is_large
    }
}

#[cfg(test)]
mod tests {
    use super::{ALARM_PAGES, Checkpoints};

    #[test]
    fn a_large_log_is_told_of_once_until_it_is_small_again() {
        let checkpoints = Checkpoints::default();

        let news = [ALARM_PAGES, ALARM_PAGES + 1, ALARM_PAGES + 2, 1, ALARM_PAGES + 1].map(|n| checkpoints.is_news(n));

        assert_eq!(news, [false, true, false, false, true]);
    }
}
