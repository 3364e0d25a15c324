//! Connections to a server, with the settings that the store rests on.

use std::fmt::Write as _;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls, config::Host};

use crate::postgres::errors;
use crate::{PostgresConfig, StoreError};

/// Makes connections to one database.
pub(crate) struct Connector {
    config: Config,
    settings: String,
    /// `host:port/database`, without user and password, for messages.
    address: String,
    /// How long an answer is waited for before the connection is taken for lost.
    pub(crate) patience: Duration,
}

/// A connection, and the task on the runtime that moves its bytes: only while the runtime is blocked on.
pub(crate) struct Link {
    pub(crate) client: Client,
    driver: JoinHandle<()>,
}

/// Ends a single try to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What the server gets beyond its own time limit before its silence means that it is gone.
const GRACE: Duration = Duration::from_secs(5);

impl Connector {
    pub(crate) fn new(config: &PostgresConfig) -> Result<Self, StoreError> {
        let mut parsed: Config = config
            .url
            .parse()
            .map_err(|error| StoreError::configuration(format!("the PostgreSQL URL cannot be read: {error}")))?;
        parsed.application_name("samovar");
        if parsed.get_connect_timeout().is_none() {
            parsed.connect_timeout(CONNECT_TIMEOUT);
        }
        let timeout_ms = config.statement_timeout.as_millis();
        let lock_ms = config.lock_timeout.as_millis();
        // A commit that is answered must be on disk, whatever the server's default. A client that hangs inside a
        // transaction must not hold its locks for ever. Compiling plans costs more than our statements take. A plan that
        // was made while a table was small would read all of it until the server next looks at its size: every statement
        // that is in a hurry has its index.
        let settings = format!(
            "SET statement_timeout = {timeout_ms};
             SET lock_timeout = {lock_ms};
             SET idle_in_transaction_session_timeout = 60000;
             SET timezone = 'UTC';
             SET jit = off;
             SET enable_seqscan = off;
             SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        );
        let address = address(&parsed);
        Ok(Self { config: parsed, settings, address, patience: config.statement_timeout + GRACE })
    }

    /// A runtime for one thread and its connection.
    pub(crate) fn runtime() -> Result<Runtime, StoreError> {
        Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| StoreError::configuration(format!("a runtime cannot be made: {error}")))
    }

    /// One try.
    pub(crate) fn connect(&self, runtime: &Runtime) -> Result<Link, StoreError> {
        runtime.block_on(async {
            let connecting = async {
                let (client, connection) = self.config.connect(NoTls).await?;
                let driver = tokio::spawn(async move {
                    // What went wrong is told to whoever waits for an answer.
                    drop(connection.await);
                });
                client.batch_execute(&self.settings).await?;
                Ok(Link { client, driver })
            };
            match tokio::time::timeout(self.patience, connecting).await {
                Ok(Ok(link)) => Ok(link),
                Ok(Err(error)) => Err(self.refused(&error)),
                Err(_) => Err(StoreError::unavailable(format!("PostgreSQL at {} does not answer", self.address))),
            }
        })
    }

    /// Tries until the server is there, at most so long; tells once that it waits.
    pub(crate) fn connect_within(
        &self,
        runtime: &Runtime,
        wait: Duration,
        waiting: fn(&str),
    ) -> Result<Link, StoreError> {
        let tries = (wait.as_millis() / RETRY_EVERY.as_millis()).max(1);
        let mut result = self.connect(runtime);
        for attempt in 1..tries {
            match &result {
                Err(StoreError::Unavailable { reason }) if attempt == 1 => waiting(reason),
                Err(StoreError::Unavailable { .. }) => {}
                Ok(_) | Err(_) => return result,
            }
            std::thread::park_timeout(RETRY_EVERY);
            result = self.connect(runtime);
        }
        result
    }

    fn refused(&self, error: &tokio_postgres::Error) -> StoreError {
        let reason = format!("PostgreSQL at {}: {}", self.address, errors::sentence(error));
        if error.as_db_error().is_none_or(|error| errors::is_passing(error.code())) {
            StoreError::unavailable(reason)
        } else {
            StoreError::configuration(format!("{reason}; check the PostgreSQL URL"))
        }
    }
}

impl Link {
    /// Closes the socket now, not when the runtime is next blocked on: the server must not keep the locks of a
    /// transaction that nobody will end.
    pub(crate) fn close(self, runtime: &Runtime) {
        self.driver.abort();
        // It ends with "cancelled", as it was told to.
        drop(runtime.block_on(self.driver));
    }
}

/// How often a server is tried that is not there yet.
const RETRY_EVERY: Duration = Duration::from_millis(250);

fn address(config: &Config) -> String {
    let mut address = String::new();
    for (place, host) in config.get_hosts().iter().enumerate() {
        let ports = config.get_ports();
        let port = ports.get(place).or_else(|| ports.first()).copied().unwrap_or(5432);
        let separator = if place == 0 { "" } else { "," };
        let written = match host {
            Host::Tcp(name) => write!(address, "{separator}{name}:{port}"),
            Host::Unix(path) => write!(address, "{separator}{}:{port}", path.display()),
        };
        written.expect("writing to a string cannot fail");
    }
    format!("{address}/{}", config.get_dbname().unwrap_or_default())
}
