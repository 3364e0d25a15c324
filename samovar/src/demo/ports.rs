//! What the demo listens on beside the public address. It says where, so nobody needs to know it beforehand: a port that
//! another program has is no reason not to start.

use std::io::ErrorKind;
use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use sandbox::bank::{Bank, StartError};
use tokio::net::TcpListener;

use crate::instance::listen;

/// The sandbox bank, when the port is free.
pub(super) const BANK: &str = "127.0.0.1:8090";

/// Metrics and health, when the port is free.
const PRIVATE: &str = "127.0.0.1:9464";

/// Which port is tried first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ports {
    /// The usual one: somebody will look at what is there.
    Usual,
    /// Any that is free.
    Any,
}

impl Ports {
    fn first(self, usual: &str) -> SocketAddr {
        let usual: SocketAddr = usual.parse().expect("the usual addresses are well-formed");
        match self {
            Self::Usual => usual,
            Self::Any => any_port(usual),
        }
    }
}

/// Starts the bank on its usual port or a free one.
pub(super) fn bank(ports: Ports, start: impl Fn(SocketAddr) -> Result<Bank, StartError>) -> Result<Bank> {
    let wanted = ports.first(BANK);
    let started = match start(wanted) {
        Err(StartError::Listen { source, .. }) if source.kind() == ErrorKind::AddrInUse => start(any_port(wanted)),
        other => other,
    };
    started.context("starting the sandbox bank")
}

/// Listens for operators where somebody said, else on their usual port or a free one.
pub(super) async fn private(ports: Ports, said: Option<&str>) -> Result<TcpListener> {
    match said {
        Some(address) => listen(address, "--set server.private_listen=").await,
        None => free(ports.first(PRIVATE)).await,
    }
}

async fn free(wanted: SocketAddr) -> Result<TcpListener> {
    let bound = match TcpListener::bind(wanted).await {
        Err(error) if error.kind() == ErrorKind::AddrInUse => TcpListener::bind(any_port(wanted)).await,
        other => other,
    };
    bound.with_context(|| format!("listening on {wanted}"))
}

const fn any_port(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_gives_way_to_a_free_one() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();

        runtime.block_on(async {
            let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = taken.local_addr().unwrap();

            let other = free(address).await.unwrap().local_addr().unwrap();
            drop(taken);
            let same = free(address).await.unwrap().local_addr().unwrap();

            assert_ne!(other, address);
            assert_eq!(same, address);
        });
    }
}
