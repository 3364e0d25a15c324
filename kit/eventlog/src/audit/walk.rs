//! Walking the whole log for audits that look at what events say (`EVT-1`, `EVT-5`, `AUT-4`, `MON-9`).

use std::time::Duration;

use store::{Db, Snapshot, StoreError, params};

use crate::prune::KEPT_FOR;
use crate::{Delivered, rows};

/// An event that is not older than this has not been forgotten yet.
pub const SURELY_KEPT: Duration = KEPT_FOR.saturating_sub(Duration::from_secs(24 * 60 * 60));

/// Events in one stretch.
const STRETCH: u32 = 500;

/// Hands over the events of a topic (of all, if none is named), the oldest first, each stretch from a snapshot of its own:
/// a reader that stays open for long keeps the log of the whole database. Whatever was committed before the call is seen.
///
/// # Errors
/// Those of the store, and of who looks at them.
pub fn walk(
    db: &Db,
    topic: Option<&'static str>,
    mut look: impl FnMut(&[Delivered]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut after = 0;
    loop {
        let events = db.read_blocking(move |snapshot| stretch(snapshot, topic, after))?;
        let Some(last) = events.last() else { return Ok(()) };
        after = last.seq;
        look(&events)?;
    }
}

fn stretch(snapshot: &mut Snapshot<'_>, topic: Option<&str>, after: i64) -> Result<Vec<Delivered>, StoreError> {
    match topic {
        Some(topic) => snapshot.list(&rows::TAIL_TOPIC, &params![topic, after, i64::MAX, STRETCH], rows::delivered),
        None => snapshot.list(&rows::TAIL, &params![after, i64::MAX, STRETCH], rows::delivered),
    }
}
