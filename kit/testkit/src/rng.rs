//! Chance that comes out the same every time.

use std::sync::{Arc, Mutex, PoisonError};

use kernel::Rng;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// A generator whose whole future is its seed. Clones draw from the same stream.
#[derive(Clone)]
pub struct SeededRng {
    seed: u64,
    stream: Arc<Mutex<ChaCha20Rng>>,
}

impl SeededRng {
    /// The stream of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, stream: Arc::new(Mutex::new(ChaCha20Rng::seed_from_u64(seed))) }
    }

    /// What to write down in order to see the same again.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The generator as the product takes it.
    #[must_use]
    pub fn shared(&self) -> Arc<dyn Rng> {
        Arc::new(self.clone())
    }
}

impl std::fmt::Debug for SeededRng {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SeededRng").field("seed", &self.seed).finish_non_exhaustive()
    }
}

impl Rng for SeededRng {
    fn fill(&self, bytes: &mut [u8]) {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use kernel::Rng as _;

    use super::SeededRng;

    #[test]
    fn the_same_seed_draws_the_same() {
        let draw = |seed| {
            let rng = SeededRng::new(seed);
            [rng.next_u64(), rng.next_u64()]
        };

        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert_ne!(draw(7)[0], draw(7)[1]);
    }
}
