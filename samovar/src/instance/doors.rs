//! The two listeners of a process: the public API behind the gateway, and metrics and health for operators.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use gateway::{Gateway, GatewayDeps, Upstream, Upstreams};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use service::{
    Drained, Edge, EdgeSettings, Health, Metrics, Respond, ServerLimits, Settings, Supervisor, Transport,
    operator_routes, serve,
};
use tokio::net::TcpListener;

use super::Instance;

/// Open listeners: an address that is taken is known before anything else starts.
#[derive(Debug)]
pub struct Doors {
    /// The public API.
    pub public: TcpListener,
    /// Metrics and health.
    pub private: TcpListener,
}

/// What operators watch.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) health: Arc<Health>,
    pub(super) metrics: Arc<Metrics>,
}

impl Doors {
    /// Opens both as configured.
    ///
    /// # Errors
    /// An address is taken; the message names a free one.
    pub async fn open(settings: &Settings) -> Result<Self> {
        let public = listen(settings.text("server.listen"), "--listen ").await?;
        let private = listen(settings.text("server.private_listen"), "--private-listen ").await?;
        Ok(Self { public, private })
    }
}

/// Listens on an address; `flag` is what it is said with, up to the address itself.
///
/// # Errors
/// It is taken: the message names a free one and the flag to say it with. Or it is no address.
pub async fn listen(address: &str, flag: &str) -> Result<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
            let free = TcpListener::bind(format!("{host}:0")).await?.local_addr()?;
            bail!("{address} is taken by another program; {free} is free: {flag}{free}")
        }
        Err(error) => Err(error).with_context(|| format!("listening on {address} ({})", flag.trim_end())),
    }
}

/// Hands both listeners to the supervisor.
pub(super) fn open(instance: &mut Instance, doors: Doors, supervisor: &mut Supervisor, watched: Watched) -> Result<()> {
    let Watched { health, metrics } = watched;
    let limits = limits(&instance.settings)?;
    let edge = front(instance, &metrics)?;
    let refused = metrics.shed("connections");
    let refused_operators = refused.clone();
    supervisor.server("public", move |stop| async move {
        drained(serve(doors.public, Arc::new(edge), limits, refused, async move { stop.asked().await }).await)
    });
    let operators = operator_routes(health, metrics);
    let edge =
        Edge::new(operators, EdgeSettings::default(), Arc::clone(&instance.world.clock), instance.world.rng.as_ref());
    supervisor.operator_server("private", move |stop| async move {
        let limits = ServerLimits::default();
        drained(
            serve(doors.private, Arc::new(edge), limits, refused_operators, async move { stop.asked().await }).await,
        )
    });
    Ok(())
}

/// What answers at the public door.
pub(super) fn front(instance: &mut Instance, metrics: &Arc<Metrics>) -> Result<Edge<Gateway>> {
    let gateway = gateway(instance, metrics)?;
    edge(instance, gateway)
}

/// The gateway over the services of this process.
fn gateway(instance: &mut Instance, metrics: &Arc<Metrics>) -> Result<Gateway> {
    let (upstreams, document) = crate::openapi::assemble(instance.platform.take_routes());
    let documentation = service::documentation(&document).map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
    let upstreams: Vec<Upstream> = upstreams;
    Ok(gateway::build(GatewayDeps {
        upstreams: Upstreams::new(upstreams, documentation),
        settings: instance.settings.clone(),
        clock: Arc::clone(&instance.world.clock),
        keys: Arc::clone(instance.platform.keys()),
        revocations: Arc::clone(instance.platform.revocations()),
        metrics: Arc::clone(metrics),
    })?)
}

fn edge<R: Respond>(instance: &Instance, inner: R) -> Result<Edge<R>> {
    let settings = &instance.settings;
    let proxies = settings.text("server.trusted_proxies").parse().context("server.trusted_proxies")?;
    let transport = if settings.flag("server.tls_in_front") { Transport::Tls } else { Transport::Plain };
    let edge = EdgeSettings { request_max: settings.duration("server.request_limit"), proxies, transport };
    Ok(Edge::new(inner, edge, Arc::clone(&instance.world.clock), instance.world.rng.as_ref()))
}

fn limits(settings: &Settings) -> Result<ServerLimits> {
    let connections_max = with_file_handles(usize::try_from(settings.int("server.connections_max"))?);
    let network_max = usize::try_from(settings.int("server.connections_per_address"))?;
    let drain_max = Supervisor::servers_limit(settings.duration("server.shutdown_limit"));
    Ok(ServerLimits { connections_max, network_max, drain_max, ..ServerLimits::default() })
}

/// File handles for the database, outside calls and operators.
const OTHER_FILES: u64 = 256;

/// So many connections as the system gives file handles for, after asking it for enough: out of handles, the database
/// would fail before a connection is refused.
fn with_file_handles(connections_max: usize) -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = u64::try_from(connections_max).unwrap_or(u64::MAX).saturating_add(OTHER_FILES);
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit { current: Some(limit.maximum.map_or(wanted, |most| most.min(wanted))), ..limit };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit = raised;
        }
    }
    let files = limit.current.unwrap_or(u64::MAX);
    let possible = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX).max(16);
    if possible < connections_max {
        tracing::warn!(files, connections = possible, "server.connections_max is more than there are file handles for");
    }
    possible.min(connections_max)
}

fn drained(end: Drained) -> Result<(), String> {
    if let Drained::CutOff(open) = end {
        tracing::warn!(open, "connections were cut off at the end");
    }
    Ok(())
}
