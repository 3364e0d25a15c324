//! How the bank proves that a callback is its own.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// `v1=` and the hex of HMAC-SHA-256 over the timestamp (as in its header), a dot and the raw body.
#[must_use]
pub fn sign(secret: &str, timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    let mut text = String::from("v1=");
    for byte in mac.finalize().into_bytes() {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::sign;

    /// Computed with `printf '%s' '1795255200.{"id":"evt_1"}' | openssl dgst -sha256 -hmac secret`.
    #[test]
    fn the_signature_is_the_one_that_openssl_makes() {
        assert_eq!(
            sign("secret", "1795255200", br#"{"id":"evt_1"}"#),
            "v1=3ac6eb4c323895510aae15207801af7d6dfc0beeaaa310f3f55e87975de25f22"
        );
    }
}
