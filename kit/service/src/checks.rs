//! Checks: what `samovar audit` recomputes, and how it decides which findings count.
//!
//! A check is local (rows of one service in one snapshot), across services (fact sets that services tell, compared;
//! nobody reads another's tables) or outside (our rows against somebody else's, the bank's). A check that spans two
//! commits is quiescent: between them it sees a difference that is on its way to disappear. Decision 45 says when
//! such a finding counts.

mod auditor;
mod facts;
mod report;
mod told;

use std::fmt;
use std::sync::Arc;

use store::{Snapshot, StoreError};

pub use self::auditor::{Audited, Auditor, Pass, QUIET_PERIOD};
pub use self::facts::{FactError, FactSet, Facts};
pub use self::report::{CheckOutcome, Report};
pub use self::told::{Change, Changes, EventType, Stretch, Telling, events_can_be_read};

/// A row that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// The row: `order ord_01h…`. The same row has the same subject in every pass.
    pub subject: String,
    /// The key of the events that could still mend it; nothing for a rule that no event mends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What is and what should be.
    pub message: String,
}

impl Finding {
    /// A finding on this row.
    #[must_use]
    pub fn new(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { subject: subject.into(), key: None, message: message.into() }
    }

    /// That events of this key could still mend.
    #[must_use]
    pub fn of_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }
}

type Local = Arc<dyn Fn(&mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> + Send + Sync>;
type Across = Arc<dyn Fn(&Facts) -> Result<Vec<Finding>, FactError> + Send + Sync>;
type Outside = Arc<dyn Fn() -> Result<Vec<Finding>, String> + Send + Sync>;

/// One invariant of `docs/invariants.md` as code.
#[derive(Clone)]
pub struct Check {
    /// `MON-6`.
    pub id: &'static str,
    /// Whether it holds only when faults have stopped and queues are empty.
    pub quiescent: bool,
    /// Whether only a running business can put it right: of a stopped one it says what is left to do, not what is
    /// wrong.
    pub live_only: bool,
    pub(crate) run: CheckRun,
}

#[derive(Clone)]
pub(crate) enum CheckRun {
    Local(Local),
    Across(Across),
    Outside(Outside),
    /// Not made, and why.
    LeftOut(&'static str),
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("id", &self.id).field("quiescent", &self.quiescent).finish_non_exhaustive()
    }
}

impl Check {
    /// A check over one snapshot of the service's own rows.
    pub fn local(
        id: &'static str,
        run: impl Fn(&mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> + Send + Sync + 'static,
    ) -> Self {
        Self { id, quiescent: false, live_only: false, run: CheckRun::Local(Arc::new(run)) }
    }

    /// A check that compares fact sets of several services. Always quiescent: the sets are read one after another.
    pub fn across(
        id: &'static str,
        run: impl Fn(&Facts) -> Result<Vec<Finding>, FactError> + Send + Sync + 'static,
    ) -> Self {
        Self { id, quiescent: true, live_only: false, run: CheckRun::Across(Arc::new(run)) }
    }

    /// A check that asks somebody outside. Always quiescent. Its error says why it could not be made.
    pub fn outside(id: &'static str, run: impl Fn() -> Result<Vec<Finding>, String> + Send + Sync + 'static) -> Self {
        Self { id, quiescent: true, live_only: false, run: CheckRun::Outside(Arc::new(run)) }
    }

    /// A check that cannot be made as things are configured, and why: the report says so, and is clean without it.
    #[must_use]
    pub const fn left_out(id: &'static str, reason: &'static str) -> Self {
        Self { id, quiescent: false, live_only: false, run: CheckRun::LeftOut(reason) }
    }

    /// A check of a rule on each row by itself, over as many snapshots as it likes: one that stayed open for long would
    /// keep the log of the whole database.
    pub fn row_by_row(
        id: &'static str,
        run: impl Fn() -> Result<Vec<Finding>, StoreError> + Send + Sync + 'static,
    ) -> Self {
        let run = move || run().map_err(|error| error.to_string());
        Self { id, quiescent: false, live_only: false, run: CheckRun::Outside(Arc::new(run)) }
    }

    /// The same check, quiescent, and of a running business only.
    #[must_use]
    pub fn live_only(mut self) -> Self {
        self.live_only = true;
        self.quiescent()
    }

    /// The same check, holding only when faults have stopped and queues are empty.
    #[must_use]
    pub fn quiescent(mut self) -> Self {
        self.quiescent = true;
        self
    }
}
