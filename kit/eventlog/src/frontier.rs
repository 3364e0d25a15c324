//! How far the log can be read on PostgreSQL, where sequence numbers are not handed out in commit order (decision 10).
//!
//! A number that is missing below one that is there either belongs to a transaction that is still running, and its
//! event will appear, or to one that was rolled back, and it never will. The reader stops in front of the gap. What
//! tells the two apart is a mark: a transaction id that the reader takes for itself *after* it saw the gap. Every
//! publisher takes its transaction id before it draws its numbers, so whoever drew a number below the highest one seen
//! has an id below the mark; once a snapshot has no running transaction below the mark (`pg_snapshot_xmin` has reached
//! it), every such number is either visible in that snapshot or gone for ever.
//!
//! What looks simpler loses events: filtering by `xid < xmin`, ordering by xid, and `pg_snapshot_xmax` as the mark (it
//! is past the last *finished* transaction, not past the running ones).

/// The reader's knowledge: below `end` everything is decided.
#[derive(Debug, Default)]
pub(crate) struct Frontier {
    end: i64,
    mark: Option<Mark>,
    /// Where the last gap was met.
    met_at: Option<i64>,
}

/// Every number up to `upto` was drawn by a transaction whose id is below `xid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    upto: i64,
    xid: i64,
}

/// What one statement, in one snapshot, shows beyond the end.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    /// No transaction below this id is running.
    pub(crate) xmin: i64,
    /// The last number of the unbroken run that follows the end; the end itself if the next number is missing.
    pub(crate) unbroken_to: i64,
    /// The highest number seen.
    pub(crate) highest: i64,
    /// More may stand beyond the highest number: the statement ends after so many.
    pub(crate) is_cut: bool,
    /// The topics of the unbroken run.
    pub(crate) topics: Vec<String>,
}

/// What the reader does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The end moved to where this sight says nothing of what follows: look again from there.
    Look,
    /// A gap was met for the first time: take a transaction id, then [`Frontier::mark`] with this number.
    TakeMark {
        /// The highest number seen before the mark is taken.
        upto: i64,
    },
    /// Nothing to do until something changes; `gap` says whether transactions are waited for.
    Rest {
        /// Whether a gap stands at the end.
        gap: bool,
    },
}

impl Frontier {
    /// Everything up to here is decided: visible, or gone for ever.
    pub(crate) const fn end(&self) -> i64 {
        self.end
    }

    /// Takes in what a snapshot showed. The end may be passed on to readers whose snapshots are taken later.
    pub(crate) fn see(&mut self, sight: &Sight) -> Next {
        let before = self.end;
        self.end = self.end.max(sight.unbroken_to);
        if let Some(mark) = self.mark
            && (sight.xmin >= mark.xid || self.end >= mark.upto)
        {
            self.end = self.end.max(mark.upto);
            self.mark = None;
        }
        // A run that was seen to its end is followed by a gap or by nothing; what follows a mark was not looked at.
        if self.end > sight.unbroken_to || (self.end > before && sight.is_cut) {
            Next::Look
        } else if sight.highest == self.end {
            Next::Rest { gap: false }
        } else if self.mark.is_some() {
            Next::Rest { gap: true }
        } else {
            Next::TakeMark { upto: sight.highest }
        }
    }

    /// Whether the gap at the end is met for the first time. Most gaps are commits under way and close by themselves.
    pub(crate) fn meets_gap(&mut self) -> bool {
        self.met_at.replace(self.end) != Some(self.end)
    }

    /// The transaction id that was taken after `upto` was seen.
    pub(crate) fn mark(&mut self, upto: i64, xid: i64) {
        self.mark = Some(Mark { upto, xid });
    }
}

#[cfg(test)]
mod tests;
