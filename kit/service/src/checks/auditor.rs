//! Running all checks, once or twice.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use store::{Db, StoreError};

use super::facts::{FactSet, Facts};
use super::report::{CheckOutcome, Report};
use super::{Check, CheckRun, Finding};

/// How far apart the two passes over a live instance are (decision 45).
pub const QUIET_PERIOD: Duration = Duration::from_secs(60);

/// One service to audit.
#[derive(Clone, Debug)]
pub struct Audited {
    /// Its name.
    pub service: &'static str,
    /// Its tables.
    pub db: Db,
    /// Its checks.
    pub checks: Vec<Check>,
    /// Its facts.
    pub facts: Vec<FactSet>,
}

type Undelivered = Arc<dyn Fn() -> Result<BTreeSet<String>, StoreError> + Send + Sync>;

/// Runs every check of every service.
#[derive(Clone)]
pub struct Auditor {
    services: Vec<Audited>,
    undelivered: Undelivered,
}

impl fmt::Debug for Auditor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auditor").field("services", &self.services).finish_non_exhaustive()
    }
}

/// What one pass saw.
#[derive(Debug)]
pub struct Pass {
    seen: Vec<Seen>,
    /// Keys of the events that some consumer has not had. Read after the checks: an event that was delivered while
    /// they ran is not taken for the excuse of a finding that outlived it, one that was published meanwhile is.
    undelivered: Result<BTreeSet<String>, String>,
}

#[derive(Debug)]
struct Seen {
    id: &'static str,
    service: &'static str,
    quiescent: bool,
    live_only: bool,
    left_out: bool,
    result: Result<Vec<Finding>, String>,
}

impl Auditor {
    /// Over these services; `undelivered` tells the keys of events that some consumer has not had yet.
    pub fn new(
        services: Vec<Audited>,
        undelivered: impl Fn() -> Result<BTreeSet<String>, StoreError> + Send + Sync + 'static,
    ) -> Self {
        Self { services, undelivered: Arc::new(undelivered) }
    }

    /// How many checks a pass makes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.services.iter().map(|service| service.checks.len()).sum()
    }

    /// Whether there is nothing to check.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes every check once. `made` hears the id of each, for a progress bar.
    pub fn pass(&self, made: &mut dyn FnMut(&'static str)) -> Pass {
        let (facts, faults) = self.facts();
        let mut seen = Vec::with_capacity(self.len());
        for audited in &self.services {
            for check in &audited.checks {
                let result = run(check, &audited.db, &facts, &faults);
                seen.push(Seen {
                    id: check.id,
                    service: audited.service,
                    quiescent: check.quiescent,
                    live_only: check.live_only,
                    left_out: matches!(check.run, CheckRun::LeftOut(_)),
                    result,
                });
                made(check.id);
            }
        }
        let undelivered = (self.undelivered)().map_err(|e| e.to_string());
        Pass { seen, undelivered }
    }

    /// Each set from a snapshot of its own, so that none is held for long; and the sets that could not be read.
    fn facts(&self) -> (Facts, Vec<String>) {
        let mut facts = Facts::default();
        let mut faults = Vec::new();
        for audited in &self.services {
            for set in audited.facts.clone() {
                let name = set.name;
                match audited.db.read_blocking(move |snapshot| set.collect(snapshot)) {
                    Ok(told) => drop(facts.0.insert(name, told)),
                    Err(error) => faults.push(format!("{name}: {error}")),
                }
            }
        }
        (facts, faults)
    }
}

fn run(check: &Check, db: &Db, facts: &Facts, faults: &[String]) -> Result<Vec<Finding>, String> {
    match &check.run {
        CheckRun::Local(local) => {
            let local = Arc::clone(local);
            db.read_blocking(move |snapshot| local(snapshot)).map_err(|e: StoreError| e.to_string())
        }
        CheckRun::Across(across) => across(facts).map_err(|e| match faults {
            [] => e.to_string(),
            _ => format!("{e} ({})", faults.join("; ")),
        }),
        CheckRun::Outside(outside) => outside(),
        CheckRun::LeftOut(reason) => Err((*reason).to_owned()),
    }
}

impl Pass {
    /// Whether a second pass could take findings back.
    #[must_use]
    pub fn needs_second(&self) -> bool {
        self.seen.iter().any(|seen| seen.quiescent && seen.result.as_ref().is_ok_and(|found| !found.is_empty()))
    }

    /// The report over a stopped instance: a quiescent finding counts if no event of its key is on its way, and if it
    /// is not just work that was left for the next start.
    #[must_use]
    pub fn report(self) -> Report {
        self.settle(|place, _| !self.seen[place].live_only)
    }

    /// The report over a live instance: a quiescent finding of `self`, the later pass, counts if it stood in the
    /// `earlier` one of the same auditor as well and no event of its key is on its way.
    #[must_use]
    pub fn report_after(self, earlier: &Self) -> Report {
        // By its place, since several checks of a service may have one id.
        self.settle(|place, finding| {
            let found = earlier.seen.get(place).and_then(|before| before.result.as_ref().ok());
            found.is_some_and(|found| found.iter().any(|f| f.subject == finding.subject))
        })
    }

    fn settle(&self, stood: impl Fn(usize, &Finding) -> bool) -> Report {
        let outcomes = self.seen.iter().enumerate().map(|(place, seen)| {
            let mut outcome = CheckOutcome {
                id: seen.id,
                service: seen.service,
                quiescent: seen.quiescent,
                findings: Vec::new(),
                unsettled: 0,
                not_made: None,
                left_out: seen.left_out,
            };
            match (&seen.result, &self.undelivered) {
                (Err(reason), _) => outcome.not_made = Some(reason.clone()),
                (Ok(found), _) if !seen.quiescent => outcome.findings.clone_from(found),
                (Ok(found), Err(reason)) if !found.is_empty() => {
                    outcome.not_made = Some(format!("whether events are on their way is not known: {reason}"));
                }
                (Ok(_), Err(_)) => {}
                (Ok(found), Ok(on_the_way)) => {
                    let counts =
                        |f: &&Finding| stood(place, f) && f.key.as_ref().is_none_or(|key| !on_the_way.contains(key));
                    outcome.findings = found.iter().filter(counts).cloned().collect();
                    outcome.unsettled = found.len() - outcome.findings.len();
                }
            }
            outcome
        });
        Report::new(outcomes.collect())
    }
}
