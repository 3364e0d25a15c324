//! A socket to one server: of the machine's own (a path) or over the network.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio_postgres::config::{Config, Host};

/// A connected socket that blocks.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Where one of the servers of a URL listens.
#[derive(Debug)]
pub(crate) struct Place {
    host: Host,
    port: u16,
}

impl Place {
    /// The servers of a URL, in its order.
    pub(crate) fn all(config: &Config) -> Vec<Self> {
        let (hosts, addresses, ports) = (config.get_hosts(), config.get_hostaddrs(), config.get_ports());
        let place = |index: usize| {
            let address = addresses.get(index).map(|address| Host::Tcp(address.to_string()));
            let host = address.or_else(|| hosts.get(index).cloned())?;
            let port = ports.get(index).or_else(|| ports.first()).copied().unwrap_or(5432);
            Some(Self { host, port })
        };
        (0..hosts.len().max(addresses.len())).filter_map(place).collect()
    }

    /// Connects to it, to the first of its addresses that answers.
    pub(crate) fn open(&self, config: &Config, timeout: Duration) -> io::Result<Socket> {
        let host = match &self.host {
            Host::Tcp(host) => host,
            Host::Unix(folder) => {
                return UnixStream::connect(folder.join(format!(".s.PGSQL.{}", self.port))).map(Socket::Unix);
            }
        };
        let mut result = Err(io::Error::new(io::ErrorKind::NotFound, "the host has no address"));
        for address in (host.as_str(), self.port).to_socket_addrs()? {
            result = TcpStream::connect_timeout(&address, timeout);
            if result.is_ok() {
                break;
            }
        }
        let stream = result?;
        stream.set_nodelay(true)?;
        let options = SockRef::from(&stream);
        options.set_tcp_user_timeout(config.get_tcp_user_timeout().copied())?;
        if config.get_keepalives() {
            options.set_tcp_keepalive(&keepalive(config))?;
        }
        Ok(Socket::Tcp(stream))
    }
}

fn keepalive(config: &Config) -> TcpKeepalive {
    let mut keepalive = TcpKeepalive::new().with_time(config.get_keepalives_idle());
    if let Some(every) = config.get_keepalives_interval() {
        keepalive = keepalive.with_interval(every);
    }
    if let Some(most) = config.get_keepalives_retries() {
        keepalive = keepalive.with_retries(most);
    }
    keepalive
}

impl Socket {
    /// How long one reading or writing may take; nothing: for ever.
    pub(crate) fn set_patience(&self, patience: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => {
                stream.set_read_timeout(patience)?;
                stream.set_write_timeout(patience)
            }
            Self::Unix(stream) => {
                stream.set_read_timeout(patience)?;
                stream.set_write_timeout(patience)
            }
        }
    }

    /// Whether whoever has no bytes to read waits for them. It is so for all handles of the socket.
    pub(crate) fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_nonblocking(is_nonblocking),
            Self::Unix(stream) => stream.set_nonblocking(is_nonblocking),
        }
    }

    /// Another handle of the same socket.
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        match self {
            Self::Tcp(stream) => stream.try_clone().map(Self::Tcp),
            Self::Unix(stream) => stream.try_clone().map(Self::Unix),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(bytes),
            Self::Unix(stream) => stream.read(bytes),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
