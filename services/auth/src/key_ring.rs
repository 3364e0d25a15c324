//! The signing keys in this process: made when a process that serves finds none that it can use, read again every two
//! seconds, sealed at rest.
//!
//! A key that another instance made is known here before it signs (see [`model::keys`](crate::model::keys)); one
//! that was made here is known at once.

mod seal;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Clock, Rng, Timestamp};
use service::token::{AccessToken, SigningKey};
use service::{VerificationKey, VerificationKeys};
use store::{Db, StoreError};
use zeroize::Zeroizing;

use self::seal::KeySecret;
use crate::error::Error;
use crate::model::keys::{PUBLICATION, StoredKey, WrappedSeed, plain_seeds_end, signing, verifying};
use crate::secret::Secret;
use crate::store::keys;

/// How often a start tries while the store is busy or away for a moment, and how long it waits in between.
const STARTS_MAX: u32 = 5;
const START_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// Random bytes of a key's name.
const ID_BYTES: usize = 9;

/// The keys of this process.
pub(crate) struct KeyRing {
    db: Db,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    secret: Option<KeySecret>,
    public: Arc<VerificationKeys>,
    /// The newest first.
    stored: RwLock<Vec<StoredKey>>,
}

/// No key and no secret.
impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing").finish_non_exhaustive()
    }
}

impl KeyRing {
    /// An empty ring that publishes what it reads in `public`. An empty `secret` leaves keys unsealed.
    #[must_use]
    pub(crate) fn new(db: Db, secret: &Secret, public: Arc<VerificationKeys>) -> Self {
        let (clock, rng) = (Arc::clone(db.clock()), Arc::clone(db.rng()));
        Self { db, clock, rng, secret: KeySecret::new(secret), public, stored: RwLock::default() }
    }

    /// The token, signed with the key of this moment.
    ///
    /// # Errors
    ///
    /// [`Error::NoSigningKey`].
    pub(crate) fn sign(&self, token: &AccessToken) -> Result<String, Error> {
        let stored = self.stored.read().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let key = signing(&stored, now).ok_or_else(|| Error::NoSigningKey("none was made yet".to_owned()))?;
        let sign = |key: &StoredKey, seed: &[u8; 32]| SigningKey::from_seed(key.id.clone(), seed).sign(token);
        self.seed(key).map(|seed| sign(key, &seed)).or_else(|unusable| {
            // Another instance has the new secret already: the key before it is known for as long as its tokens live.
            let mut known = verifying(&stored, now).filter(|known| known.generation < key.generation);
            known.find_map(|known| Some(sign(known, &*self.seed(known).ok()?))).ok_or(unusable)
        })
    }

    /// What tokens may be checked with, as `/.well-known/jwks.json` tells it.
    #[must_use]
    pub(crate) fn public(&self) -> Arc<[VerificationKey]> {
        self.public.all()
    }

    /// Sees to it that there is a key to sign with: for a process that is about to serve, once. Blocks; a store that is
    /// busy or away is tried again a few times.
    ///
    /// # Errors
    ///
    /// [`Error::NoSigningKey`] when the key is sealed and no secret is configured; those of the store.
    pub(crate) fn start(&self) -> Result<(), Error> {
        a_few_times(|| self.make_ready(), || std::thread::park_timeout(START_AGAIN_AFTER))
    }

    fn make_ready(&self) -> Result<(), Error> {
        let mut stored = self.db.read_blocking(keys::list)?;
        if let Some(next) = self.wanted(stored.first())? {
            stored = self.db.write_blocking(move |tx| {
                keys::insert(tx, &next)?;
                keys::list(tx)
            })?;
        }
        self.take(stored);
        Ok(())
    }

    /// The key that has to be made because the newest one cannot be used, or lies open although a secret is there.
    fn wanted(&self, newest: Option<&StoredKey>) -> Result<Option<StoredKey>, Error> {
        let now = self.clock.now();
        let Some(newest) = newest else { return Ok(Some(self.make(1, now))) };
        match (&newest.seed, &self.secret) {
            (WrappedSeed::Plain(_), None) => Ok(None),
            (WrappedSeed::Plain(_), Some(_)) => Ok(Some(self.make(newest.generation + 1, now.plus(PUBLICATION)))),
            (WrappedSeed::Sealed(_), None) => self.seed(newest).map(|_| None),
            (WrappedSeed::Sealed(text), Some(secret)) if secret.open(text, &newest.id).is_some() => Ok(None),
            (WrappedSeed::Sealed(_), Some(_)) => {
                tracing::warn!(key.id = %newest.id, "auth.key_secret is another one than before: a new signing key is made");
                Ok(Some(self.make(newest.generation + 1, now)))
            }
        }
    }

    /// Reads the keys. Blocks.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub(crate) fn read(&self) -> Result<(), StoreError> {
        self.take(self.db.read_blocking(keys::list)?);
        Ok(())
    }

    /// Forgets private halves that lie open and do not sign any more. Blocks: for the timer.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub(crate) fn forget_plain_seeds(&self) -> Result<(), StoreError> {
        let before = {
            let stored = self.stored.read().unwrap_or_else(PoisonError::into_inner);
            plain_seeds_end(&stored, self.clock.now())
        };
        match (&self.secret, before) {
            (Some(_), Some(before)) => self.db.write_blocking(move |tx| keys::forget_plain_seeds(tx, before)).map(drop),
            (Some(_), None) | (None, _) => Ok(()),
        }
    }

    /// Makes a new key, which signs in [`PUBLICATION`], and forgets those whose last token has run out. Blocks.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub(crate) fn rotate(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let newest = self.db.read_blocking(keys::list)?.first().map_or(0, |key| key.generation);
        let next = self.make(newest + 1, now.plus(PUBLICATION));
        let stored = self.db.write_blocking(move |tx| {
            keys::insert(tx, &next)?;
            let stored = keys::list(tx)?;
            if let Some(oldest) = verifying(&stored, now).last() {
                keys::delete_before(tx, oldest.generation)?;
            }
            Ok::<_, StoreError>(stored)
        })?;
        self.take(stored);
        Ok(())
    }

    /// When the newest key was made.
    #[must_use]
    pub(crate) fn newest_made_at(&self) -> Option<Timestamp> {
        self.stored.read().unwrap_or_else(PoisonError::into_inner).first().map(|key| key.created_at)
    }

    fn take(&self, stored: Vec<StoredKey>) {
        let public: Vec<_> = verifying(&stored, self.clock.now()).filter_map(verification_key).collect();
        if *self.public.all() != *public {
            self.public.replace(public);
        }
        *self.stored.write().unwrap_or_else(PoisonError::into_inner) = stored;
    }

    fn make(&self, generation: i64, signs_from: Timestamp) -> StoredKey {
        let mut seed = Zeroizing::new([0; 32]);
        self.rng.fill(&mut *seed);
        let mut id = [0; ID_BYTES];
        self.rng.fill(&mut id);
        let id = URL_SAFE_NO_PAD.encode(id);
        let public = SigningKey::from_seed(id.clone(), &seed).verification_key().ed25519;
        let plain = Zeroizing::new(URL_SAFE_NO_PAD.encode(*seed));
        let seed = match &self.secret {
            Some(secret) => WrappedSeed::Sealed(secret.seal(&plain, &id, self.rng.as_ref())),
            None => WrappedSeed::Plain(plain),
        };
        let public_key = URL_SAFE_NO_PAD.encode(public);
        StoredKey { generation, id, public_key, seed, created_at: self.clock.now(), signs_from }
    }

    fn seed(&self, key: &StoredKey) -> Result<Zeroizing<[u8; 32]>, Error> {
        let unusable = |reason: &str| Error::NoSigningKey(format!("{}: {reason}", key.id));
        let text = match (&key.seed, &self.secret) {
            (WrappedSeed::Plain(text), _) => text.clone(),
            (WrappedSeed::Sealed(text), Some(secret)) => secret
                .open(text, &key.id)
                .ok_or_else(|| unusable("auth.key_secret is not the one it was sealed with"))?,
            (WrappedSeed::Sealed(_), None) => {
                return Err(unusable("it is sealed, and auth.key_secret (SAMOVAR_AUTH_KEY_SECRET) is not set"));
            }
        };
        let bytes =
            Zeroizing::new(URL_SAFE_NO_PAD.decode(text.as_bytes()).map_err(|_| unusable("it is not base64url"))?);
        let seed = bytes.as_slice().try_into().map_err(|_| unusable("it has not 32 bytes"))?;
        Ok(Zeroizing::new(seed))
    }
}

/// Runs this until it succeeds or fails for more than a moment, a few times at most.
fn a_few_times(mut run: impl FnMut() -> Result<(), Error>, pause: impl Fn()) -> Result<(), Error> {
    for _ in 1..STARTS_MAX {
        match run() {
            Err(Error::Store(error)) if error.is_temporary() => {
                tracing::warn!(%error, "the signing keys cannot be made ready yet");
                pause();
            }
            ended @ (Ok(()) | Err(_)) => return ended,
        }
    }
    run()
}

fn verification_key(key: &StoredKey) -> Option<VerificationKey> {
    let bytes = URL_SAFE_NO_PAD.decode(&key.public_key).ok()?;
    Some(VerificationKey { id: key.id.clone(), ed25519: bytes.try_into().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tries(failing: u32, with: impl Fn() -> Error) -> (u32, bool) {
        let mut tries = 0;
        let ended = a_few_times(
            || {
                tries += 1;
                if tries <= failing { Err(with()) } else { Ok(()) }
            },
            || (),
        );
        (tries, ended.is_ok())
    }

    #[test]
    fn a_store_that_is_busy_for_a_moment_does_not_refuse_a_start() {
        let busy = || Error::Store(StoreError::Busy { reason: "a test".to_owned() });

        assert_eq!(tries(2, busy), (3, true));
        assert_eq!(tries(9, busy), (STARTS_MAX, false));
    }

    #[test]
    fn a_key_that_does_not_open_refuses_a_start_at_once() {
        assert_eq!(tries(1, || Error::NoSigningKey("a test".to_owned())), (1, false));
    }
}
