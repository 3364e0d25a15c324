//! Migrations of a SQLite file.

use refinery_core::traits::sync::{Migrate, Query, Transaction};
use rusqlite::Connection;

use crate::migrate::{self, Applied, Migration};
use crate::work::Service;
use crate::{StoreError, Upgrade};

/// refinery's view of a connection whose transaction is already open.
struct Open<'c>(&'c Connection);

/// What refinery is told when something fails.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Driver(#[from] rusqlite::Error),
    #[error("{0}")]
    History(String),
}

/// Runs the new migrations of a service and records whose the new tables are.
pub(crate) fn migrate(
    connection: &Connection,
    owner: Service,
    (history, migrations): (&str, &[Migration]),
    upgrade: Upgrade,
) -> Result<(), StoreError> {
    let steps = migrate::steps(history, migrations, |migration| migration.sqlite)?;
    let failed = |error: rusqlite::Error| migrate::refusal(history, error.to_string());
    connection.execute_batch("BEGIN IMMEDIATE").map_err(failed)?;
    let run = migrate::run(&mut Open(connection), history, &steps, upgrade)
        .and_then(|()| record_owner(connection, owner).map_err(failed));
    // When SQLite has rolled back by itself there is nothing left to end.
    let end = if run.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = if connection.is_autocommit() { Ok(()) } else { connection.execute_batch(end) };
    run.and(ended.map_err(failed))
}

/// Tables and views that had no owner belong to who has just made them; those that are gone belong to nobody.
fn record_owner(connection: &Connection, owner: Service) -> rusqlite::Result<()> {
    let kept = "name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND type IN ('table', 'view')";
    connection.execute(
        &format!(
            "INSERT INTO table_owners (table_name, service) SELECT name, ?1 FROM sqlite_schema WHERE {kept} \
             AND name NOT IN (SELECT table_name FROM table_owners)"
        ),
        [owner.name],
    )?;
    connection.execute("DELETE FROM table_owners WHERE table_name NOT IN (SELECT name FROM sqlite_schema)", [])?;
    Ok(())
}

impl Transaction for Open<'_> {
    type Error = Failure;

    fn execute<'a, T: Iterator<Item = &'a str>>(&mut self, queries: T) -> Result<usize, Failure> {
        let mut count = 0;
        for query in queries {
            self.0.execute_batch(query)?;
            count += 1;
        }
        Ok(count)
    }
}

impl Query<Vec<refinery_core::Migration>> for Open<'_> {
    fn query(&mut self, query: &str) -> Result<Vec<refinery_core::Migration>, Failure> {
        let mut statement = self.0.prepare(query)?;
        let rows = statement.query_map([], |row| {
            Ok(Applied { version: row.get(0)?, name: row.get(1)?, applied_on: row.get(2)?, checksum: row.get(3)? })
        })?;
        rows.map(|row| row?.into_migration().map_err(Failure::History)).collect()
    }
}

impl Migrate for Open<'_> {}
