//! Connections to a server, with the settings that the store rests on.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Builder;
use tokio_postgres::config::{Config, Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{Error, NoTls};

use crate::postgres::errors;
use crate::postgres::socket::{Place, Socket};
use crate::postgres::wire::{Exchanged, Wire};
use crate::{PostgresConfig, StoreError};

/// Makes connections to one database.
pub(crate) struct Connector {
    config: Config,
    settings: String,
    /// `host:port/database`, without user and password, for messages.
    address: String,
    /// How long an answer is waited for before the connection is taken for lost.
    pub(crate) patience: Duration,
    /// What was connected to bring the database up to date, for whoever connects next.
    spare: Mutex<Vec<Wire>>,
}

/// Ends a single try to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What the server gets beyond its own time limit before its silence means that it is gone.
const GRACE: Duration = Duration::from_secs(5);

/// A server that only follows another one, or was made to take no writes.
const IS_READ_ONLY: &str = "SELECT current_setting('transaction_read_only') = 'on'";

/// What the URL says, if it can be connected to at all. The message shows nothing of it that may be a password.
pub(crate) fn read_url(url: &str) -> Result<Config, StoreError> {
    let wrong = |why: String| StoreError::configuration(format!("the PostgreSQL URL {why}"));
    let is_word = |text: &&str| text.bytes().all(|b| b.is_ascii_alphanumeric());
    let scheme = url.split_once("://").map(|(scheme, _)| scheme).filter(is_word);
    if let Some(other) = scheme.filter(|scheme| !["postgres", "postgresql"].contains(scheme)) {
        return Err(wrong(format!("begins with {other}://, and not with postgres://")));
    }
    let parsed: Config = url.parse().map_err(|error: Error| match (scheme, error.source()) {
        (Some(_), Some(reason)) => wrong(format!("cannot be read: {reason}")),
        // Where there is no scheme, any part of it may be what was meant to be secret.
        (None, _) | (_, None) => wrong("is not like postgres://user:password@host:port/database".to_owned()),
    })?;
    if Place::all(&parsed).is_empty() {
        return Err(wrong("names no server".to_owned()));
    }
    if parsed.get_ssl_mode() == SslMode::Require {
        return Err(wrong("asks for TLS (sslmode=require), which is not spoken to the database".to_owned()));
    }
    Ok(parsed)
}

impl Connector {
    pub(crate) fn new(config: &PostgresConfig) -> Result<Self, StoreError> {
        let mut parsed = read_url(&config.url)?;
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
        Ok(Self {
            config: parsed,
            settings,
            address,
            patience: config.statement_timeout + GRACE,
            spare: Mutex::default(),
        })
    }

    /// A connection that somebody has done with, or a new one.
    pub(crate) fn take(&self) -> Result<Wire, StoreError> {
        self.spare().pop().map_or_else(|| self.connect(), Ok)
    }

    /// Keeps a connection, on which nothing is open, for whoever takes the next.
    pub(crate) fn give_back(&self, wire: Wire) {
        self.spare().push(wire);
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Wire>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One try at each of the servers that the URL names.
    pub(crate) fn connect(&self) -> Result<Wire, StoreError> {
        let mut result = Err(StoreError::configuration("the PostgreSQL URL names no server".to_owned()));
        for place in Place::all(&self.config) {
            result = self.connect_to(&place);
            if result.is_ok() {
                break;
            }
        }
        result
    }

    fn connect_to(&self, place: &Place) -> Result<Wire, StoreError> {
        let unreachable =
            |error: &io::Error| StoreError::unavailable(format!("PostgreSQL at {}: {error}", self.address));
        let timeout = self.config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
        let socket = place.open(&self.config, timeout).map_err(|error| unreachable(&error))?;
        self.sign_in(&socket)?;
        let mut wire = Wire::new(socket);
        wire.set_patience(Some(self.patience)).map_err(|error| unreachable(&error))?;
        match wire.batch(&self.settings) {
            Ok(Exchanged { failed: None, .. }) => {}
            Ok(Exchanged { failed: Some((_, error)), .. }) => return Err(errors::failure(&error, "settings").error),
            Err(error) => return Err(unreachable(&error)),
        }
        self.is_wanted(&mut wire)?;
        Ok(wire)
    }

    /// Signs in by the driver, on a handle of its own; what the driver would do afterwards is not wanted.
    fn sign_in(&self, socket: &Socket) -> Result<(), StoreError> {
        let unreachable =
            |error: io::Error| StoreError::unavailable(format!("PostgreSQL at {}: {error}", self.address));
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| StoreError::configuration(format!("a runtime cannot be made: {error}")))?;
        socket.set_nonblocking(true).map_err(unreachable)?;
        let handle = socket.try_clone().map_err(unreachable)?;
        let signing_in = async {
            match handle {
                Socket::Tcp(stream) => self.sign_in_by(tokio::net::TcpStream::from_std(stream)).await,
                Socket::Unix(stream) => self.sign_in_by(tokio::net::UnixStream::from_std(stream)).await,
            }
        };
        match runtime.block_on(async { tokio::time::timeout(self.patience, signing_in).await }) {
            Ok(signed_in) => signed_in?,
            Err(_) => return Err(StoreError::unavailable(format!("PostgreSQL at {} does not answer", self.address))),
        }
        socket.set_nonblocking(false).map_err(unreachable)
    }

    async fn sign_in_by(&self, stream: io::Result<impl AsyncRead + AsyncWrite + Unpin>) -> Result<(), StoreError> {
        let unreachable = |error| StoreError::unavailable(format!("PostgreSQL at {}: {error}", self.address));
        let stream = stream.map_err(unreachable)?;
        self.config.connect_raw(stream, NoTls).await.map(drop).map_err(|error| self.refused(&error))
    }

    /// Whether it is the server that `target_session_attrs` asks for.
    fn is_wanted(&self, wire: &mut Wire) -> Result<(), StoreError> {
        let attributes = self.config.get_target_session_attrs();
        if attributes == TargetSessionAttrs::Any {
            return Ok(());
        }
        let is_read_only = attributes == TargetSessionAttrs::ReadOnly;
        if wire.query(IS_READ_ONLY, &[], |row| row.get::<bool>(0)) == Ok(vec![is_read_only]) {
            return Ok(());
        }
        Err(StoreError::unavailable(format!("PostgreSQL at {}: not the kind of server that is wanted", self.address)))
    }

    /// [`Connector::take`], trying until the server is there, at most so long; tells once that it waits.
    pub(crate) fn take_within(&self, wait: Duration, waiting: fn(&str)) -> Result<Wire, StoreError> {
        let tries = (wait.as_millis() / RETRY_EVERY.as_millis()).max(1);
        let mut result = self.take();
        for attempt in 1..tries {
            match &result {
                Err(StoreError::Unavailable { reason }) if attempt == 1 => waiting(reason),
                Err(StoreError::Unavailable { .. }) => {}
                Ok(_) | Err(_) => return result,
            }
            std::thread::park_timeout(RETRY_EVERY);
            result = self.connect();
        }
        result
    }

    fn refused(&self, error: &Error) -> StoreError {
        let reason = format!("PostgreSQL at {}: {}", self.address, errors::sentence(error));
        if error.as_db_error().is_none_or(|error| errors::is_passing(error.code())) {
            StoreError::unavailable(reason)
        } else {
            StoreError::configuration(format!("{reason}; check the PostgreSQL URL"))
        }
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
