//! Databases for tests: a SQLite file in a folder of its own, or a PostgreSQL database of its own on the server that
//! `DATABASE_URL` names. Gone when the test ends, or soon after.

mod contents;
mod server;
mod template;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use kernel::{Clock, OsRng, Rng, SystemClock};
use service::Mount;
use store::{Hooks, PostgresConfig, Store, StoreConfig};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

pub use self::contents::Contents;
use self::server::Server;

/// A database that belongs to one test.
#[derive(Debug)]
pub struct TestDatabase {
    place: Place,
}

#[derive(Debug)]
enum Place {
    Sqlite(TempDir),
    /// Its name, once it was made.
    Postgres(OnceLock<String>),
}

/// Connections of a test's store that write and that read. Each costs the server a process that learns every statement
/// anew, and two writers are enough to stand in each other's way; a test that wants more says so.
const POSTGRES_THREADS: (usize, usize) = (2, 1);

/// Runs a test on SQLite and then on PostgreSQL.
pub fn for_each_database(test: impl Fn(&TestDatabase)) {
    test(&TestDatabase::sqlite());
    test(&TestDatabase::postgres());
}

/// Makes two tests of each function `fn name(database: &TestDatabase)`: `on_sqlite::name` and `on_postgres::name`.
/// Once per module.
#[macro_export]
macro_rules! both_databases {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[test]
            fn $name() {
                super::$name(&$crate::TestDatabase::sqlite());
            })+
        }
        mod on_postgres {
            $(#[test]
            fn $name() {
                super::$name(&$crate::TestDatabase::postgres());
            })+
        }
    };
}

impl TestDatabase {
    /// A SQLite file that is not there yet.
    #[must_use]
    pub fn sqlite() -> Self {
        Self { place: Place::Sqlite(TempDir::new().expect("the machine has a folder for temporary files")) }
    }

    /// A PostgreSQL database, made when it is first asked for.
    #[must_use]
    pub const fn postgres() -> Self {
        Self { place: Place::Postgres(OnceLock::new()) }
    }

    /// Whether it is PostgreSQL.
    #[must_use]
    pub const fn is_postgres(&self) -> bool {
        matches!(self.place, Place::Postgres { .. })
    }

    /// Where it is: for tests that change a setting before they open it. Empty at first.
    ///
    /// # Panics
    /// When `DATABASE_URL` is not set or its server is away: a suite that silently leaves out a database is worse.
    #[must_use]
    pub fn config(&self) -> StoreConfig {
        self.config_for(&[])
    }

    /// The same; has the tables of these services already if that is cheaper than making them.
    ///
    /// # Panics
    /// As [`TestDatabase::config`].
    #[must_use]
    pub fn config_for(&self, mounts: &[Mount]) -> StoreConfig {
        let config = match &self.place {
            Place::Sqlite(folder) => StoreConfig::sqlite(folder.path().join("samovar.db")),
            Place::Postgres(made) => postgres_config(made.get_or_init(|| make(mounts))),
        };
        // The product stops its process here; a test must only fail itself.
        let fatal = Arc::new(|reason: &str| panic!("the store cannot go on: {reason}"));
        config.with_hooks(Hooks { fatal, ..Hooks::default() })
    }

    /// The URL of a PostgreSQL database, the path of a SQLite file.
    ///
    /// # Panics
    /// As [`TestDatabase::config`].
    #[must_use]
    pub fn url(&self) -> String {
        match &self.place {
            Place::Sqlite(folder) => folder.path().join("samovar.db").display().to_string(),
            Place::Postgres(made) => Server::here().url_of(made.get_or_init(|| make(&[]))),
        }
    }

    /// Opens it with the machine's clock and chance. May be opened again, as after a restart.
    ///
    /// # Panics
    /// When it cannot be opened.
    #[must_use]
    pub fn open(&self) -> Store {
        self.open_with(Arc::new(SystemClock::new()), Arc::new(OsRng))
    }

    /// Opens it with a clock and chance of the test's.
    ///
    /// # Panics
    /// When it cannot be opened.
    #[must_use]
    pub fn open_with(&self, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Store {
        Store::open(self.config(), clock, rng).expect("a fresh test database opens")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Place::Postgres(made) = &self.place
            && let Some(name) = made.get()
        {
            Server::here().forget(name);
        }
    }
}

/// The name of a new database with the tables of these services, or an empty one.
fn make(mounts: &[Mount]) -> String {
    let server = Server::here();
    if mounts.is_empty() { server.make_empty() } else { template::copy(server, mounts) }
}

fn postgres_config(name: &str) -> StoreConfig {
    let (writers, readers) = POSTGRES_THREADS;
    StoreConfig::Postgres(PostgresConfig { writers, readers, ..PostgresConfig::new(Server::here().url_of(name)) })
}

/// Does something with a connection of its own, on a thread of its own, since the test may stand in a runtime.
fn with_client<T: Send>(url: &str, work: impl AsyncFnOnce(&Client) -> T + Send) -> T {
    let there = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime without threads can be made");
        runtime.block_on(async {
            let (client, connection) =
                tokio_postgres::connect(url, NoTls).await.expect("the server of DATABASE_URL is there");
            let connection = tokio::spawn(connection);
            let done = work(&client).await;
            drop(client);
            drop(connection.await);
            done
        })
    };
    std::thread::scope(|scope| scope.spawn(there).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
