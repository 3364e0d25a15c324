//! The public keys that access tokens are checked with, shared between who signs and who checks.
//!
//! auth puts its current and retiring keys here; the gateway reads them. Private keys never come near this type.

use std::sync::{Arc, PoisonError, RwLock};

/// A public Ed25519 key and the name that tokens call it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationKey {
    /// `kid` of the tokens that it checks.
    pub id: String,
    /// The 32 bytes of RFC 8032.
    pub ed25519: [u8; 32],
}

/// The keys that are good now. Reading takes no lock worth speaking of; writing happens at a rotation.
#[derive(Debug, Default)]
pub struct VerificationKeys(RwLock<Arc<[VerificationKey]>>);

impl VerificationKeys {
    /// All keys, newest first as they were given.
    #[must_use]
    pub fn all(&self) -> Arc<[VerificationKey]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The key of that name, if it is good.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<[u8; 32]> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        keys.iter().find(|key| key.id == id).map(|key| key.ed25519)
    }

    /// Puts these in place of all others.
    pub fn replace(&self, keys: impl Into<Arc<[VerificationKey]>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys.into();
    }
}

#[cfg(test)]
mod tests {
    use super::{VerificationKey, VerificationKeys};

    #[test]
    fn a_key_that_was_rotated_out_is_not_found() {
        let keys = VerificationKeys::default();
        keys.replace([VerificationKey { id: "a".to_owned(), ed25519: [1; 32] }]);

        keys.replace([VerificationKey { id: "b".to_owned(), ed25519: [2; 32] }]);

        assert_eq!(keys.find("a"), None);
        assert_eq!(keys.find("b"), Some([2; 32]));
        assert_eq!(keys.all().len(), 1);
    }
}
