//! `audit`: every invariant recomputed, on a stopped or a running business.

use std::time::Duration;

use anyhow::Result;
use service::{Auditor, QUIET_PERIOD, Report};

use super::End;
use crate::cli::Common;
use crate::instance::{self, Instance, World};
use crate::settings;
use crate::terminal::{progress, say, say_json};

/// What is said of the business that is audited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Business {
    /// Nothing serves its data.
    Stopped,
    /// Not said: SQLite shows whether it is served; PostgreSQL counts as served.
    Unknown,
}

pub(super) fn run(common: &Common, business: Business) -> Result<End> {
    let settings = settings::load(common, Vec::new())?;
    let world = World::real(&settings);
    let instance = Instance::open_existing(settings, world)?;
    let is_live = business == Business::Unknown && instance::is_served(&instance.settings);
    let auditor = instance.platform.auditor();
    let report = if is_live {
        twice(&auditor, QUIET_PERIOD, || instance::is_served(&instance.settings))
    } else {
        once(&auditor)
    };
    if common.json {
        say_json(&report);
    } else {
        say(&report.to_string());
    }
    Ok(if report.clean { End::Done } else { End::ProblemsFound })
}

/// Over a business that stands still.
pub(crate) fn once(auditor: &Auditor) -> Report {
    let bar = progress(auditor.len() as u64, "audit");
    let pass = auditor.pass(&mut |id| {
        bar.set_message(id);
        bar.inc(1);
    });
    bar.finish_and_clear();
    pass.report()
}

/// Over a running one: what must hold only when nothing is under way counts if it stood after `quiet` as well. One that has
/// stopped meanwhile is judged as such: what it leaves for its next start is no fault.
fn twice(auditor: &Auditor, quiet: Duration, is_served: impl Fn() -> bool) -> Report {
    let bar = progress(auditor.len() as u64, "audit");
    let first = auditor.pass(&mut |id| {
        bar.set_message(id);
        bar.inc(1);
    });
    if !first.needs_second() {
        bar.finish_and_clear();
        return first.report();
    }
    bar.set_message("once more in a minute: the business is running");
    std::thread::park_timeout(quiet);
    bar.set_position(0);
    let second = auditor.pass(&mut |_| bar.inc(1));
    bar.finish_and_clear();
    if is_served() { second.report_after(&first) } else { once(auditor) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use service::{Audited, Check, Finding};
    use testkit::TestDatabase;

    use super::*;

    #[test]
    fn what_a_business_that_stopped_meanwhile_left_for_its_next_start_is_no_fault() {
        let database = TestDatabase::sqlite();
        let store = database.open();
        let left = || Ok(vec![Finding::new("consumer orders.feed", "1 events have not been delivered")]);
        let checks = vec![Check::row_by_row("EVT-3", left).live_only()];
        let audited = Audited { service: "log", db: store.db("log", &[]).unwrap(), checks, facts: Vec::new() };
        let auditor = Auditor::new(vec![audited], || Ok(BTreeSet::new()));

        let running = twice(&auditor, Duration::ZERO, || true);
        let stopped = twice(&auditor, Duration::ZERO, || false);

        assert!(!running.clean && stopped.clean, "{running}{stopped}");
    }
}
