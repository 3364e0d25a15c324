//! Migrations of a PostgreSQL schema.

use refinery_core::traits::sync::{Migrate, Query, Transaction};

use crate::migrate::{self, Applied, Migration};
use crate::postgres::{KIT_SCHEMA, Wire, refusal, search_path};
use crate::work::{KIT, Service};
use crate::{Row, StoreError, Upgrade};

/// Only one process migrates a database at a time.
const MIGRATION_LOCK: i64 = i64::from_be_bytes(*b"samovar!");

/// What the store needs of a database: the functions of PostgreSQL 13, and texts that sort by code point as they do
/// on SQLite.
const FITNESS: &str = "SELECT current_setting('server_version_num')::int, current_setting('server_version'), \
    pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = current_database()";

/// refinery's view of a connection whose transaction is already open.
struct Open<'w>(&'w mut Wire);

/// What refinery is told when something fails.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failure(String);

/// Runs the new migrations of a service in its schema.
pub(crate) fn migrate(
    wire: &mut Wire,
    owner: Service,
    (history, migrations): (&str, &[Migration]),
    upgrade: Upgrade,
) -> Result<(), StoreError> {
    let steps = migrate::steps(history, migrations, |migration| migration.postgres)?;
    let failed = |reason: String| migrate::refusal(history, reason);
    if owner == KIT {
        fitness(wire)?;
    }
    let schema = if owner == KIT { KIT_SCHEMA } else { owner.name };
    // CREATE SCHEMA asks for a right on the database even when the schema is there.
    let opening = format!(
        "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; \
         SELECT pg_advisory_xact_lock({MIGRATION_LOCK}); \
         DO $$ BEGIN IF to_regnamespace('\"{schema}\"') IS NULL THEN CREATE SCHEMA \"{schema}\"; END IF; END $$; {}",
        search_path(owner)
    );
    refusal(wire.batch(&opening)).map_err(failed)?;
    let run = migrate::run(&mut Open(wire), history, &steps, upgrade);
    let end = if run.is_ok() { "COMMIT" } else { "ROLLBACK" };
    run.and(refusal(wire.batch(end)).map_err(failed))
}

fn fitness(wire: &mut Wire) -> Result<(), StoreError> {
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let found =
        wire.query(FITNESS, &[], read).map_err(|reason| StoreError::configuration(format!("PostgreSQL: {reason}")))?;
    let Some((number, version, encoding, collation)): Option<(i32, String, String, String)> = found.into_iter().next()
    else {
        return Err(StoreError::configuration("PostgreSQL does not know its own database".to_owned()));
    };
    if number < 130_000 {
        return Err(StoreError::configuration(format!("PostgreSQL {version} is too old: 13 or newer is needed")));
    }
    if encoding != "UTF8" || !matches!(collation.as_str(), "C" | "POSIX" | "C.UTF-8" | "C.utf8") {
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
            refusal(self.0.batch(query)).map_err(Failure)?;
            count += 1;
        }
        Ok(count)
    }
}

impl Query<Vec<refinery_core::Migration>> for Open<'_> {
    fn query(&mut self, query: &str) -> Result<Vec<refinery_core::Migration>, Failure> {
        let read = |row: &Row<'_>| {
            Ok(Applied { version: row.get(0)?, name: row.get(1)?, applied_on: row.get(2)?, checksum: row.get(3)? })
        };
        let applied = self.0.query(query, &[], read).map_err(Failure)?;
        applied.into_iter().map(|applied| applied.into_migration().map_err(Failure)).collect()
    }
}

impl Migrate for Open<'_> {}
