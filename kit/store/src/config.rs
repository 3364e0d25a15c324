//! Which database a store stands on.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Where the data is.
#[derive(Clone, Debug)]
pub enum StoreConfig {
    /// One file.
    Sqlite(SqliteConfig),
    /// A server.
    Postgres(PostgresConfig),
}

/// A SQLite file.
#[derive(Clone, Debug)]
pub struct SqliteConfig {
    /// The file; made when it is not there, its folder is not.
    pub path: PathBuf,
    /// Where closures run.
    pub mode: Mode,
    /// How many connections read.
    pub readers: usize,
    /// How many closures may wait, for writing and for reading each.
    pub queue_max: usize,
    /// How long another process may hold the file before [`crate::StoreError::Busy`].
    pub busy_timeout: Duration,
    /// How long the log is made when it is opened for writing, bytes: commits that lengthen it are slow. A server
    /// reserves [`LOG_RESERVE`]; nothing is reserved for who only looks.
    pub log_reserve: u64,
    /// The file's largest size in pages of 4 KiB: a full disk for tests. Unlimited in production.
    pub pages_max: Option<u32>,
    /// What becomes of tables that are not there or older than the program.
    pub upgrade: Upgrade,
    /// What the store tells and asks the program around it.
    pub hooks: Hooks,
}

/// A PostgreSQL server (13 or newer).
#[derive(Clone, Debug)]
pub struct PostgresConfig {
    /// `postgres://user:password@host:port/database`, or `key=value` pairs.
    pub url: String,
    /// How many connections write.
    pub writers: usize,
    /// How many connections read.
    pub readers: usize,
    /// How many closures may wait, for writing and for reading each.
    pub queue_max: usize,
    /// How long [`crate::Store::open`] waits for the server to be there.
    pub connect_wait: Duration,
    /// How long a statement may take on the server: a longer one is a fault.
    pub statement_timeout: Duration,
    /// How long a statement may wait for others to let go of a row before [`crate::StoreError::Busy`].
    pub lock_timeout: Duration,
    /// What becomes of tables that are not there or older than the program.
    pub upgrade: Upgrade,
    /// What the store tells and asks the program around it.
    pub hooks: Hooks,
}

/// Where the closures of a SQLite store run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// On threads of the store: a writer with group commit, and readers.
    Threads,
    /// On the caller's thread, one at a time: for the simulation, tests and the command line (decision 9).
    Inline,
}

/// What becomes of migrations that were not applied yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upgrade {
    /// They are applied.
    Apply,
    /// They are refused by name, and nothing is changed: for commands that were asked to look, not to make.
    Refuse,
}

/// What the store tells and asks the program around it.
#[derive(Clone)]
pub struct Hooks {
    /// Called once when the disk is full, reading or writing it failed, or the file is damaged: the process must
    /// stop. Nobody is answered with success any more, whether or not the hook returns.
    pub fatal: Arc<dyn Fn(&str) + Send + Sync>,
    /// The W3C `traceparent` of the caller, asked on its thread; stored with the events that its closure publishes.
    pub traceparent: fn() -> Option<String>,
    /// Called with the reason when the server is not there at the start and is waited for.
    pub waiting: fn(&str),
}

/// How long [`crate::Db::write_patiently`] waits for company.
pub const PATIENCE: Duration = Duration::from_millis(3);

/// What a server reserves for SQLite's log, bytes: half of what is written back at once. It grows to the rest under load.
pub const LOG_RESERVE: u64 = 32 << 20;

/// The exit status when the store stops the process: `EX_IOERR` of sysexits.h.
pub const EXIT_FATAL: i32 = 74;

impl Default for Hooks {
    fn default() -> Self {
        Self {
            fatal: Arc::new(|reason| {
                tracing::error!(reason, "the store cannot go on, the process stops");
                std::process::exit(EXIT_FATAL);
            }),
            traceparent: || None,
            waiting: |reason| tracing::warn!(reason, "waiting for the database"),
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}

impl StoreConfig {
    /// A SQLite file with threads of its own.
    #[must_use]
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self::Sqlite(SqliteConfig::new(path))
    }

    /// A PostgreSQL server.
    #[must_use]
    pub fn postgres(url: impl Into<String>) -> Self {
        Self::Postgres(PostgresConfig::new(url))
    }

    /// The same with other hooks.
    #[must_use]
    pub fn with_hooks(mut self, hooks: Hooks) -> Self {
        match &mut self {
            Self::Sqlite(config) => config.hooks = hooks,
            Self::Postgres(config) => config.hooks = hooks,
        }
        self
    }

    /// The same, doing this with migrations that were not applied yet.
    #[must_use]
    pub fn with_upgrade(mut self, upgrade: Upgrade) -> Self {
        match &mut self {
            Self::Sqlite(config) => config.upgrade = upgrade,
            Self::Postgres(config) => config.upgrade = upgrade,
        }
        self
    }

    pub(crate) const fn upgrade(&self) -> Upgrade {
        match self {
            Self::Sqlite(config) => config.upgrade,
            Self::Postgres(config) => config.upgrade,
        }
    }

    pub(crate) const fn hooks(&self) -> &Hooks {
        match self {
            Self::Sqlite(config) => &config.hooks,
            Self::Postgres(config) => &config.hooks,
        }
    }
}

impl SqliteConfig {
    /// The defaults for a file.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            mode: Mode::Threads,
            readers: 2,
            queue_max: 1024,
            busy_timeout: Duration::from_secs(5),
            log_reserve: 0,
            pages_max: None,
            upgrade: Upgrade::Apply,
            hooks: Hooks::default(),
        }
    }

    /// The file of the log.
    pub(crate) fn log(&self) -> PathBuf {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        log.into()
    }
}

impl PostgresConfig {
    /// The defaults for a server.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            writers: 8,
            readers: 4,
            queue_max: 1024,
            connect_wait: Duration::from_secs(15),
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(3),
            upgrade: Upgrade::Apply,
            hooks: Hooks::default(),
        }
    }

    /// Whether the URL can be connected to at all; no server is asked.
    ///
    /// # Errors
    /// [`crate::StoreError::Configuration`] says what is wrong with it, and nothing that stands in it beside the scheme.
    pub fn check(&self) -> Result<(), crate::StoreError> {
        crate::postgres::read_url(&self.url).map(drop)
    }
}
