//! What the kit forgets by itself: events that everybody has heard, answers to idempotency keys that are too old.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use eventlog::Log;
use kernel::{Clock, Timestamp};
use store::{Db, StoreError, idempotency};

use crate::{Progress, Timer};

/// How long a turn goes on, in bounded steps. What is left is gone on with a moment later: a product that writes all day
/// must not write faster than this forgets.
const TURN_MAX: Duration = Duration::from_secs(2);

/// So many keys in one transaction.
const KEYS_MAX: u32 = 500;

/// How often the log is looked through from its beginning: for events that were parked, or not heard by everybody, when
/// they were looked at last.
const FROM_THE_BEGINNING_EVERY: Duration = Duration::from_secs(24 * 3600);

pub(super) fn timers(log: &Log, db: &Db) -> Vec<Timer> {
    let (log, clock) = (log.clone(), db.clone());
    let sweep = Mutex::new(Sweep { after: 0, begun: db.clock().elapsed() });
    let keys = db.clone();
    vec![
        Timer::in_parts("kit.prune-events", Duration::from_secs(3600), move |now| {
            let mut sweep = sweep.lock().unwrap_or_else(PoisonError::into_inner);
            sweep.go_on(&log, clock.clock().as_ref(), now)
        }),
        Timer::in_parts("kit.prune-idempotency-keys", Duration::from_secs(600), move |_| {
            until_time_is_up(keys.clock().as_ref(), || {
                let pruned = keys.write_blocking(|tx| idempotency::prune(tx, KEYS_MAX));
                Ok(pruned.map_err(|e: StoreError| e.to_string())? == u64::from(KEYS_MAX))
            })
        }),
    ]
}

/// Where in the log pruning stands.
struct Sweep {
    after: i64,
    /// When it stood at the beginning.
    begun: Duration,
}

impl Sweep {
    fn go_on(&mut self, log: &Log, clock: &dyn Clock, now: Timestamp) -> Result<Progress, String> {
        let progress = until_time_is_up(clock, || {
            let next = log.prune(now, self.after).map_err(|e| e.to_string())?.next;
            self.after = next.unwrap_or(self.after);
            Ok(next.is_some())
        })?;
        if progress == Progress::Finished && clock.elapsed() >= self.begun + FROM_THE_BEGINNING_EVERY {
            *self = Self { after: 0, begun: clock.elapsed() };
        }
        Ok(progress)
    }
}

/// Makes bounded steps while they say that there is more, for as long as a turn of [`Timer::in_parts`] may take.
///
/// # Errors
/// The first that a step has.
pub fn until_time_is_up(clock: &dyn Clock, mut step: impl FnMut() -> Result<bool, String>) -> Result<Progress, String> {
    let end = clock.elapsed() + TURN_MAX;
    while step()? {
        if clock.elapsed() >= end {
            return Ok(Progress::Unfinished);
        }
    }
    Ok(Progress::Finished)
}

#[cfg(test)]
mod tests {
    use testkit::FakeClock;

    use super::*;

    #[test]
    fn a_turn_goes_on_until_nothing_is_left() {
        let (clock, mut steps) = (FakeClock::default(), 0);

        let progress = until_time_is_up(&clock, || {
            steps += 1;
            Ok(steps < 1_000)
        });

        assert_eq!((progress, steps), (Ok(Progress::Finished), 1_000));
    }

    #[test]
    fn a_turn_ends_when_its_time_is_up() {
        let (clock, mut steps) = (FakeClock::default(), 0);

        let progress = until_time_is_up(&clock, || {
            steps += 1;
            clock.advance(TURN_MAX / 4);
            Ok(true)
        });

        assert_eq!((progress, steps), (Ok(Progress::Unfinished), 4));
    }
}
