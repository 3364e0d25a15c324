//! One business on one database: the services of the role table mounted, and what serves them.

mod doors;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use gateway::Gateway;
use kernel::{Clock, Rng};
use service::{Edge, Ground, Health, Metrics, Outbound, Platform, Settings, Supervisor, UreqOutbound};
use store::{Hooks, LOG_RESERVE, PostgresConfig, ServerLock, SqliteConfig, Store, StoreConfig, Upgrade};

pub use self::doors::{Doors, listen};
use crate::commands::BadUsage;
use crate::roles::SERVICES;
use crate::terminal::complain;

/// Time, chance and the outside, as a process stands on them.
#[derive(Clone, Debug)]
pub struct World {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub rng: Arc<dyn Rng>,
    /// HTTP to the outside.
    pub outbound: Arc<dyn Outbound>,
}

impl World {
    /// The real one.
    #[must_use]
    pub fn real(settings: &Settings) -> Self {
        Self {
            clock: Arc::new(kernel::SystemClock::new()),
            rng: Arc::new(kernel::OsRng),
            outbound: Arc::new(UreqOutbound::new(settings)),
        }
    }
}

/// The services of one process, mounted; nothing runs yet.
#[derive(Debug)]
pub struct Instance {
    /// The services.
    pub platform: Platform,
    /// Their database.
    pub store: Store,
    /// Checked settings.
    pub settings: Settings,
    /// Time, chance, the outside.
    pub world: World,
}

/// The SQLite file of a data folder.
#[must_use]
pub fn sqlite_file(settings: &Settings) -> PathBuf {
    sqlite_file_in(settings.path("data.folder"))
}

/// The SQLite file in this data folder.
#[must_use]
pub fn sqlite_file_in(folder: &Path) -> PathBuf {
    folder.join("samovar.db")
}

/// Whether the data is in SQLite.
#[must_use]
pub fn is_on_sqlite(settings: &Settings) -> bool {
    settings.secret("database.url").is_empty()
}

/// Takes the right to serve the SQLite file; on PostgreSQL several may serve side by side.
///
/// # Errors
/// Another process serves it.
pub fn take_server_lock(settings: &Settings) -> Result<Option<ServerLock>> {
    if !is_on_sqlite(settings) {
        return Ok(None);
    }
    lock(&sqlite_file(settings)).map(Some)
}

/// Takes the right to serve this SQLite file; its folder is made when it is not there.
///
/// # Errors
/// Another process serves it.
pub fn lock(file: &Path) -> Result<ServerLock> {
    make_folder(file.parent().unwrap_or(Path::new("")))?;
    Ok(ServerLock::take(file)?)
}

/// Whether some other process serves the data at this moment.
#[must_use]
pub fn is_served(settings: &Settings) -> bool {
    !is_on_sqlite(settings) || ServerLock::take(&sqlite_file(settings)).is_err()
}

impl Instance {
    /// Opens the database, made when it is not there, brings it up to date, and mounts every service.
    ///
    /// # Errors
    /// The database cannot be opened or does not take the tables.
    pub fn open(settings: Settings, world: World) -> Result<Self> {
        if is_on_sqlite(&settings) {
            make_folder(settings.path("data.folder"))?;
        }
        let mut config = store_config(&settings, Hooks::default())?;
        if let StoreConfig::Sqlite(sqlite) = &mut config {
            sqlite.log_reserve = LOG_RESERVE;
        }
        Self::mount(settings, world, config)
    }

    /// Opens the database for what may come before the first start (the first administrator, the menu), so that it is made
    /// here; beside a running server it is taken as it is, since the server may be older than this program.
    ///
    /// # Errors
    /// The database cannot be opened or does not take the tables.
    pub fn open_or_make(settings: Settings, world: World) -> Result<Self> {
        // A server of PostgreSQL takes no lock that could be asked for: only a database without tables surely has none.
        let is_made = || Store::is_made(&store_config(&settings, waiting_aloud())?).with_context(|| opening(&settings));
        if !is_on_sqlite(&settings) && is_made()? {
            return Self::open_existing(settings, world);
        }
        match take_server_lock(&settings) {
            Ok(_lock) => Self::open(settings, world),
            Err(_) if sqlite_file(&settings).exists() => Self::open_existing(settings, world),
            Err(error) => Err(error),
        }
    }

    /// Opens the database as it is, for a command that was not asked to make one.
    ///
    /// # Errors
    /// There is no database, or it is older than the program.
    pub fn open_existing(settings: Settings, world: World) -> Result<Self> {
        if is_on_sqlite(&settings) {
            must_be_there(&sqlite_file(&settings)).map_err(BadUsage::of)?;
        }
        let config = store_config(&settings, waiting_aloud())?.with_upgrade(Upgrade::Refuse);
        Self::mount(settings, world, config)
    }

    fn mount(settings: Settings, world: World, config: StoreConfig) -> Result<Self> {
        let (clock, rng) = (Arc::clone(&world.clock), Arc::clone(&world.rng));
        let store = Store::open(config, Arc::clone(&clock), Arc::clone(&rng)).with_context(|| opening(&settings))?;
        let outbound = Arc::clone(&world.outbound);
        let ground = Ground { store: store.clone(), settings: settings.clone(), clock, rng, outbound };
        let platform = Platform::mount(&ground, SERVICES, Vec::new())?;
        Ok(Self { platform, store, settings, world })
    }

    /// What answers at the public door, for whoever asks without a socket. Once: it takes the services' routes.
    ///
    /// # Errors
    /// The policy table does not fit the routes, or a setting is not what it should be.
    pub fn front(&mut self, metrics: &Arc<Metrics>) -> Result<Edge<Gateway>> {
        doors::front(self, metrics)
    }

    /// Runs everything until told to stop; `ready` hears the addresses once requests are answered.
    ///
    /// # Errors
    /// A part died, or an address is taken.
    pub async fn serve(mut self, doors: Doors, ready: impl FnOnce(&Serving)) -> Result<()> {
        self.platform.start().map_err(anyhow::Error::msg)?;
        let health = Arc::new(Health::new(Arc::clone(&self.world.clock)));
        let metrics = Arc::new(Metrics::new());
        self.platform.watch(&health, &metrics);
        let limit: Duration = self.settings.duration("server.shutdown_limit");
        let mut supervisor =
            Supervisor::new(Arc::clone(&self.world.clock), Arc::clone(&health), self.platform.closing().clone());
        let serving = Serving {
            public: doors.public.local_addr()?,
            private: doors.private.local_addr()?,
            stop: supervisor.front().clone(),
        };
        doors::open(&mut self, doors, &mut supervisor, doors::Watched { health: Arc::clone(&health), metrics })?;
        let down = supervisor.thread_names_down();
        health.add("threads", move || match down() {
            names if names.is_empty() => Ok(()),
            names => Err(format!("not running: {}", names.join(", "))),
        });
        self.platform.supervise(&mut supervisor);
        ready(&serving);
        supervisor.run(limit).await?;
        self.store.shutdown();
        Ok(())
    }
}

/// Where a running instance is.
#[derive(Clone, Debug)]
pub struct Serving {
    /// The public API.
    pub public: std::net::SocketAddr,
    /// Metrics and health.
    pub private: std::net::SocketAddr,
    /// Asking it stops the instance as a signal would.
    pub stop: service::Stop,
}

/// What is being done, for the message when it fails.
fn opening(settings: &Settings) -> String {
    let place = if is_on_sqlite(settings) { "data.folder" } else { "database.url (SAMOVAR_DATABASE_URL)" };
    format!("opening the database of {place}")
}

/// For commands: whoever types one sees why nothing happens.
fn waiting_aloud() -> Hooks {
    Hooks { waiting: |reason| complain(&format!("waiting for the database: {reason}")), ..Hooks::default() }
}

fn store_config(settings: &Settings, hooks: Hooks) -> Result<StoreConfig> {
    let number = |key: &str| usize::try_from(settings.int(key)).context("settings are checked to be positive");
    let hooks = Hooks { traceparent: service::current_traceparent, ..hooks };
    let config = if is_on_sqlite(settings) {
        let mut config = SqliteConfig::new(sqlite_file(settings));
        config.readers = number("database.readers")?;
        config.queue_max = number("database.queue_max")?;
        StoreConfig::Sqlite(config)
    } else {
        let mut config = PostgresConfig::new(settings.secret("database.url"));
        config.writers = number("database.writers")?;
        config.readers = number("database.readers")?;
        config.queue_max = number("database.queue_max")?;
        config.connect_wait = settings.duration("database.connect_wait");
        StoreConfig::Postgres(config)
    };
    Ok(config.with_hooks(hooks))
}

/// A folder that may not be entered says nothing of what is in it.
fn must_be_there(file: &Path) -> Result<()> {
    let is_there = file.try_exists().with_context(|| format!("looking for the database {}", file.display()))?;
    let missing = "it does not exist; --data names its folder, `samovar serve` makes one";
    ensure!(is_there, "there is no database {}: {missing}", file.display());
    Ok(())
}

/// A folder that only its owner may enter: it holds people's data.
fn make_folder(folder: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("making the data folder {}", folder.display()))
}
