//! The bank: its own HTTP server over its own SQLite file (decision 43).
//!
//! It opens payments, shows a page for the card, takes money, gives it back, and tells the shop about it by signed
//! callbacks until the shop has taken them. Everything is on disk before anybody hears of it, so `kill -9` at any
//! moment leaves it honest; [`faults`] make it dishonest on request.
//!
//! Deliberately absent: accounts of several shops, real card numbers (only the first four digits of a test card are
//! kept), authentication of the API (it is for a loopback address), and every service of the product.

mod api;
pub mod books;
mod deliveries;
pub mod faults;
pub mod model;
mod page;
mod signature;
mod still;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use kernel::{Clock, Rng};
use tokio::sync::watch;

use self::books::{BankError, Books};
use self::deliveries::Deliveries;
pub use self::deliveries::Delivery;
pub use self::signature::sign;
pub use self::still::{StillAnswer, StillBank};

/// What a bank needs to start.
#[derive(Clone, Debug)]
pub struct BankConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How the guest's browser reaches the bank, when that is not the address it listens on.
    pub public_url: Option<String>,
    /// Its SQLite file; made when missing.
    pub data_file: PathBuf,
    /// What callbacks are signed with; the shop knows it too.
    pub secret: String,
    /// How long a payment page stays open.
    pub pay_within: Duration,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub rng: Arc<dyn Rng>,
}

/// Why a bank did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be had.
    #[error("cannot listen on {address}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The file cannot be opened.
    #[error("cannot open the bank's file {file}")]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        source: BankError,
    },
    /// The machine gives no thread.
    #[error("cannot start the bank's thread")]
    Thread(#[source] std::io::Error),
}

/// The door to a running bank: it serves until this is dropped.
#[derive(Debug)]
pub struct Bank {
    address: SocketAddr,
    url: String,
    books: Arc<Books>,
    deliveries: Deliveries,
    stop: watch::Sender<bool>,
    server: Option<JoinHandle<()>>,
}

impl Bank {
    /// Opens the file, binds the address and serves on threads of its own, whatever runtime the caller has.
    ///
    /// # Errors
    /// The address or the file cannot be had.
    pub fn start(config: BankConfig) -> Result<Self, StartError> {
        let books = open(&config)?;
        let bound = bind(config.listen).map_err(|source| StartError::Listen { address: config.listen, source })?;
        let (listener, address) = bound;
        let url = config.public_url.unwrap_or_else(|| format!("http://{address}"));
        let deliveries = Deliveries::start(&books, &config.secret).map_err(StartError::Thread)?;
        let (stop, stopped) = watch::channel(false);
        let patience = api::Patience::Asleep(stopped.clone());
        let desk = api::Desk::new(&books, &url, deliveries.bell(), patience);
        let server = std::thread::Builder::new()
            .name("sandbox-bank".to_owned())
            .spawn(move || serve(listener, desk, stopped))
            .map_err(StartError::Thread)?;
        Ok(Self { address, url, books, deliveries, stop, server: Some(server) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the API and the payment pages are, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it knows, for those who share its process.
    #[must_use]
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// Stops answering and delivering; the file stays. Dropping does the same.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Bank {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.deliveries.stop();
        if let Some(server) = self.server.take() {
            // A panic of the server thread was printed where it happened; there is nothing to add while dropping.
            let _ = server.join();
        }
    }
}

fn bind(listen: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(listen)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn open(config: &BankConfig) -> Result<Arc<Books>, StartError> {
    let (clock, rng) = (Arc::clone(&config.clock), Arc::clone(&config.rng));
    let books = Books::open(&config.data_file, clock, rng, config.pay_within);
    books.map(Arc::new).map_err(|source| StartError::File { file: config.data_file.clone(), source })
}

fn serve(listener: TcpListener, desk: api::Desk, mut stopped: watch::Receiver<bool>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .build()
        .expect("the bank needs a poller, and the operating system has one");
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::from_std(listener).expect("bound and set non-blocking by the caller");
        let router = api::routes(desk);
        let served = axum::serve(listener, router);
        tokio::select! {
            result = served => result.unwrap_or_else(|e| tracing::error!(error = %e, "the bank's server ended")),
            _ = stopped.wait_for(|stop| *stop) => {}
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(5));
}
