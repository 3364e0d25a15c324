//! The life of signing keys: one signs, the ones before it are known until their last token has run out.
//!
//! A new key is published before it signs, so that every instance knows it when it meets its first token.

use std::time::Duration;

use kernel::Timestamp;
use service::token::ACCESS_TOKEN_LIFETIME;
use zeroize::Zeroizing;

/// From the making of a key to its first signature: every instance reads the keys several times in it.
pub(crate) const PUBLICATION: Duration = Duration::from_secs(10);

/// Clocks of two instances differ by less.
const CLOCK_SLACK: Duration = Duration::from_secs(60);

/// A key as it is stored.
#[derive(Clone)]
pub(crate) struct StoredKey {
    /// Counts the keys.
    pub generation: i64,
    /// `kid`.
    pub id: String,
    /// 32 bytes in base64url.
    pub public_key: String,
    /// The private half.
    pub seed: WrappedSeed,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it begins to sign.
    pub signs_from: Timestamp,
}

/// The 32-byte seed in base64url, as it is or sealed.
#[derive(Clone)]
pub(crate) enum WrappedSeed {
    /// As it is.
    Plain(Zeroizing<String>),
    /// Nonce and AES-256-GCM ciphertext under the configured secret.
    Sealed(Zeroizing<String>),
}

/// The name only.
impl std::fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredKey").field("generation", &self.generation).field("id", &self.id).finish_non_exhaustive()
    }
}

/// The key that signs at `now`, out of all keys with the newest first.
#[must_use]
pub(crate) fn signing(keys: &[StoredKey], now: Timestamp) -> Option<&StoredKey> {
    keys.iter().find(|key| key.signs_from <= now)
}

/// The keys whose tokens may still be good, and those that will sign soon; out of all keys with the newest first.
pub(crate) fn verifying(keys: &[StoredKey], now: Timestamp) -> impl Iterator<Item = &StoredKey> {
    let last = ACCESS_TOKEN_LIFETIME + CLOCK_SLACK;
    let successor_signs_from = std::iter::once(None).chain(keys.iter().map(|key| Some(key.signs_from)));
    let keys = keys.iter().zip(successor_signs_from);
    keys.filter(move |(_, successor)| successor.is_none_or(|from| from.plus(last) > now)).map(|(key, _)| key)
}

/// The generation before which unsealed private halves are of no use to any instance; `None` when there is none to
/// forget.
#[must_use]
pub(crate) fn plain_seeds_end(keys: &[StoredKey], now: Timestamp) -> Option<i64> {
    let signing = signing(keys, now.minus(CLOCK_SLACK))?.generation;
    let lies_open = |key: &StoredKey| matches!(&key.seed, WrappedSeed::Plain(text) if !text.is_empty());
    keys.iter().any(|key| key.generation < signing && lies_open(key)).then_some(signing)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kernel::Timestamp;

    use super::{StoredKey, WrappedSeed, signing, verifying};

    const START: Timestamp = Timestamp::from_micros(1_795_255_200_000_000);

    fn key(generation: i64, signs_from: Timestamp) -> StoredKey {
        StoredKey {
            generation,
            id: format!("k{generation}"),
            public_key: String::new(),
            seed: WrappedSeed::Plain(String::new().into()),
            created_at: signs_from,
            signs_from,
        }
    }

    fn generations<'k>(keys: impl IntoIterator<Item = &'k StoredKey>) -> Vec<i64> {
        keys.into_iter().map(|key| key.generation).collect()
    }

    #[test]
    fn a_new_key_is_known_before_it_signs_and_the_old_one_after_it_signed_its_last() {
        let rotation = START.plus(Duration::from_secs(3600));
        let keys = [key(2, rotation), key(1, START)];
        let seconds = Duration::from_secs;

        let before = rotation.minus(seconds(1));
        assert_eq!((generations(signing(&keys, before)), generations(verifying(&keys, before))), (vec![1], vec![2, 1]));
        let just_after = rotation;
        assert_eq!(
            (generations(signing(&keys, just_after)), generations(verifying(&keys, just_after))),
            (vec![2], vec![2, 1])
        );
        let last_token = rotation.plus(seconds(599));
        assert_eq!(generations(verifying(&keys, last_token)), vec![2, 1]);
        let long_after = rotation.plus(seconds(660));
        assert_eq!(generations(verifying(&keys, long_after)), vec![2]);
    }
}
