//! How often somebody may ask, and how much may be going on at once (decision 23).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use cache::RateLimiter;
use http::{Request, StatusCode};
use kernel::Clock;
use service::codes::RATE_LIMITED;
use service::{
    Admission, AdmissionLimits, ClientAddress, Metrics, Principal, Problem, Setting, SettingKind, Settings, ShedMetric,
    rate_limiter,
};

use crate::policy::Row;

/// What may be configured here; the rates per caller are `service::RATE_SETTINGS`.
pub(crate) static SETTINGS: &[Setting] = &[
    Setting {
        key: "server.request_limit",
        default: "30s",
        kind: SettingKind::Duration { min_ms: 100, max_ms: 600_000 },
        doc: "How long an answer may take.",
    },
    Setting {
        key: "server.body_limit",
        default: "5s",
        kind: SettingKind::Duration { min_ms: 100, max_ms: 600_000 },
        doc: "How long a body may take to arrive; a menu to import four times as long.",
    },
    Setting {
        key: "server.in_flight_max",
        default: "2048",
        kind: SettingKind::Int { min: 32, max: 1_000_000 },
        doc: "Requests that are worked on at once at the most; fewer are let in while answers are slow.",
    },
    Setting {
        key: "server.latency_target",
        default: "200ms",
        kind: SettingKind::Duration { min_ms: 1, max_ms: 30_000 },
        doc: "How long answers may take on average before requests are turned away with 503.",
    },
];

/// How much of a body is taken whatever else is under way: all of nearly every one. Connections bound how many there are.
pub(crate) const BODY_FREE_BYTES: usize = 16 * 1024;

/// How much of all bodies together, beyond [`BODY_FREE_BYTES`] of each, is in memory at once: from when it came until its
/// request is answered.
pub(crate) const BODIES_MAX_BYTES: usize = 64 * 1024 * 1024;

/// Counts callers.
#[derive(Debug)]
pub(crate) struct Counters {
    principals: Option<RateLimiter>,
    addresses: Option<RateLimiter>,
    providers: Option<RateLimiter>,
    /// By address, callbacks that were refused. Beside `addresses`, so that a menu read by many from the address of a bank
    /// does not close the door on the bank.
    refused: Option<RateLimiter>,
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
            providers: limiter("limits.provider_per_s", "limits.provider_burst"),
            refused: limiter("limits.address_per_s", "limits.address_burst"),
            clock,
            limited: metrics.shed("rate-limit"),
            overloaded: metrics.shed("overload"),
        }
    }

    /// Counts one request: of the person, or of the address when nobody is signed in. A bank that calls back counts by
    /// itself, so that it is not turned away with a stranger's measure on a busy day.
    pub(crate) fn count(
        &self,
        row: &Row,
        principal: Option<&Principal>,
        request: &Request<Body>,
    ) -> Result<(), Problem> {
        let now = self.clock.elapsed();
        let nobodys = if row.is_provider_callback() { &self.providers } else { &self.addresses };
        let taken = match principal {
            Some(principal) => self.principals.as_ref().map(|limiter| limiter.take(&principal.user_id, now)),
            None => match nobodys {
                Some(limiter) => Some(limiter.take(&network(request)?, now)),
                None => None,
            },
        };
        taken.transpose().map(drop).map_err(|wait| self.limited(wait))
    }

    /// Refuses a caller whose callbacks were refused as often as a stranger may ask at all.
    pub(crate) fn admit_provider(&self, provider: Option<IpAddr>) -> Result<(), Problem> {
        let (Some(network), Some(refused)) = (provider, &self.refused) else { return Ok(()) };
        refused.take(&network, self.clock.elapsed()).map_err(|wait| self.limited(wait))?;
        refused.give_back(&network);
        Ok(())
    }

    /// Counts a callback that was the caller's fault as what it is, a stranger's request: whoever does not know the secret
    /// of the bank must not have its measure.
    pub(crate) fn callback_answered(&self, provider: Option<IpAddr>, status: StatusCode) {
        let is_refusal = status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS;
        let Some(network) = provider.filter(|_| is_refusal) else { return };
        for limiter in [&self.refused, &self.addresses].into_iter().flatten() {
            // What is used up already says so to the next one.
            limiter.take(&network, self.clock.elapsed()).ok();
        }
    }

    fn limited(&self, wait: Duration) -> Problem {
        self.limited.count();
        let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        Problem::new(&RATE_LIMITED).retry_after_s(seconds)
    }

    /// Counts a request that was turned away because too much is going on.
    pub(crate) fn shed(&self, full: service::Overloaded) -> Problem {
        self.overloaded.count();
        full.into()
    }
}

/// From where a payment provider calls back, or who says so; `None` on every other route.
///
/// # Errors
/// As [`Counters::count`]: 500 when the request did not come through the server.
pub(crate) fn provider_of(row: &Row, request: &Request<Body>) -> Result<Option<IpAddr>, Problem> {
    row.is_provider_callback().then(|| network(request)).transpose()
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

#[cfg(test)]
mod tests {
    use http::Method;
    use testkit::FakeClock;

    use super::*;
    use crate::policy::TABLE;

    #[test]
    fn a_bank_that_calls_back_is_not_counted_like_a_stranger() {
        let settings = Settings::defaults(&[SETTINGS, service::RATE_SETTINGS]);
        let counters = Counters::new(&settings, &Metrics::new(), FakeClock::default().shared());
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(ClientAddress([203, 0, 113, 7].into()));
        let let_in = |method: &Method, path: &str| {
            let row = TABLE.iter().find(|row| row.method == *method && row.path == path).unwrap();
            (0..5_000).take_while(|_| counters.count(row, None, &request).is_ok()).count()
        };

        assert_eq!(let_in(&Method::GET, "/api/v1/menu"), 100);
        assert_eq!(let_in(&Method::POST, "/api/v1/payments/callbacks/{provider}"), 2_000);
    }
}
