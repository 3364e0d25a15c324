//! One server per SQLite file (decision 6).

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::Path;

use crate::StoreError;

/// Held by `serve` for as long as it runs. The operating system lets go of it when the process ends, however it
/// ends. Command-line writers do not take it: they queue up at SQLite's own lock.
#[derive(Debug)]
pub struct ServerLock {
    _file: File,
}

impl ServerLock {
    /// Takes the lock of a SQLite file: a file beside it, named `<file>.lock`.
    ///
    /// # Errors
    /// [`StoreError::Configuration`] when another server holds it.
    pub fn take(database: &Path) -> Result<Self, StoreError> {
        let mut name = database.as_os_str().to_owned();
        name.push(".lock");
        let path = Path::new(&name).to_owned();
        let failed = |error: std::io::Error| StoreError::configuration(format!("{}: {error}", path.display()));
        let mut file =
            OpenOptions::new().create(true).truncate(false).write(true).read(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = std::fs::read_to_string(&path).unwrap_or_default();
                return Err(StoreError::configuration(format!(
                    "{} is served by another process already ({}); two servers side by side need PostgreSQL",
                    database.display(),
                    if holder.is_empty() { "unknown" } else { holder.trim() },
                )));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0).map_err(failed)?;
        writeln!(file, "process {}", std::process::id()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}
