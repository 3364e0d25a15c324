//! Private keys at rest: AES-256-GCM under a key derived from the configured secret (ASVS 11.3.3), bound to the
//! key's name.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::Rng;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// What seals.
pub(super) struct KeySecret(LessSafeKey);

impl KeySecret {
    /// `None` for an empty secret.
    pub(super) fn new(secret: &Secret) -> Option<Self> {
        if secret.expose().is_empty() {
            return None;
        }
        let extracted = Salt::new(HKDF_SHA256, b"samovar.auth").extract(secret.expose().as_bytes());
        let expanded =
            extracted.expand(&[b"signing keys"], &AES_256_GCM).expect("32 bytes are less than HKDF can give");
        Some(Self(LessSafeKey::new(UnboundKey::from(expanded))))
    }

    /// Nonce and ciphertext in base64url. Nonces are random: a few keys a year will not repeat one.
    pub(super) fn seal(&self, plain: &Zeroizing<String>, name: &str, rng: &dyn Rng) -> Zeroizing<String> {
        let mut nonce = [0; NONCE_LEN];
        rng.fill(&mut nonce);
        let mut sealed = plain.as_bytes().to_vec();
        let nonce_of_key = Nonce::assume_unique_for_key(nonce);
        self.0
            .seal_in_place_append_tag(nonce_of_key, Aad::from(name.as_bytes()), &mut sealed)
            .expect("44 characters are less than AES-GCM can seal");
        Zeroizing::new(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// The plain text; `None` when it was sealed with another secret, for another name, or changed since.
    pub(super) fn open(&self, text: &str, name: &str) -> Option<Zeroizing<String>> {
        let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = self.0.open_in_place(nonce, Aad::from(name.as_bytes()), sealed).ok()?;
        let plain = std::str::from_utf8(plain).ok()?.to_owned();
        Some(Zeroizing::new(plain))
    }
}

#[cfg(test)]
mod tests {
    use kernel::OsRng;

    use super::KeySecret;
    use crate::secret::Secret;

    fn secret(text: &str) -> KeySecret {
        KeySecret::new(&Secret::new(text.to_owned())).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_secret_and_name_only() {
        let plain = "the seed of a key".to_owned().into();
        let sealed = secret("one").seal(&plain, "k1", &OsRng);

        assert_eq!(secret("one").open(&sealed, "k1"), Some(plain));
        assert_eq!(secret("two").open(&sealed, "k1"), None);
        assert_eq!(secret("one").open(&sealed, "k2"), None);
        assert_eq!(secret("one").open(&sealed[..sealed.len() - 4], "k1"), None);
        assert_eq!(secret("one").open("", "k1"), None);
        assert!(!sealed.contains("seed"));
    }

    #[test]
    fn without_a_secret_nothing_is_sealed() {
        assert!(KeySecret::new(&Secret::new(String::new())).is_none());
    }
}
