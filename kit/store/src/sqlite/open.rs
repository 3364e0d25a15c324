//! Connections to a SQLite file, with the settings that durability and safety rest on.

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::{SqliteConfig, StoreError};

/// Older ones can corrupt the file when a checkpoint restarts the log while another process writes.
const VERSION_MIN: i32 = 3_051_003;

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
        // FULL: the log is synced at every commit. The log is cut back to 64 MiB after a burst;
        // `checkpoint` says when it is written back. Without recursive triggers a REPLACE would slip past a trigger that forbids DELETE.
        connection.execute_batch(
            "PRAGMA synchronous = FULL;
             PRAGMA recursive_triggers = ON;
             PRAGMA journal_size_limit = 67108864;
             PRAGMA cache_size = -16384;",
        )?;
        if let Some(pages) = config.pages_max {
            connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
        }
        Ok((connection, journal))
    };
    match open() {
        Ok((connection, journal)) if journal == "wal" => Ok(connection),
        Ok((_, journal)) => {
            let path = config.path.display();
            Err(StoreError::configuration(format!("{path}: SQLite keeps journal mode {journal:?}, WAL is needed")))
        }
        Err(error) => Err(unopened(config, &error)),
    }
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

fn common(connection: &Connection, config: &SqliteConfig) -> rusqlite::Result<()> {
    connection.busy_timeout(config.busy_timeout)?;
    // A damaged or hostile file must not make SQLite run what stands in its schema.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // "text" is a column, never a string.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON;")
}

fn unopened(config: &SqliteConfig, error: &rusqlite::Error) -> StoreError {
    StoreError::configuration(format!("{} cannot be opened: {error}", config.path.display()))
}
