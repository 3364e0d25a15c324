//! What the kit forgets by itself: events that everybody has heard, answers to idempotency keys that are too old.

use std::time::Duration;

use eventlog::Log;
use store::{Db, StoreError, idempotency};

use crate::Timer;

/// So many bounded steps in one turn; what is left waits for the next.
const STEPS_MAX: usize = 100;

/// So many keys in one transaction.
const KEYS_MAX: u32 = 500;

pub(super) fn timers(log: &Log, db: &Db) -> Vec<Timer> {
    let (log, keys) = (log.clone(), db.clone());
    vec![
        Timer::new("kit.prune-events", Duration::from_secs(3600), move |now| {
            let mut after = 0;
            for _ in 0..STEPS_MAX {
                match log.prune(now, after).map_err(|e| e.to_string())?.next {
                    Some(next) => after = next,
                    None => break,
                }
            }
            Ok(())
        }),
        Timer::new("kit.prune-idempotency-keys", Duration::from_secs(600), move |_| {
            for _ in 0..STEPS_MAX {
                let pruned = keys.write_blocking(|tx| idempotency::prune(tx, KEYS_MAX));
                if pruned.map_err(|e: StoreError| e.to_string())? < u64::from(KEYS_MAX) {
                    break;
                }
            }
            Ok(())
        }),
    ]
}
