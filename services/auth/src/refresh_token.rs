//! Refresh tokens: 256 random bits that mean nothing by themselves. Only their hash is stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::Rng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;

/// What a token is known by in the tables: SHA-256 in base64url. No salt: nobody guesses 256 random bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenHash(String);

impl TokenHash {
    /// The hash of a text that somebody says is a token.
    #[must_use]
    pub(crate) fn of(token: &Secret) -> Self {
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(token.expose().as_bytes())))
    }

    /// As it is stored.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A new token and its hash.
#[must_use]
pub(crate) fn new(rng: &dyn Rng) -> (Secret, TokenHash) {
    let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
    rng.fill(&mut *bytes);
    let token = Secret::new(URL_SAFE_NO_PAD.encode(*bytes));
    let hash = TokenHash::of(&token);
    (token, hash)
}
