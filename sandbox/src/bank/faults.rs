//! Misbehaviour on demand: which fault strikes, how often, and in a sequence that its seed decides.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::model::words;

words! {
    /// A way in which banks misbehave.
    FaultKind {
        /// An event is delivered three times, whatever the shop answers.
        Duplicate = "duplicate",
        /// An event, or the money of a refund, comes `delay_ms` later.
        Late = "late",
        /// An event is never delivered.
        Lost = "lost",
        /// An event is held back until the next one of its payment is through, or for `delay_ms`.
        Reordered = "reordered",
        /// Somebody who does not know the secret also posts "captured" to the shop.
        Forged = "forged",
        /// Another amount than asked is taken from the card.
        WrongAmount = "wrong_amount",
        /// The bank answers 503 without doing anything, and delivers nothing.
        Down = "down",
        /// Answers come `delay_ms` later.
        Slow = "slow",
        /// What was asked is done, and the answer never comes.
        ChargedThenTimeout = "charged_then_timeout",
    }
}

/// A fault that is switched on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which.
    pub kind: FaultKind,
    /// How often it strikes, 0 to 1.
    pub probability: f64,
    /// Decides which of the chances strike: the same seed, the same sequence.
    #[serde(default)]
    pub seed: u64,
    /// How long late, reordered and slow take.
    #[serde(default = "default_delay_ms")]
    pub delay_ms: u64,
}

const fn default_delay_ms() -> u64 {
    5_000
}

/// The longest delay that a fault may ask for: an hour.
pub const DELAY_MAX_MS: u64 = 3_600_000;

impl Fault {
    /// Whether the fault can be switched on as it stands.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        (0.0..=1.0).contains(&self.probability) && self.delay_ms <= DELAY_MAX_MS
    }

    /// Whether chance number `chance` strikes. Chances are counted, not drawn from a generator, so that the
    /// sequence goes on where it was after the bank was killed.
    #[must_use]
    pub fn strikes(&self, chance: u64) -> bool {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        hash.update(self.kind.as_str());
        hash.update(chance.to_le_bytes());
        let digest = hash.finalize();
        let drawn = u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]]);
        f64::from(drawn) / (f64::from(u32::MAX) + 1.0) < self.probability
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, FaultKind};

    fn pattern(seed: u64, probability: f64) -> Vec<bool> {
        let fault = Fault { kind: FaultKind::Lost, probability, seed, delay_ms: 0 };
        (0..1_000).map(|chance| fault.strikes(chance)).collect()
    }

    #[test]
    fn the_same_seed_strikes_the_same_chances() {
        assert_eq!(pattern(7, 0.2), pattern(7, 0.2));
        assert_ne!(pattern(7, 0.2), pattern(8, 0.2));
    }

    #[test]
    fn the_probability_is_kept() {
        let struck = pattern(7, 0.2).into_iter().filter(|hit| *hit).count();

        assert!((150..250).contains(&struck), "{struck} of 1000 at 0.2");
        assert!(pattern(1, 0.0).iter().all(|hit| !hit));
        assert!(pattern(1, 1.0).iter().all(|hit| *hit));
    }
}
