//! What an audit says.

use std::fmt;

use serde::Serialize;

use super::Finding;

/// How one check ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckOutcome {
    /// `MON-6`.
    pub id: &'static str,
    /// The service whose check it is.
    pub service: &'static str,
    /// Whether it holds only when faults have stopped and queues are empty: in the middle of work its findings say what
    /// is left to do.
    pub quiescent: bool,
    /// The rows that break it.
    pub findings: Vec<Finding>,
    /// Quiescent findings that do not count: gone in the second pass, or with an event still on its way.
    pub unsettled: usize,
    /// Why the check could not be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_made: Option<String>,
    /// Whether it was not made because nothing is configured that it could look at: no fault of the business.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub left_out: bool,
}

/// The result of an audit. As JSON it is itself; as text, one line a check and one a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether every check that could be made as things are configured was made, and found nothing.
    pub clean: bool,
    /// By id, then by service.
    pub checks: Vec<CheckOutcome>,
}

impl CheckOutcome {
    fn is_clean(&self) -> bool {
        self.findings.is_empty() && (self.not_made.is_none() || self.left_out)
    }
}

impl Report {
    pub(super) fn new(mut checks: Vec<CheckOutcome>) -> Self {
        checks.sort_by_key(|check| (check.id, check.service));
        Self { clean: checks.iter().all(CheckOutcome::is_clean), checks }
    }

    /// How many rows break a rule.
    #[must_use]
    pub fn findings(&self) -> usize {
        self.checks.iter().map(|check| check.findings.len()).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            let state = match (&check.not_made, check.findings.len()) {
                (Some(reason), _) => format!("not made: {reason}"),
                (None, 0) => "ok".to_owned(),
                (None, 1) => "1 row".to_owned(),
                (None, rows) => format!("{rows} rows"),
            };
            let unsettled =
                if check.unsettled == 0 { String::new() } else { format!(" ({} on the way)", check.unsettled) };
            writeln!(f, "{:<8} {:<14} {state}{unsettled}", check.id, check.service)?;
            for finding in &check.findings {
                writeln!(f, "    {}: {}", finding.subject, finding.message)?;
            }
        }
        let not_made = self.checks.iter().filter(|check| check.not_made.is_some()).count();
        match (self.clean, self.findings(), not_made) {
            (true, _, 0) => write!(f, "clean: {} checks", self.checks.len()),
            (true, _, not_made) => {
                write!(f, "clean: {} checks, {not_made} not made", self.checks.len() - not_made)
            }
            (false, rows, 0) => write!(f, "{rows} rows break a rule"),
            (false, rows, not_made) => write!(f, "{rows} rows break a rule; {not_made} checks could not be made"),
        }
    }
}
