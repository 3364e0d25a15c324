//! The pause of a consumer whose destination is away (decision 12).
//!
//! Away is not broken: the bank being down says nothing about an event, so it costs no tries. The consumer stands
//! still, keeping its order, and sends one event at a time as a probe; the first one that gets an answer, good or
//! bad, ends the pause. A consumer that speaks with two destinations would hold up one for the other: make it two.

use std::time::Duration;

use kernel::Timestamp;

use crate::retry::wait_after;

/// Where a destination stands, as one consumer sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Breaker {
    away: Option<Away>,
}

/// A destination that does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Away {
    /// What is away (`bank`).
    pub destination: &'static str,
    /// What was seen of it.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// When the next probe goes out.
    pub probe_at: Timestamp,
    probes: u32,
}

/// What the breaker permits at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permit {
    /// Work as usual.
    All,
    /// One event, to see whether the destination is back.
    Probe,
    /// Nothing before this moment.
    NothingUntil(Timestamp),
}

impl Breaker {
    pub(crate) fn permit(&self, now: Timestamp) -> Permit {
        match &self.away {
            None => Permit::All,
            Some(away) if away.probe_at <= now => Permit::Probe,
            Some(away) => Permit::NothingUntil(away.probe_at),
        }
    }

    /// The destination did not answer: the next probe goes out after a wait that doubles from 200 ms to 30 s.
    pub(crate) fn trip(&mut self, destination: &'static str, reason: String, now: Timestamp) {
        let (since, probes) = match &self.away {
            Some(away) if away.destination == destination => (away.since, away.probes + 1),
            Some(_) | None => (now, 1),
        };
        let wait: Duration = wait_after(probes);
        self.away = Some(Away { destination, reason, since, probe_at: now.plus(wait), probes });
    }

    /// Something got an answer.
    pub(crate) fn close(&mut self) {
        self.away = None;
    }

    pub(crate) fn away(&self) -> Option<&Away> {
        self.away.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_micros(millis * 1000)
    }

    #[test]
    fn probes_go_out_at_doubling_distances_until_one_is_answered() {
        let mut breaker = Breaker::default();

        breaker.trip("bank", "timeout".into(), at(0));
        assert_eq!(breaker.permit(at(199)), Permit::NothingUntil(at(200)));
        assert_eq!(breaker.permit(at(200)), Permit::Probe);

        breaker.trip("bank", "timeout".into(), at(200));
        assert_eq!(breaker.permit(at(599)), Permit::NothingUntil(at(600)));

        breaker.close();
        assert_eq!(breaker.permit(at(599)), Permit::All);
    }

    #[test]
    fn another_destination_starts_its_own_count() {
        let mut breaker = Breaker::default();
        breaker.trip("bank", "timeout".into(), at(0));
        breaker.trip("bank", "timeout".into(), at(200));

        breaker.trip("database", "refused".into(), at(600));

        assert_eq!(breaker.permit(at(600)), Permit::NothingUntil(at(800)));
        assert_eq!(breaker.away().map(|away| away.since), Some(at(600)));
    }
}
