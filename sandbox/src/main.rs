//! The bank as a process of its own, for failure drills that kill it.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use kernel::{OsRng, SystemClock};
use sandbox::bank::{Bank, BankConfig};

/// A pretend bank: opens payments, shows a page for test cards, calls back, and misbehaves on demand.
#[derive(Parser)]
#[command(name = "sandbox-bank")]
struct Options {
    /// Where to listen; port 0 takes a free one, which is printed.
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// How browsers reach it, when that is another address.
    #[arg(long)]
    public_url: Option<String>,
    /// Its SQLite file.
    #[arg(long, default_value = "bank.db")]
    data_file: PathBuf,
    /// The file with the secret that callbacks are signed with.
    #[arg(long)]
    secret_file: PathBuf,
    /// Minutes that a payment page stays open.
    #[arg(long, default_value_t = 15)]
    pay_within_min: u64,
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            let _ = writeln!(std::io::stderr(), "sandbox-bank: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until it is killed: there is nothing that a clean end would save.
fn run(options: Options) -> Result<(), String> {
    let secret = std::fs::read_to_string(&options.secret_file)
        .map_err(|e| format!("cannot read the secret in {}: {e}", options.secret_file.display()))?;
    let bank = Bank::start(BankConfig {
        listen: options.listen,
        public_url: options.public_url,
        data_file: options.data_file,
        secret: secret.trim().to_owned(),
        pay_within: Duration::from_secs(60 * options.pay_within_min),
        clock: Arc::new(SystemClock::new()),
        rng: Arc::new(OsRng),
    })
    .map_err(|e| match std::error::Error::source(&e) {
        Some(cause) => format!("{e}: {cause}"),
        None => e.to_string(),
    })?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", bank.url()).and_then(|()| out.flush()).map_err(|e| e.to_string())?;
    loop {
        std::thread::park();
    }
}
