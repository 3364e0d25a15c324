//! What goes wrong, and whose turn it is.

use std::sync::atomic::Ordering;
use std::time::Duration;

use sandbox::bank::faults::{Fault, FaultKind};

use super::day::Day;
use super::fate;

impl Day<'_> {
    /// The bank misbehaves in one more way, or in one less; the network too.
    pub(super) fn change_the_weather(&mut self) {
        let kind = FaultKind::ALL[self.index(FaultKind::ALL.len())];
        let books = self.business.bank.books();
        if self.chance(60) {
            books.clear_faults(self.chance(70).then_some(kind)).unwrap();
        } else {
            let probability = if self.chance(15) { 1.0 } else { 0.3 };
            let delay_ms = 1_000 + self.below(60_000);
            books.set_fault(&Fault { kind, probability, seed: self.below(1_000), delay_ms }).unwrap();
        }
        self.business.is_calm.store(self.chance(50), Ordering::SeqCst);
        self.diary.push(format!("weather {}", kind.as_str()));
    }

    /// Seconds, often; minutes; sometimes past every expiry.
    pub(super) fn time_passes(&mut self) {
        let seconds = match self.below(100) {
            0..=74 => self.below(10),
            75..=94 => self.below(120),
            95..=98 => self.below(900),
            _ => 2_400 + self.below(2_400),
        };
        self.business.clock.advance(Duration::from_millis(seconds * 1_000 + self.below(1_000)));
        self.diary.push(format!("{seconds} s"));
    }

    /// At once, or between two writes of what comes next.
    pub(super) fn end_of_the_process(&mut self) {
        if self.chance(25) {
            self.business.start();
            self.diary.push("restart".to_owned());
        } else {
            let writes = u32::try_from(self.below(8)).unwrap();
            fate::dies_after(writes);
            self.diary.push(format!("doomed after {writes} writes"));
        }
    }

    /// Some consumer hears again what it has heard.
    pub(super) fn deliver_again(&mut self) {
        let parts = self.business.parts();
        let part = parts[self.index(parts.len())];
        let back = i64::try_from(self.below(40)).unwrap();
        let is_done = self.business.replay(part, back);
        self.diary.push(format!("replay {part} {back} {is_done:?}"));
    }

    pub(super) fn bank_calls_back(&mut self) {
        for _ in 0..=self.below(4) {
            let delivered = self.business.deliver();
            self.diary.push(format!("callback {delivered}"));
        }
    }

    /// One consumer or timer, or all of them, takes its turn.
    pub(super) fn somebody_works(&mut self) {
        let parts = self.business.parts();
        for _ in 0..=self.below(6) {
            let part = parts[self.index(parts.len())];
            let worked = self.business.step(part);
            self.diary.push(format!("{part} {worked}"));
        }
    }
}
