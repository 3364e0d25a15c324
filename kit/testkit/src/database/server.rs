//! The PostgreSQL server that `DATABASE_URL` names. One connection of this process, on a thread of its own, makes and
//! drops the databases of all its tests.
//!
//! A process that is killed leaves its databases behind. Their names begin with the number of its run, and the connection
//! holds an advisory lock on that number: whose number can be locked is gone, and the next process drops what it left.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use kernel::{OsRng, Rng as _};
use tokio::runtime::Builder;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, NoTls};

use super::contents::texts;

/// Texts sort by code point, as the store wants them.
const EMPTY: &str = "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'";

/// Databases that processes left behind, each with the number of its run as the server's locks have it.
const LEFT: &str = "SELECT datname, ('x' || substr(datname, 14, 16))::bit(64)::bigint FROM pg_database
    WHERE datname ~ '^samovar_tests[0-9a-f]{16}_'";

/// Copying files takes a third of the work of copying pages through the log, unless every file is synced.
const COPIES_FILES: &str =
    "SELECT current_setting('fsync') = 'off' AND current_setting('server_version_num')::int >= 150000";

/// Databases that are left alone for a while before they are dropped. The server looks for connections to what it drops,
/// and if one has not quite ended it sleeps for a tenth of a second, while all other tests wait for their databases.
const LINGER: usize = 8;

/// The server, as this process uses it.
pub(super) struct Server {
    url: String,
    run: u64,
    /// How it copies a database, as a clause of `CREATE DATABASE`.
    strategy: &'static str,
    count: AtomicU64,
    orders: Sender<Order>,
    /// Databases that nobody needs any more, the oldest first.
    forgotten: Mutex<VecDeque<String>>,
}

/// A statement, and who waits for what it tells, if anybody.
struct Order {
    sql: String,
    done: Option<SyncSender<Result<Vec<String>, Error>>>,
}

impl Server {
    /// The one of this process.
    ///
    /// # Panics
    /// When `DATABASE_URL` is not set or its server is away.
    pub(super) fn here() -> &'static Self {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(Self::connect)
    }

    /// Another one beside it, as if for another process.
    pub(super) fn connect() -> Self {
        let url = std::env::var("DATABASE_URL")
            .expect("DATABASE_URL must name a PostgreSQL server for tests: `make test` starts one");
        let run = OsRng.next_u64();
        let (orders, queue) = mpsc::channel();
        let (there, base) = (mpsc::sync_channel(1), url.clone());
        let keeper = thread::Builder::new().name("test-databases".to_owned());
        let keeping = keeper.spawn(move || keep(&base, run, &queue, &there.0));
        keeping.expect("a machine that runs tests has threads");
        let strategy = there.1.recv().expect("the server of DATABASE_URL is there");
        Self { url, run, strategy, count: AtomicU64::new(0), orders, forgotten: Mutex::default() }
    }

    /// The lock that says that whose run this is lives.
    #[cfg(test)]
    pub(super) const fn lock(&self) -> i64 {
        self.run.cast_signed()
    }

    /// The URL of one of its databases.
    pub(super) fn url_of(&self, name: &str) -> String {
        let (base, _) = self.url.rsplit_once('/').expect("DATABASE_URL ends in /database");
        format!("{base}/{name}")
    }

    /// Makes a database without tables and tells its name.
    pub(super) fn make_empty(&self) -> String {
        let name = self.next_name();
        self.run(&format!("CREATE DATABASE {name} {EMPTY} {}", self.strategy))
            .expect("the user of DATABASE_URL may create databases");
        name
    }

    /// Makes a copy of another database and tells its name; none when there is no such other.
    pub(super) fn make_like(&self, other: &str) -> Option<String> {
        let name = self.next_name();
        match self.run(&format!("CREATE DATABASE {name} TEMPLATE {other} {}", self.strategy)) {
            Ok(_) => Some(name),
            Err(error) if error.code() == Some(&SqlState::UNDEFINED_DATABASE) => None,
            Err(error) => panic!("{other} cannot be copied: {error:?}"),
        }
    }

    /// Runs a statement and waits for it: the first column of what it tells.
    pub(super) fn run(&self, sql: &str) -> Result<Vec<String>, Error> {
        let (done, waiting) = mpsc::sync_channel(1);
        self.orders.send(Order { sql: sql.to_owned(), done: Some(done) }).expect("the connection to the server stands");
        waiting.recv().expect("the connection to the server stands")
    }

    /// Drops a database some time; nobody waits for it. The latest stay for the next process to drop.
    pub(super) fn forget(&self, name: &str) {
        let mut forgotten = self.forgotten.lock().unwrap_or_else(PoisonError::into_inner);
        forgotten.push_back(name.to_owned());
        if forgotten.len() > LINGER
            && let Some(oldest) = forgotten.pop_front()
        {
            self.order(format!("DROP DATABASE IF EXISTS {oldest} WITH (FORCE)"));
        }
    }

    /// Has a statement run after all that were asked for before; nobody waits for it.
    pub(super) fn order(&self, sql: String) {
        // The server is gone: so are its locks and databases, or the next run finds them.
        drop(self.orders.send(Order { sql, done: None }));
    }

    fn next_name(&self) -> String {
        format!("samovar_tests{:016x}_{}", self.run, self.count.fetch_add(1, Ordering::Relaxed))
    }
}

/// Does what is ordered, one after another, until nobody can order any more.
fn keep(url: &str, run: u64, queue: &Receiver<Order>, there: &SyncSender<&'static str>) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime without threads can be made");
    let connecting = async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute(&format!("SELECT pg_advisory_lock({})", run.cast_signed())).await?;
        let copies_files: bool = client.query_one(COPIES_FILES, &[]).await?.get(0);
        Ok::<_, Error>((client, if copies_files { "STRATEGY FILE_COPY" } else { "" }))
    };
    let (client, strategy) = runtime.block_on(connecting).expect("the server of DATABASE_URL is there");
    there.send(strategy).expect("who started this thread waits for it");
    runtime.block_on(sweep(&client)).expect("the databases of processes that are gone can be dropped");
    for Order { sql, done } in queue {
        let result = runtime.block_on(client.simple_query(&sql)).map(|told| texts(&told, 0));
        if let Some(done) = done {
            // Who waited has panicked since.
            drop(done.send(result));
        }
    }
}

/// Drops what processes left behind that are gone.
async fn sweep(client: &Client) -> Result<(), Error> {
    for left in client.query(LEFT, &[]).await? {
        let (name, run): (&str, i64) = (left.get(0), left.get(1));
        if client.query_one("SELECT pg_try_advisory_lock($1)", &[&run]).await?.get(0) {
            client.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
            client.execute("SELECT pg_advisory_unlock($1)", &[&run]).await?;
        }
    }
    Ok(())
}
