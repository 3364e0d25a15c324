//! Migrations of a PostgreSQL schema.

use refinery_core::traits::sync::{Migrate, Query, Transaction};
use tokio::runtime::Runtime;
use tokio_postgres::Client;

use crate::migrate::{self, Applied, Migration};
use crate::postgres::{KIT_SCHEMA, search_path, sentence};
use crate::work::{KIT, Service};
use crate::{StoreError, Upgrade};

/// Only one process migrates a database at a time.
const MIGRATION_LOCK: i64 = i64::from_be_bytes(*b"samovar!");

/// What the store needs of a database: the functions of PostgreSQL 13, and texts that sort by code point as they do
/// on SQLite.
const FITNESS: &str = "SELECT current_setting('server_version_num')::int, current_setting('server_version'), \
    pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = current_database()";

/// refinery's view of a connection whose transaction is already open.
struct Open<'c> {
    runtime: &'c Runtime,
    client: &'c Client,
}

/// What refinery is told when something fails.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{}", sentence(.0))]
    Driver(#[from] tokio_postgres::Error),
    #[error("{0}")]
    History(String),
}

/// Runs the new migrations of a service in its schema.
pub(crate) fn migrate(
    (runtime, client): (&Runtime, &Client),
    owner: Service,
    (history, migrations): (&str, &[Migration]),
    upgrade: Upgrade,
) -> Result<(), StoreError> {
    let steps = migrate::steps(history, migrations, |migration| migration.postgres)?;
    let failed = |error: tokio_postgres::Error| migrate::refusal(history, sentence(&error));
    if owner == KIT {
        fitness(runtime, client)?;
    }
    let schema = if owner == KIT { KIT_SCHEMA } else { owner.name };
    // CREATE SCHEMA asks for a right on the database even when the schema is there.
    let opening = format!(
        "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; \
         SELECT pg_advisory_xact_lock({MIGRATION_LOCK}); \
         DO $$ BEGIN IF to_regnamespace('\"{schema}\"') IS NULL THEN CREATE SCHEMA \"{schema}\"; END IF; END $$; {}",
        search_path(owner)
    );
    runtime.block_on(client.batch_execute(&opening)).map_err(failed)?;
    let run = migrate::run(&mut Open { runtime, client }, history, &steps, upgrade);
    let end = if run.is_ok() { "COMMIT" } else { "ROLLBACK" };
    run.and(runtime.block_on(client.batch_execute(end)).map_err(failed))
}

fn fitness(runtime: &Runtime, client: &Client) -> Result<(), StoreError> {
    let row = runtime
        .block_on(client.query_one(FITNESS, &[]))
        .map_err(|error| StoreError::configuration(format!("PostgreSQL: {}", sentence(&error))))?;
    let (number, version, encoding, collation): (i32, &str, &str, &str) =
        (row.get(0), row.get(1), row.get(2), row.get(3));
    if number < 130_000 {
        return Err(StoreError::configuration(format!("PostgreSQL {version} is too old: 13 or newer is needed")));
    }
    if encoding != "UTF8" || !matches!(collation, "C" | "POSIX" | "C.UTF-8" | "C.utf8") {
        return Err(StoreError::configuration(format!(
            "the PostgreSQL database has encoding {encoding} and collation {collation}; make it with \
             CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C'"
        )));
    }
    Ok(())
}

impl Transaction for Open<'_> {
    type Error = Failure;

    fn execute<'a, T: Iterator<Item = &'a str>>(&mut self, queries: T) -> Result<usize, Failure> {
        let mut count = 0;
        for query in queries {
            self.runtime.block_on(self.client.batch_execute(query))?;
            count += 1;
        }
        Ok(count)
    }
}

impl Query<Vec<refinery_core::Migration>> for Open<'_> {
    fn query(&mut self, query: &str) -> Result<Vec<refinery_core::Migration>, Failure> {
        let rows = self.runtime.block_on(self.client.query(query, &[]))?;
        let applied = rows.iter().map(|row| {
            let applied = Applied {
                version: row.try_get(0)?,
                name: row.try_get(1)?,
                applied_on: row.try_get(2)?,
                checksum: row.try_get(3)?,
            };
            applied.into_migration().map_err(Failure::History)
        });
        applied.collect()
    }
}

impl Migrate for Open<'_> {}
