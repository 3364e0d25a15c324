//! Prometheus metrics: rate, errors and duration of each route, and whatever the parts of the process can be asked.
//!
//! A request touches handles that were made when its route was mounted: no look-up, no allocation. Everything that
//! somebody already counts (queue lengths, consumer lag, parked events) is read when the page is asked for.

mod readings;
mod store_readings;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use self::readings::Labels;
pub use self::readings::{HistogramReading, Readings};
pub use self::store_readings::read_store;

/// The media type of [`Metrics::text`].
pub const METRICS_MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the durations, seconds: half a millisecond to the limit of a request and a little more.
const SECONDS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    durations: Family<Labels, Histogram, fn() -> Histogram>,
    shed: Family<Labels, Counter>,
    readings: Arc<Readings>,
}

/// The handles of one route.
#[derive(Clone, Debug)]
pub struct RouteMetrics {
    /// By the first digit of the status, 1 to 5.
    by_class: [Counter; 5],
    seconds: Histogram,
}

/// The handle of one reason for turning requests away.
#[derive(Clone, Debug)]
pub struct ShedMetric(Counter);

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// No metrics yet.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("samovar");
        let requests = Family::<Labels, Counter>::default();
        let durations = Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
        let shed = Family::<Labels, Counter>::default();
        registry.register("http_requests", "Answered requests by route and class of status", requests.clone());
        registry.register("http_request_seconds", "Time from the request line to the answer's head", durations.clone());
        registry.register("http_shed", "Requests turned away before any work was done", shed.clone());
        let readings = Arc::new(Readings::default());
        registry.register_collector(Box::new(Arc::clone(&readings)));
        Self { registry, requests, durations, shed, readings }
    }

    /// The handles of a route; asked for once, when it is mounted. `path` is the template, never the address.
    #[must_use]
    pub fn route(&self, method: &str, path: &str) -> RouteMetrics {
        let route = vec![("method", method.to_owned()), ("route", path.to_owned())];
        let of_class = |class: usize| {
            let mut labels = route.clone();
            labels.push(("status", format!("{}xx", class + 1)));
            self.requests.get_or_create_owned(&labels)
        };
        RouteMetrics { by_class: std::array::from_fn(of_class), seconds: self.durations.get_or_create_owned(&route) }
    }

    /// The handle of a reason to turn requests away: `queue-full`, `rate-limit`.
    #[must_use]
    pub fn shed(&self, reason: &'static str) -> ShedMetric {
        ShedMetric(self.shed.get_or_create_owned(&vec![("reason", reason.to_owned())]))
    }

    /// What is read when the page is asked for.
    #[must_use]
    pub fn readings(&self) -> &Readings {
        &self.readings
    }

    /// The page, in the OpenMetrics text format ([`METRICS_MEDIA_TYPE`]).
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a String cannot fail");
        text
    }
}

impl RouteMetrics {
    /// Counts one answer.
    pub fn observe(&self, status: u16, duration: Duration) {
        let class = usize::from(status / 100).clamp(1, 5);
        self.by_class[class - 1].inc();
        self.seconds.observe(duration.as_secs_f64());
    }
}

impl ShedMetric {
    /// Counts one request turned away.
    pub fn count(&self) {
        self.0.inc();
    }
}
