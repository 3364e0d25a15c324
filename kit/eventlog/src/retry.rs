//! How long an event waits after a failure, and when its tries are spent.

use std::time::Duration;

use kernel::Timestamp;

/// How often a consumer tries one event before it becomes a dead letter.
pub const TRIES_MAX: u32 = 10;

const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How long an event waits whose rows others hold: to find that out has taken a while already, and costs no try.
pub(crate) const BUSY_WAIT: Duration = Duration::from_secs(5);

/// What becomes of an event after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is tried again, not before this moment.
    At(Timestamp),
    /// Its tries are spent.
    Dead,
}

/// What follows the failure that made it `tries` in all.
pub(crate) fn after_failure(tries: u32, now: Timestamp) -> Next {
    if tries >= TRIES_MAX { Next::Dead } else { Next::At(now.plus(wait_after(tries))) }
}

/// 200 ms after the first failure, doubled after each further one, 30 s at most. Without jitter: the one active
/// instance of a consumer is the only one that waits for this event, so there is no herd to spread.
pub(crate) fn wait_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    (FIRST_WAIT * 2_u32.pow(doublings)).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_200_ms_to_30_s() {
        let waits: Vec<u128> = (1..=11).map(|failures| wait_after(failures).as_millis()).collect();

        assert_eq!(waits, [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000, 30_000]);
    }

    #[test]
    fn the_tenth_failure_is_the_last() {
        let now = Timestamp::from_micros(0);

        assert_eq!(after_failure(9, now), Next::At(Timestamp::from_micros(30_000_000)));
        assert_eq!(after_failure(10, now), Next::Dead);
    }
}
