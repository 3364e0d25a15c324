//! Connections: bounded in number and in patience, and finished before the process ends.

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::Request;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Respond;
use super::address::ClientAddress;
use super::edge::Edge;
use super::head;
use super::patient::Patient;
use super::places::{Place, Places};
use super::smuggling::{Conflict, Watched};
use super::unread::Unread;
use crate::metrics::ShedMetric;

/// How much a listener bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// So many connections at once; further ones wait in the system's queue.
    pub connections_max: usize,
    /// So many of them from one client network ([`ClientAddress::network`]); a further one is closed at once. A trusted
    /// proxy, which speaks for many, is not counted.
    pub network_max: usize,
    /// How long a caller may take nothing of what is sent before the connection is closed.
    pub write_max: Duration,
    /// How long a request's head may take, and how long a connection may idle between two requests.
    pub header_max: Duration,
    /// How long requests that are being answered may go on after the stop.
    pub drain_max: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connections_max: 4_096,
            network_max: 2_048,
            write_max: seconds(30),
            header_max: seconds(15),
            drain_max: seconds(20),
        }
    }
}

/// How a listener ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every accepted request was answered.
    All,
    /// So many connections were still open when the time was over.
    CutOff(usize),
}

/// The largest head of a request: its line and its headers.
const HEAD_MAX_BYTES: usize = 64 * 1024;
const HEADERS_MAX: usize = 100;

/// Serves until `stop`, then answers what was accepted, at most for [`ServerLimits::drain_max`].
///
/// `refused` counts connections that were closed because their network had all that it may.
pub async fn serve<R: Respond>(
    listener: TcpListener,
    edge: Arc<Edge<R>>,
    limits: ServerLimits,
    refused: ShedMetric,
    stop: impl Future<Output = ()> + Send,
) -> Drained {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.connections_max));
    let networks = Places::new(limits.network_max);
    let mut refusals = Refusals::new(refused);
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let counted = if edge.trusts(peer) { None } else { Some(networks.take(ClientAddress(peer).network())) };
        let Ok(of_network) = counted.map(|taken| taken.ok_or(())).transpose() else {
            if let Some(connections) = refusals.add(edge.elapsed()) {
                tracing::warn!(connections, "a network has all connections it may; further ones are closed");
            }
            continue;
        };
        tokio::spawn(connection(
            Accepted { stream, peer, _places: (place, of_network), watcher: graceful.watcher() },
            Arc::clone(&edge),
            limits,
        ));
    }
    drop(listener);
    let open = || limits.connections_max - places.available_permits();
    match tokio::time::timeout(limits.drain_max, graceful.shutdown()).await {
        Ok(()) => Drained::All,
        Err(_) => Drained::CutOff(open()),
    }
}

/// Connections that were closed unheard.
struct Refusals {
    metric: ShedMetric,
    untold: u64,
    told_at: Option<Duration>,
}

/// Somebody who takes all connections must not fill the log as well.
const TELL_EVERY: Duration = Duration::from_secs(60);

impl Refusals {
    fn new(metric: ShedMetric) -> Self {
        Self { metric, untold: 0, told_at: None }
    }

    /// One more; how many are to be told of now.
    fn add(&mut self, now: Duration) -> Option<u64> {
        self.metric.count();
        self.untold += 1;
        let is_due = self.told_at.is_none_or(|told_at| now >= told_at + TELL_EVERY);
        is_due.then(|| {
            self.told_at = Some(now);
            std::mem::take(&mut self.untold)
        })
    }
}

/// The next connection, once there is a place for it.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<(TcpStream, IpAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.expect("the semaphore is never closed");
    match listener.accept().await {
        Ok((stream, address)) => Some((stream, SocketAddr::ip(&address), place)),
        Err(error) => {
            tracing::warn!(error = %error, "a connection could not be accepted");
            pause_after(&error).await;
            None
        }
    }
}

/// Out of file handles, trying again at once would spin; a connection that its sender took back needs no pause.
async fn pause_after(error: &std::io::Error) {
    use std::io::ErrorKind;
    if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused)
    {
        return;
    }
    #[expect(clippy::disallowed_methods, reason = "nothing tells when a file handle becomes free")]
    tokio::time::sleep(Duration::from_millis(100)).await;
}

struct Accepted {
    stream: TcpStream,
    peer: IpAddr,
    /// Until the connection ends.
    _places: (OwnedSemaphorePermit, Option<Place>),
    watcher: Watcher,
}

async fn connection<R: Respond>(accepted: Accepted, edge: Arc<Edge<R>>, limits: ServerLimits) {
    let Accepted { stream, peer, _places, watcher } = accepted;
    // Without it small answers wait for the acknowledgement of the one before.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let conflict = Conflict::default();
    let refusing = Arc::clone(&edge);
    let (incoming, outgoing) = stream.into_split();
    let incoming = Watched::new(incoming, conflict.clone());
    let outgoing =
        Unread::new(Patient::new(outgoing, limits.write_max), move |status| refusing.refuse_unread(peer, status));
    let service = service_fn(|request: Request<Incoming>| {
        let (edge, conflict) = (&edge, &conflict);
        async move {
            if let Some(fault) = head::fault(&request, conflict) {
                return Ok(edge.refuse_head(peer, request, fault));
            }
            Ok::<_, Infallible>(edge.answer(peer, with_body(request)).await)
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_max)
        .max_header_size(HEAD_MAX_BYTES)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(tokio::io::join(incoming, outgoing)), service);
    // A connection that breaks off is the caller's affair.
    let _ = watcher.watch(serving).await;
}

/// The request with axum's body; one that ends at its head costs no allocation.
fn with_body(request: Request<Incoming>) -> Request<Body> {
    request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Metrics;

    #[test]
    fn every_refusal_is_counted_and_told_of_once_a_minute() {
        let metrics = Metrics::new();
        let mut refusals = Refusals::new(metrics.shed("connections"));

        let told = [0, 1, 59, 60, 61, 300].map(|second| refusals.add(Duration::from_secs(second)));

        assert_eq!(told, [Some(1), None, None, Some(3), None, Some(2)]);
        assert!(metrics.text().contains("samovar_http_shed_total{reason=\"connections\"} 6"), "{}", metrics.text());
    }
}
