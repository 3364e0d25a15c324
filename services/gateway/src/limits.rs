//! How often somebody may ask, and how much may be going on at once (decision 23).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use cache::RateLimiter;
use http::Request;
use kernel::Clock;
use service::codes::RATE_LIMITED;
use service::{
    Admission, AdmissionLimits, ClientAddress, Metrics, Principal, Problem, Setting, SettingKind, Settings, ShedMetric,
    rate_limiter,
};

/// What may be configured here; the rates per caller are `service::RATE_SETTINGS`.
pub(crate) static SETTINGS: &[Setting] = &[
    Setting {
        key: "server.in_flight_max",
        default: "2048",
        kind: SettingKind::Int { min: 32, max: 1_000_000 },
        doc: "Requests that are worked on at once at the most; fewer are let in while answers are slow.",
    },
    Setting {
        key: "server.latency_target",
        default: "300ms",
        kind: SettingKind::Duration { min_ms: 1, max_ms: 30_000 },
        doc: "How long answers may take on average before requests are turned away with 503.",
    },
];

/// Counts callers.
#[derive(Debug)]
pub(crate) struct Counters {
    principals: Option<RateLimiter>,
    addresses: Option<RateLimiter>,
    clock: Arc<dyn Clock>,
    limited: ShedMetric,
    overloaded: ShedMetric,
}

const SECOND: Duration = Duration::from_secs(1);

impl Counters {
    pub(crate) fn new(settings: &Settings, metrics: &Metrics, clock: Arc<dyn Clock>) -> Self {
        let limiter =
            |count: &str, burst: &str| rate_limiter(settings, settings.int(count), SECOND, settings.int(burst));
        Self {
            principals: limiter("limits.principal_per_s", "limits.principal_burst"),
            addresses: limiter("limits.address_per_s", "limits.address_burst"),
            clock,
            limited: metrics.shed("rate-limit"),
            overloaded: metrics.shed("overload"),
        }
    }

    /// Counts one request: of the person, or of the address when nobody is signed in.
    pub(crate) fn count(&self, principal: Option<&Principal>, request: &Request<Body>) -> Result<(), Problem> {
        let now = self.clock.elapsed();
        let taken = match principal {
            Some(principal) => self.principals.as_ref().map(|limiter| limiter.take(&principal.user_id, now)),
            None => match &self.addresses {
                Some(limiter) => Some(limiter.take(&network(request)?, now)),
                None => None,
            },
        };
        match taken {
            None | Some(Ok(())) => Ok(()),
            Some(Err(wait)) => {
                self.limited.count();
                let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
                Err(Problem::new(&RATE_LIMITED).retry_after_s(seconds))
            }
        }
    }

    /// Counts a request that was turned away because too much is going on.
    pub(crate) fn shed(&self, full: service::Overloaded) -> Problem {
        self.overloaded.count();
        full.into()
    }
}

/// Where the request comes from. A limit that does not know whom it counts is closed, not open.
fn network(request: &Request<Body>) -> Result<IpAddr, Problem> {
    let address = request.extensions().get::<ClientAddress>();
    let unknown = || Problem::internal("the request did not come through the server: it has no client address");
    address.map(|address| address.network()).ok_or_else(unknown)
}

/// The bound on what is going on at once.
pub(crate) fn admission(settings: &Settings, clock: Arc<dyn Clock>) -> Arc<Admission> {
    let limits = AdmissionLimits {
        in_flight_max: usize::try_from(settings.int("server.in_flight_max")).unwrap_or(usize::MAX),
        target: settings.duration("server.latency_target"),
        ..AdmissionLimits::default()
    };
    Admission::new(limits, clock)
}
