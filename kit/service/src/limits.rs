//! Turning work away before latency collapses.
//!
//! An [`Admission`] bounds how many requests are being worked on. The bound follows Little's law: when answers take
//! longer on average than the target, only as many are let in as can be answered within it; when they are quick,
//! the bound opens again. A request that is turned away costs a microsecond and tells when to come back.
//!
//! Requests that wait on something of their own (a password hash, a long poll, a stream) do not belong under the same
//! bound: their time says nothing about the load, and they would close the door on everybody else.
//!
//! Rates per caller are in `cache::RateLimiter`.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::FromRequestParts;
use http::request::Parts;
use kernel::{Clock, Code, Coded};

use crate::problem::OVERLOADED;

/// How far an [`Admission`] may open and close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdmissionLimits {
    /// Never fewer than so many at once.
    pub in_flight_min: usize,
    /// Never more than so many at once.
    pub in_flight_max: usize,
    /// How long an answer may take on average before fewer are let in.
    pub target: Duration,
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self { in_flight_min: 32, in_flight_max: 2_048, target: Duration::from_millis(200) }
    }
}

/// The bound is looked at again after so much time.
const WINDOW: Duration = Duration::from_millis(100);

/// Lets requests in, or turns them away.
#[derive(Debug)]
pub struct Admission {
    limits: AdmissionLimits,
    clock: Arc<dyn Clock>,
    in_flight: AtomicUsize,
    bound: AtomicUsize,
    window: Window,
}

/// What was answered since `started_us`.
#[derive(Debug, Default)]
struct Window {
    started_us: AtomicU64,
    answered: AtomicU64,
    time_us: AtomicU64,
}

/// More is going on than can be answered in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{in_flight} requests are being worked on")]
pub struct Overloaded {
    /// How many were let in and are not answered yet.
    pub in_flight: usize,
}

impl Coded for Overloaded {
    fn code(&self) -> &'static Code {
        &OVERLOADED
    }

    fn retry_after_s(&self) -> Option<u32> {
        Some(1)
    }
}

/// The right to be worked on, until it is dropped.
#[derive(Debug)]
pub struct Permit {
    admission: Arc<Admission>,
    started_us: u64,
}

/// A request's place among what is worked on, until the last clone is dropped. Extractor: a handler whose work goes on in
/// a task of its own gives that task a clone, so that it counts as work also when the caller has gone.
#[derive(Clone, Debug, Default)]
pub struct Admitted {
    /// Nothing when nobody bounds what is worked on: in a simulation, or behind no gateway.
    _permit: Option<Arc<Permit>>,
}

impl From<Permit> for Admitted {
    fn from(permit: Permit) -> Self {
        Self { _permit: Some(Arc::new(permit)) }
    }
}

impl<S: Sync> FromRequestParts<S> for Admitted {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

impl Admission {
    /// An open door.
    #[must_use]
    pub fn new(limits: AdmissionLimits, clock: Arc<dyn Clock>) -> Arc<Self> {
        let window = Window { started_us: AtomicU64::new(micros(clock.elapsed())), ..Window::default() };
        let bound = AtomicUsize::new(limits.in_flight_max);
        Arc::new(Self { limits, clock, in_flight: AtomicUsize::new(0), bound, window })
    }

    /// Whether one more would be let in at this moment: turning away early costs less.
    ///
    /// # Errors
    /// [`Overloaded`].
    pub fn look(&self) -> Result<(), Overloaded> {
        let in_flight = self.in_flight();
        if in_flight < self.bound() { Ok(()) } else { Err(Overloaded { in_flight }) }
    }

    /// Lets one request in.
    ///
    /// # Errors
    /// [`Overloaded`]: 503 with `Retry-After`.
    pub fn enter(self: &Arc<Self>) -> Result<Permit, Overloaded> {
        let in_flight = self.in_flight.fetch_add(1, Ordering::Relaxed);
        if in_flight >= self.bound.load(Ordering::Relaxed) {
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
            return Err(Overloaded { in_flight });
        }
        Ok(Permit { admission: Arc::clone(self), started_us: micros(self.clock.elapsed()) })
    }

    /// How many may be worked on at once at the moment.
    #[must_use]
    pub fn bound(&self) -> usize {
        self.bound.load(Ordering::Relaxed)
    }

    /// How many are being worked on.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    fn leave(&self, started_us: u64) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        let now_us = micros(self.clock.elapsed());
        self.window.answered.fetch_add(1, Ordering::Relaxed);
        self.window.time_us.fetch_add(now_us.saturating_sub(started_us), Ordering::Relaxed);
        let window_us = self.window.started_us.load(Ordering::Relaxed);
        let passed_us = now_us.saturating_sub(window_us);
        if passed_us < micros(WINDOW) {
            return;
        }
        let is_ours = self.window.started_us.compare_exchange(window_us, now_us, Ordering::Relaxed, Ordering::Relaxed);
        if is_ours.is_ok() {
            self.look_again(passed_us);
        }
    }

    /// Sets the bound by what the window showed. The counts may be off by the few requests that end in this moment.
    fn look_again(&self, passed_us: u64) {
        let answered = self.window.answered.swap(0, Ordering::Relaxed).max(1);
        let mean_us = self.window.time_us.swap(0, Ordering::Relaxed) / answered;
        let target_us = micros(self.limits.target);
        let bound = if mean_us > target_us {
            usize::try_from(answered.saturating_mul(target_us) / passed_us).unwrap_or(usize::MAX)
        } else {
            let bound = self.bound.load(Ordering::Relaxed);
            bound + bound / 4 + 1
        };
        let bound = bound.clamp(self.limits.in_flight_min, self.limits.in_flight_max);
        self.bound.store(bound, Ordering::Relaxed);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.admission.leave(self.started_us);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
