//! How often somebody may do something: the generic cell rate algorithm (ITU-T I.371), one number per key.
//!
//! The number is the moment at which the key will have used nothing: every request moves it on by one interval, and
//! a request is refused when it lies further ahead than the burst allows. A key that was quiet for long enough is
//! the same as one never seen, and is forgotten.
//!
//! Memory is bounded. When it is full of keys that are all in use, a new key is refused: a flood from ever new
//! addresses closes the limiter and does not open it (ASVS 16.5.3).

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So many at once, and then one each interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    interval: Duration,
    burst: u32,
}

impl Rate {
    /// `count` in each `per`, of which `burst` may come at once. Nothing of it is ever zero: one request in each
    /// `per` is the least.
    #[must_use]
    pub fn new(count: u32, per: Duration, burst: u32) -> Self {
        let interval = per / count.max(1);
        Self { interval: interval.max(Duration::from_nanos(1)), burst: burst.max(1) }
    }
}

/// The counter of one kind of request, for many keys. Shared between threads.
pub struct RateLimiter {
    rate: Rate,
    hasher: RandomState,
    shards: Box<[Mutex<Shard>]>,
    shard_len_max: usize,
}

/// By the hash of the key, the moment at which it will have used nothing. Two keys of the same 64 bits share their
/// count; which ones do changes with every start.
type Shard = HashMap<u64, Duration>;

const SHARDS: usize = 16;

impl std::fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimiter").field("rate", &self.rate).finish_non_exhaustive()
    }
}

impl RateLimiter {
    /// A limiter that remembers about `keys_max` keys, 16 bytes each.
    #[must_use]
    pub fn new(rate: Rate, keys_max: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::new(Shard::new())).collect();
        Self { rate, hasher: RandomState::new(), shards, shard_len_max: keys_max.div_ceil(SHARDS).max(1) }
    }

    /// Counts one request of `key` at `now` ([`kernel::Clock::elapsed`]).
    ///
    /// # Errors
    ///
    /// How long the key has to wait. A refused request does not count.
    pub fn take<K: Hash + ?Sized>(&self, key: &K, now: Duration) -> Result<(), Duration> {
        let hash = self.hasher.hash_one(key);
        let mut shard = self.shard(hash);
        let free_at = shard.get(&hash).copied().unwrap_or(now).max(now);
        let tolerance = self.rate.interval * (self.rate.burst - 1);
        let early = free_at.saturating_sub(now).saturating_sub(tolerance);
        if !early.is_zero() {
            return Err(early);
        }
        if shard.len() >= self.shard_len_max && !shard.contains_key(&hash) {
            shard.retain(|_, free_at| *free_at > now);
            if shard.len() >= self.shard_len_max {
                return Err(self.rate.interval);
            }
        }
        shard.insert(hash, free_at + self.rate.interval);
        Ok(())
    }

    /// Takes one counted request of `key` back, for limits that count failures only.
    pub fn give_back<K: Hash + ?Sized>(&self, key: &K) {
        let hash = self.hasher.hash_one(key);
        if let Some(free_at) = self.shard(hash).get_mut(&hash) {
            *free_at = free_at.saturating_sub(self.rate.interval);
        }
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard> {
        #[expect(clippy::cast_possible_truncation, reason = "the low bits are all that is wanted")]
        let place = hash as usize % SHARDS;
        self.shards[place].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
