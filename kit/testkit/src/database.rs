//! Databases for tests: a SQLite file in a folder of its own, or a PostgreSQL database of its own on the server that
//! `DATABASE_URL` names. Gone when the test ends.

mod contents;

use std::sync::Arc;

use kernel::{Clock, OsRng, Rng, SystemClock};
use store::{Hooks, PostgresConfig, Store, StoreConfig};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

pub use self::contents::Contents;

/// A database that belongs to one test.
#[derive(Debug)]
pub struct TestDatabase {
    place: Place,
}

#[derive(Debug)]
enum Place {
    Sqlite(TempDir),
    Postgres { server: String, name: String },
}

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

    /// An empty PostgreSQL database.
    ///
    /// # Panics
    /// When `DATABASE_URL` is not set or its server is away: a suite that silently leaves out a database is worse.
    #[must_use]
    pub fn postgres() -> Self {
        let server = std::env::var("DATABASE_URL")
            .expect("DATABASE_URL must name a PostgreSQL server for tests: `make test` starts one");
        let name = format!("samovar_test_{}_{:016x}", std::process::id(), OsRng.next_u64());
        run_on(
            &server,
            &format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"),
        );
        Self { place: Place::Postgres { server, name } }
    }

    /// Whether it is PostgreSQL.
    #[must_use]
    pub const fn is_postgres(&self) -> bool {
        matches!(self.place, Place::Postgres { .. })
    }

    /// Where it is: for tests that change a setting before they open it. Few threads, since many tests run at once.
    #[must_use]
    pub fn config(&self) -> StoreConfig {
        let config = match &self.place {
            Place::Sqlite(folder) => StoreConfig::sqlite(folder.path().join("samovar.db")),
            Place::Postgres { .. } => {
                let few = PostgresConfig { writers: 4, readers: 2, ..PostgresConfig::new(self.url()) };
                StoreConfig::Postgres(few)
            }
        };
        // The product stops its process here; a test must only fail itself.
        let fatal = Arc::new(|reason: &str| panic!("the store cannot go on: {reason}"));
        config.with_hooks(Hooks { fatal, ..Hooks::default() })
    }

    /// The URL of a PostgreSQL database, the path of a SQLite file.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.place {
            Place::Sqlite(folder) => folder.path().join("samovar.db").display().to_string(),
            Place::Postgres { server, name } => {
                let (base, _) = server.rsplit_once('/').expect("DATABASE_URL ends in /database");
                format!("{base}/{name}")
            }
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
        match &self.place {
            Place::Sqlite(_) => {}
            Place::Postgres { server, name } => run_on(server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")),
        }
    }
}

/// Runs one statement on a server.
fn run_on(server: &str, sql: &str) {
    with_client(server, async |client| {
        client.batch_execute(sql).await.expect("the user of DATABASE_URL may create databases");
    });
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
