//! The audit trail is sealed by itself, and its chain is one of the checks (security.md V16).

use std::time::Duration;

use store::audit_trail::{self, Fault, Sealed};
use store::{Db, StoreError};

use crate::{Check, Finding, Timer};

/// How long a row may stand without its seal.
const SEALED_EVERY: Duration = Duration::from_secs(60);

/// So many rows in one transaction, and in one stretch of the check.
const ROWS_MAX: u32 = 500;

/// So many transactions in one turn; what is left waits for the next.
const STRETCHES_MAX: usize = 100;

/// Seals what has been written since, and logs where the chain ends: a line elsewhere is what a forger cannot take back.
pub(super) fn sealing(db: &Db) -> Timer {
    let db = db.clone();
    Timer::new("kit.seal-audit-trail", SEALED_EVERY, move |_| {
        let mut end = Sealed::default();
        for _ in 0..STRETCHES_MAX {
            let stretch = db.write_blocking(|tx| audit_trail::seal(tx, ROWS_MAX));
            let stretch: Sealed = stretch.map_err(|e: StoreError| e.to_string())?;
            if stretch.rows == 0 {
                break;
            }
            end = stretch;
        }
        if end.rows > 0 {
            tracing::info!(place = end.place, seal = end.seal, "the audit trail is sealed up to here");
        }
        Ok(())
    })
}

/// TRL-1: no sealed row is missing, changed or out of its place. Each stretch is read by itself: what is sealed does not
/// change, and a snapshot over a chain of years would keep the log of the whole database.
pub(super) fn check(db: &Db) -> Check {
    let db = db.clone();
    Check::row_by_row("TRL-1", move || Ok(broken(&db)?.iter().map(finding).collect()))
}

fn broken(db: &Db) -> Result<Option<Fault>, StoreError> {
    let mut end = Sealed::default();
    loop {
        let from = end.clone();
        match db.read_blocking(move |snapshot| audit_trail::verify(snapshot, &from, ROWS_MAX))? {
            Ok(stretch) if stretch.rows == 0 => return Ok(None),
            Ok(stretch) => end = stretch,
            Err(fault) => return Ok(Some(fault)),
        }
    }
}

fn finding(fault: &Fault) -> Finding {
    Finding::new(format!("audit trail, place {}", fault.place), fault.reason)
}
