//! A connection to PostgreSQL that can be cut at the worst moment.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// When to cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Not at all.
    Never,
    /// `COMMIT` does not reach the server.
    BeforeCommit,
    /// `COMMIT` reaches the server, its answer does not come back.
    AfterCommit,
}

/// Stands between a store and its server.
pub(crate) struct Proxy {
    address: String,
    state: Arc<State>,
}

struct State {
    cut: AtomicU8,
    /// After a cut nobody is let in any more.
    stays_away: AtomicBool,
    closed: AtomicBool,
    /// What clients have said.
    said: Mutex<Vec<u8>>,
}

impl Proxy {
    pub(crate) fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(State {
            cut: AtomicU8::new(0),
            stays_away: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            said: Mutex::new(Vec::new()),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if !shared.closed.load(Ordering::SeqCst) {
                    join(client, TcpStream::connect(&server).unwrap(), &shared);
                }
            }
        });
        Self { address, state }
    }

    /// `host:port` to connect to.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Cuts the connection that sends the next `COMMIT`.
    pub(crate) fn cut_next(&self, cut: Cut, stays_away: bool) {
        self.state.stays_away.store(stays_away, Ordering::SeqCst);
        self.state.cut.store(cut as u8, Ordering::SeqCst);
    }

    /// What clients have said since this was asked last.
    pub(crate) fn take_said(&self) -> Vec<u8> {
        std::mem::take(&mut *self.state.said.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether it has cut what it was told to.
    pub(crate) fn has_cut(&self) -> bool {
        self.state.cut.load(Ordering::SeqCst) == Cut::Never as u8
    }
}

fn join(client: TcpStream, server: TcpStream, state: &Arc<State>) {
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let shared = Arc::clone(state);
    let mute = Arc::new(AtomicBool::new(false));
    let silenced = Arc::clone(&mute);
    std::thread::spawn(move || {
        let mut bytes = [0; 65_536];
        while let Ok(length @ 1..) = from_client.read(&mut bytes) {
            shared.said.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&bytes[..length]);
            let commits = bytes[..length].windows(8).any(|window| window == b"\0commit\0");
            let cut = if commits { shared.cut.swap(Cut::Never as u8, Ordering::SeqCst) } else { 0 };
            if cut != 0 && shared.stays_away.load(Ordering::SeqCst) {
                shared.closed.store(true, Ordering::SeqCst);
            }
            if cut == Cut::BeforeCommit as u8 {
                break;
            }
            silenced.store(cut == Cut::AfterCommit as u8, Ordering::SeqCst);
            if to_server.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        drop(to_server.shutdown(Shutdown::Both));
        drop(from_client.shutdown(Shutdown::Both));
    });
    let (mut from_server, mut to_client) = (server, client);
    std::thread::spawn(move || {
        let mut bytes = [0; 65_536];
        while let Ok(length @ 1..) = from_server.read(&mut bytes) {
            // The server has answered the COMMIT: it stands, and nobody is told.
            if mute.load(Ordering::SeqCst) || to_client.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        drop(to_client.shutdown(Shutdown::Both));
        drop(from_server.shutdown(Shutdown::Both));
    });
}
