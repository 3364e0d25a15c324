//! Connections to a SQLite file, with the settings that durability and safety rest on.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{SqliteConfig, StoreError};

/// Older ones can corrupt the file when a checkpoint restarts the log while another process writes.
const VERSION_MIN: i32 = 3_051_003;

/// The wait before a file that is locked is opened again.
const OPEN_AGAIN_AFTER: Duration = Duration::from_millis(20);

static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

/// The writer's connection.
pub(crate) fn writer(config: &SqliteConfig) -> Result<Connection, StoreError> {
    if rusqlite::version_number() < VERSION_MIN {
        let version = rusqlite::version();
        return Err(StoreError::configuration(format!("SQLite {version} is too old: 3.51.3 or newer is needed")));
    }
    let open = || -> rusqlite::Result<(Connection, String)> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&config.path, flags)?;
        common(&connection, config)?;
        let journal = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0))?;
        // FULL: the log is synced at every commit. The log is cut back to 128 MiB after a burst;
        // `checkpoint` says when it is written back. Without recursive triggers a REPLACE would slip past a trigger that forbids DELETE.
        connection.execute_batch(
            "PRAGMA synchronous = FULL;
             PRAGMA recursive_triggers = ON;
             PRAGMA journal_size_limit = 134217728;
             PRAGMA cache_size = -16384;",
        )?;
        reserve_log(&connection, config)?;
        if let Some(pages) = config.pages_max {
            connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
        }
        Ok((connection, journal))
    };
    match patiently(config, open) {
        Ok((connection, journal)) if journal == "wal" => Ok(connection),
        Ok((_, journal)) => {
            let path = config.path.display();
            Err(StoreError::configuration(format!("{path}: SQLite keeps journal mode {journal:?}, WAL is needed")))
        }
        Err(error) => Err(unopened(config, &error)),
    }
}

/// Who opens a new file together with others may be told that it is locked while one of them makes it: SQLite does not wait
/// there for as long as it was told to.
fn patiently<T>(config: &SqliteConfig, open: impl Fn() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let tries = config.busy_timeout.as_millis() / OPEN_AGAIN_AFTER.as_millis();
    for _ in 0..tries {
        match open() {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                std::thread::park_timeout(OPEN_AGAIN_AFTER);
            }
            ended => return ended,
        }
    }
    open()
}

/// A reader's connection.
pub(crate) fn reader(config: &SqliteConfig) -> Result<Connection, StoreError> {
    let open = || -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&config.path, flags)?;
        common(&connection, config)?;
        connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -8192;")?;
        Ok(connection)
    };
    open().map_err(|error| unopened(config, &error))
}

/// Makes the log as long as is reserved for it. A commit that lengthens the file waits for the file system's own journal
/// besides, seven times as long as one that writes over what is there. What is behind the last commit in a log is never
/// read; while the write lock is held nobody else appends to it.
fn reserve_log(connection: &Connection, config: &SqliteConfig) -> rusqlite::Result<()> {
    if config.log_reserve == 0 {
        return Ok(());
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    if let Err(error) = lengthen(&config.log(), config.log_reserve) {
        tracing::warn!(%error, "no room is reserved for SQLite's log: commits are slower until it has grown");
    }
    connection.execute_batch("ROLLBACK")
}

fn lengthen(log: &Path, bytes: u64) -> std::io::Result<()> {
    let mut file = OpenOptions::new().append(true).open(log)?;
    let mut missing = bytes.saturating_sub(file.metadata()?.len());
    while missing > 0 {
        let written = missing.min(ZEROS.len() as u64);
        file.write_all(&ZEROS[..usize::try_from(written).unwrap_or(ZEROS.len())])?;
        missing -= written;
    }
    file.sync_data()
}

fn common(connection: &Connection, config: &SqliteConfig) -> rusqlite::Result<()> {
    connection.busy_timeout(config.busy_timeout)?;
    // A damaged or hostile file must not make SQLite run what stands in its schema.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // A statement is planned once, not again for each value that is bound: with partial indexes about, SQLite would look
    // whether this value makes one of them fit, and that took a third of the writer's time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // "text" is a column, never a string.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON;")
}

fn unopened(config: &SqliteConfig, error: &rusqlite::Error) -> StoreError {
    StoreError::configuration(format!("{} cannot be opened: {error}", config.path.display()))
}
