//! The invariants of the event log as checks of the audit.

use eventlog::audit;
use store::{Snapshot, StoreError};

use crate::{Check, Finding};

/// EVT-2, EVT-3 (its count, and of a running business that nothing is left to deliver: what a stopped one has not
/// delivered yet, it will) and EVT-4. EVT-1 and EVT-5 belong to the services, who know their changes and the types of their
/// events ([`crate::Telling`], [`crate::events_can_be_read`]).
pub(super) fn all() -> Vec<Check> {
    vec![
        Check::local("EVT-2", |snapshot| found(snapshot, audit::evt_2)),
        Check::local("EVT-3", |snapshot| found(snapshot, audit::evt_3)),
        Check::local("EVT-3", |snapshot| found(snapshot, audit::undelivered)).live_only(),
        Check::local("EVT-4", |snapshot| found(snapshot, audit::evt_4)),
    ]
}

type LogCheck = fn(&mut Snapshot<'_>) -> Result<Vec<audit::Finding>, StoreError>;

fn found(snapshot: &mut Snapshot<'_>, check: LogCheck) -> Result<Vec<Finding>, StoreError> {
    let found = check(snapshot)?.into_iter();
    Ok(found.map(|f| Finding { subject: f.subject, key: f.key, message: f.message }).collect())
}
