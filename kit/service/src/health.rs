//! Health: whether the process lives, and whether it can do its work.
//!
//! Live is always yes: what answers, lives; a process that cannot go on ends itself. Ready is asked of every part
//! that was added (the database takes a write, the consumers run), and is no while the process shuts down. The
//! detail is for the private listener only.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kernel::Clock;
use serde::Serialize;
use store::{Db, StoreError, lease};

/// How long an answer is good: however often a load balancer asks, the parts are asked once a second.
const FRESH: Duration = Duration::from_secs(1);

/// The row that the write of [`Health::database`] goes to.
const HEARTBEAT: &str = "health";

type Probe = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// All that must be well for the process to be ready.
pub struct Health {
    clock: Arc<dyn Clock>,
    probes: Mutex<Vec<(String, Probe)>>,
    stopping: AtomicBool,
    last: Mutex<Option<(Duration, HealthReport)>>,
}

/// What each part said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HealthReport {
    /// Whether all are well and the process is not shutting down.
    pub ready: bool,
    /// Each part.
    pub parts: Vec<PartHealth>,
}

/// What one part said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartHealth {
    /// Its name.
    pub name: String,
    /// Nothing when it is well, else what is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").finish_non_exhaustive()
    }
}

impl Health {
    /// Nothing to ask yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, probes: Mutex::default(), stopping: AtomicBool::new(false), last: Mutex::default() }
    }

    /// Asks this part as well. The probe may wait, within bounds: it runs where blocking is allowed.
    pub fn add(&self, name: impl Into<String>, probe: impl Fn() -> Result<(), String> + Send + Sync + 'static) {
        self.probes.lock().unwrap_or_else(PoisonError::into_inner).push((name.into(), Arc::new(probe)));
    }

    /// Asks whether this database takes a write and keeps it.
    pub fn database(&self, db: Db) {
        self.add(format!("database of {}", db.service()), move || {
            let beat = db.write_blocking(|tx| lease::acquire(tx, HEARTBEAT, HEARTBEAT, FRESH));
            beat.map(drop).map_err(|e: StoreError| e.to_string())
        });
    }

    /// From now on not ready, so that nobody sends new work.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Asks all parts, unless they were asked within the last second. Blocks.
    #[must_use]
    pub fn report(&self) -> HealthReport {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.elapsed();
        let mut report = match last.take() {
            Some((at, report)) if now.saturating_sub(at) < FRESH => {
                *last = Some((at, report.clone()));
                report
            }
            Some(_) | None => {
                let report = self.ask();
                *last = Some((now, report.clone()));
                report
            }
        };
        if self.stopping.load(Ordering::Acquire) {
            report.ready = false;
            report.parts.push(PartHealth { name: "process".to_owned(), fault: Some("shutting down".to_owned()) });
        }
        report
    }

    fn ask(&self) -> HealthReport {
        let probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let parts: Vec<_> = probes.into_iter().map(|(name, probe)| PartHealth { name, fault: probe().err() }).collect();
        HealthReport { ready: parts.iter().all(|part| part.fault.is_none()), parts }
    }
}
