//! How often a part may die, and how long to wait before it is started again.

use std::collections::VecDeque;
use std::time::Duration;

/// Deaths within [`WINDOW`] after which the process stops.
const DEATHS_MAX: usize = 5;

const WINDOW: Duration = Duration::from_secs(60);

/// The wait after the first death; doubled for each further one within the window.
const WAIT_MIN: Duration = Duration::from_millis(100);

/// The deaths of one part.
#[derive(Debug, Default)]
pub(super) struct Restarts(VecDeque<Duration>);

/// What to do after a death.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Start it again after so long.
    Restart(Duration),
    /// It died so often: stop the process.
    GiveUp(usize),
}

impl Restarts {
    /// A death at this moment of [`kernel::Clock::elapsed`].
    pub(super) fn died(&mut self, now: Duration) -> After {
        self.0.retain(|death| now.saturating_sub(*death) < WINDOW);
        self.0.push_back(now);
        match self.0.len() {
            deaths if deaths >= DEATHS_MAX => After::GiveUp(deaths),
            deaths => After::Restart(WAIT_MIN * (1 << (deaths - 1))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    #[test]
    fn the_fifth_death_within_a_minute_stops_the_process() {
        let mut restarts = Restarts::default();

        let after: Vec<_> = (0..5).map(|n| restarts.died(seconds(n))).collect();

        let wait = |ms| After::Restart(Duration::from_millis(ms));
        assert_eq!(after, [wait(100), wait(200), wait(400), wait(800), After::GiveUp(5)]);
    }

    #[test]
    fn old_deaths_are_forgotten() {
        let mut restarts = Restarts::default();

        for n in 0..100 {
            assert_eq!(restarts.died(seconds(n * 61)), After::Restart(WAIT_MIN));
        }
    }
}
