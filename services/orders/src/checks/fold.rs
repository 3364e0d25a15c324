//! One order's history, entry by entry, against what is stored of the order.

use contracts::orders::{FulfilmentKind, OrderState};
use service::Finding;

use super::may_follow;
use crate::store::HistoryRow;

/// What was found so far.
#[derive(Debug)]
pub(super) struct Fold {
    pub(super) order_id: String,
    stored: Option<Stored>,
    version: i64,
    state: Option<OrderState>,
    progress: &'static str,
    illegal: Option<String>,
    version_fault: Option<String>,
}

#[derive(Clone, Copy, Debug)]
struct Stored {
    state: OrderState,
    version: i64,
    progress: &'static str,
    kind: FulfilmentKind,
}

impl Fold {
    pub(super) fn begin(first: &HistoryRow) -> Self {
        let stored = first.stored.map(|(state, version, progress, kind)| Stored {
            state,
            version,
            progress: progress.as_str(),
            kind,
        });
        Self {
            order_id: first.order_id.clone(),
            stored,
            version: 0,
            state: None,
            progress: "",
            illegal: None,
            version_fault: None,
        }
    }

    pub(super) fn step(&mut self, row: &HistoryRow) {
        if row.version != self.version + 1 && self.version_fault.is_none() {
            self.version_fault = Some(format!("version {} follows version {}", row.version, self.version));
        }
        let kind = self.stored.map_or(FulfilmentKind::Pickup, |stored| stored.kind);
        let is_legal = match (self.state, row.state) {
            (None, Some(first)) => self.version > 0 || first == OrderState::Placed,
            (Some(from), Some(to)) => may_follow(kind, from, to),
            // A tombstone is the only entry of an order that never was.
            (None, None) => self.version == 0 && self.stored.is_none(),
            (Some(_), None) => false,
        };
        if !is_legal && self.illegal.is_none() {
            let word = |state: Option<OrderState>| state.map_or("nothing", OrderState::as_str);
            self.illegal = Some(format!("went from {} to {}", word(self.state), word(row.state)));
        }
        (self.version, self.state, self.progress) = (row.version, row.state, row.progress.as_str());
    }

    pub(super) fn has_faults(&self) -> bool {
        self.illegal().is_some() || self.version_fault().is_some()
    }

    /// An illegal step, or a history that leads elsewhere than the stored row.
    pub(super) fn illegal(&self) -> Option<Finding> {
        let message = self.illegal.clone().or_else(|| self.mismatch())?;
        Some(Finding::new(format!("order {}", self.order_id), message))
    }

    /// A gap in the versions, or an end that is not the stored version.
    pub(super) fn version_fault(&self) -> Option<Finding> {
        let end = || {
            let stored = self.stored.filter(|stored| stored.version != self.version)?;
            Some(format!("is stored as version {}, its history ends with {}", stored.version, self.version))
        };
        let message = self.version_fault.clone().or_else(end)?;
        Some(Finding::new(format!("order {}", self.order_id), message))
    }

    fn mismatch(&self) -> Option<String> {
        let Some(stored) = self.stored else {
            return self.state.map(|state| format!("is not there; its history ends with {state}"));
        };
        let is_same = Some(stored.state) == self.state && stored.progress == self.progress;
        (!is_same).then(|| {
            let folded = self.state.map_or("nothing", OrderState::as_str);
            let (state, stored, progress) = (stored.state, stored.progress, self.progress);
            format!("is stored as {state} ({stored}), its history ends with {folded} ({progress})")
        })
    }
}
