//! Bringing a database up to date, by refinery: versions, checksums, a history table per service.
//!
//! A run is one transaction: either all new migrations of a service stand with their history, or none.

mod postgres;
mod sqlite;

pub(crate) use postgres::migrate as postgres;
pub(crate) use sqlite::migrate as sqlite;

use refinery_core::error::Kind;
use refinery_core::{Migrate, Runner, Target};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::{StoreError, Upgrade};

/// One step of a service's schema. Declared by [`migrations!`](crate::migrations).
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// `0001_orders`: the version and the name.
    pub name: &'static str,
    /// The text for SQLite.
    pub sqlite: &'static str,
    /// The text for PostgreSQL; mostly the same one.
    pub postgres: &'static str,
}

/// The migrations of a crate, from its folder `migrations/`: `NNNN_name.sql`, or, where the databases must differ,
/// `NNNN_name.sqlite.sql` and `NNNN_name.postgres.sql`, marked `per database`.
///
/// ```ignore
/// pub static MIGRATIONS: &[store::Migration] = store::migrations!["0001_orders", "0002_numbers" per database];
/// ```
#[macro_export]
macro_rules! migrations {
    ($($name:literal $($per:ident database)?),+ $(,)?) => {
        &[$($crate::migration!($name $(, $per)?)),+]
    };
}

/// One migration of [`migrations!`](crate::migrations).
#[doc(hidden)]
#[macro_export]
macro_rules! migration {
    ($name:literal) => {{
        const SQL: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/", $name, ".sql"));
        $crate::Migration { name: $name, sqlite: SQL, postgres: SQL }
    }};
    ($name:literal, per) => {
        $crate::Migration {
            name: $name,
            sqlite: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/", $name, ".sqlite.sql")),
            postgres: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/", $name, ".postgres.sql")),
        }
    };
}

/// The tables that every service may touch. Public for tests, which copy a database that has them.
pub static KIT_MIGRATIONS: &[Migration] =
    migrations!["0001_kit" per database, "0002_claims", "0003_rules" per database, "0004_expected" per database];

/// Runs what is new, or refuses it, after comparing what was run before with what is declared now.
fn run(
    connection: &mut impl Migrate,
    history: &str,
    steps: &[refinery_core::Migration],
    upgrade: Upgrade,
) -> Result<(), StoreError> {
    let mut runner = Runner::new(steps).set_grouped(true).set_abort_divergent(true).set_abort_missing(true);
    runner.set_migration_table_name(history_table(history));
    let failed = |error| refused(history, &error);
    match upgrade {
        Upgrade::Apply => runner.run(connection).map(drop).map_err(failed),
        Upgrade::Refuse => {
            let runner = runner.set_target(Target::Version(0));
            runner.run(connection).map_err(failed)?;
            let applied = runner.get_applied_migrations(connection).map_err(failed)?;
            let is_new = |step: &&refinery_core::Migration| applied.iter().all(|old| old.version() != step.version());
            let new: Vec<String> = steps.iter().filter(is_new).map(name_of).collect();
            let reason = || format!("{} not applied here yet; the server does that when it starts", new.join(", "));
            if new.is_empty() { Ok(()) } else { Err(refusal(history, reason())) }
        }
    }
}

fn name_of(migration: &refinery_core::Migration) -> String {
    format!("{:04}_{}", migration.version(), migration.name())
}

fn history_table(history: &str) -> String {
    format!("{history}_migrations")
}

/// The declared migrations as refinery wants them.
fn steps(
    history: &str,
    migrations: &[Migration],
    text: impl Fn(&Migration) -> &'static str,
) -> Result<Vec<refinery_core::Migration>, StoreError> {
    let step = |migration: &Migration| {
        let (version, name) = migration.name.split_once('_').unwrap_or((migration.name, ""));
        let sql = text(migration);
        if sql.to_ascii_uppercase().contains("DEFERRABLE") {
            let reason = format!("{}: deferred constraints would fail everybody's commit on SQLite", migration.name);
            return Err(refusal(history, reason));
        }
        refinery_core::Migration::unapplied(&format!("V{version}__{name}"), sql)
            .map_err(|error| refusal(history, format!("{}: {error}", migration.name)))
    };
    migrations.iter().map(step).collect()
}

/// A row of a history table.
struct Applied {
    version: i32,
    name: String,
    applied_on: String,
    checksum: String,
}

impl Applied {
    /// # Errors
    /// The sentence that says what in the row cannot be read.
    fn into_migration(self) -> Result<refinery_core::Migration, String> {
        let unreadable = |what: &str| format!("the history of version {} holds no {what}", self.version);
        let applied_on = OffsetDateTime::parse(&self.applied_on, &Rfc3339).map_err(|_| unreadable("time"))?;
        let checksum = self.checksum.parse().map_err(|_| unreadable("checksum"))?;
        Ok(refinery_core::Migration::applied(self.version, self.name, applied_on, checksum))
    }
}

fn refused(history: &str, error: &refinery_core::Error) -> StoreError {
    let reason = match error.kind() {
        Kind::DivergentVersion(applied, declared) => format!(
            "{} was changed after it had been applied here (as {}): put its text back and write a new migration",
            name_of(declared),
            name_of(applied),
        ),
        Kind::MissingVersion(migration) => format!(
            "{} is missing between what the database has and what this version declares: is it older than the data?",
            name_of(migration),
        ),
        Kind::RepeatedVersion(migration) => format!("the version of {} is declared twice", name_of(migration)),
        Kind::Connection(what, source) => format!("{what}: {source}"),
        Kind::InvalidName
        | Kind::InvalidVersion
        | Kind::InvalidMigrationPath(..)
        | Kind::ConfigError(_)
        | Kind::InvalidMigrationFile(..) => error.to_string(),
    };
    refusal(history, reason)
}

fn refusal(history: &str, reason: impl Into<String>) -> StoreError {
    StoreError::Migration { service: history.to_owned(), reason: reason.into() }
}
