//! `audit`: every invariant recomputed, on a stopped or a running business.

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
    let report = if is_live { twice(&auditor) } else { once(&auditor) };
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

/// Over a running one: what must hold only when nothing is under way counts if it stood a minute later as well.
fn twice(auditor: &Auditor) -> Report {
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
    std::thread::park_timeout(QUIET_PERIOD);
    bar.set_position(0);
    let second = auditor.pass(&mut |_| bar.inc(1));
    bar.finish_and_clear();
    second.report_after(&first)
}
