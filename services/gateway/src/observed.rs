//! Every request in the metrics of its route, also one that is given up before its answer.

use std::time::Duration;

use http::StatusCode;
use kernel::Clock;
use service::RouteMetrics;

/// A request on its way. Dropped without an answer it counts as what became of it: the edge gives up what takes too
/// long (503) and catches what panics (500); what else ends early was given up by the caller.
pub(crate) struct Observed<'r> {
    metrics: &'r RouteMetrics,
    clock: &'r dyn Clock,
    started: Duration,
    request_limit: Duration,
    answered: Option<StatusCode>,
}

/// The caller hung up: a number of ours between the client's faults, as nginx counts it.
const HUNG_UP: u16 = 499;

impl<'r> Observed<'r> {
    pub(crate) fn new(metrics: &'r RouteMetrics, clock: &'r dyn Clock, request_limit: Duration) -> Self {
        Self { metrics, clock, started: clock.elapsed(), request_limit, answered: None }
    }

    /// It was answered.
    pub(crate) fn answered(mut self, status: StatusCode) {
        self.answered = Some(status);
    }
}

impl Drop for Observed<'_> {
    fn drop(&mut self) {
        let took = self.clock.elapsed().saturating_sub(self.started);
        // The edge began to count a moment before us.
        let ran_out = took * 10 >= self.request_limit * 9;
        let status = match self.answered {
            Some(status) => status.as_u16(),
            None if std::thread::panicking() => StatusCode::INTERNAL_SERVER_ERROR.as_u16(),
            None if ran_out => StatusCode::SERVICE_UNAVAILABLE.as_u16(),
            None => HUNG_UP,
        };
        self.metrics.observe(status, took);
    }
}

#[cfg(test)]
mod tests {
    use service::Metrics;
    use testkit::FakeClock;

    use super::*;

    /// How many requests of each class were counted when one ended by `end`.
    fn counted(end: impl FnOnce(&FakeClock, Observed<'_>)) -> String {
        let (metrics, clock) = (Metrics::new(), FakeClock::default());
        let route = metrics.route("GET", "/x");
        end(&clock, Observed::new(&route, &clock, Duration::from_secs(30)));
        let text = metrics.text();
        let counts =
            text.lines().filter(|line| line.starts_with("samovar_http_requests_total") && !line.ends_with(" 0"));
        counts.map(|line| line.split("status=\"").nth(1).unwrap_or(line)[..3].to_owned()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_end_of_a_request_is_counted_once() {
        assert_eq!(counted(|_, observed| observed.answered(StatusCode::NO_CONTENT)), "2xx");
        assert_eq!(counted(|_, observed| drop(observed)), "4xx", "the caller hung up");
        let too_long = |clock: &FakeClock, observed: Observed<'_>| {
            clock.advance(Duration::from_secs(30));
            drop(observed);
        };
        assert_eq!(counted(too_long), "5xx");
        let panics = |_: &FakeClock, observed: Observed<'_>| {
            let handler = std::panic::AssertUnwindSafe(|| {
                let _observed = observed;
                panic!("on purpose");
            });
            assert!(std::panic::catch_unwind(handler).is_err());
        };
        assert_eq!(counted(panics), "5xx");
    }
}
