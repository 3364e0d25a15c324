//! Whether a callback is the bank's own: signed over its raw bytes, and fresh.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use kernel::Timestamp;
use sha2::Sha256;

/// How far the bank's clock and ours may be apart, and how old a delivery may be.
pub const TOLERANCE: Duration = Duration::from_secs(300);

const TIMESTAMP: &str = "x-bank-timestamp";
const SIGNATURE: &str = "x-bank-signature";

/// Why a callback is not taken. The caller is told only that it is not; the log has the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackRefused {
    /// No secret is configured: nothing can be genuine.
    #[error("no secret is configured")]
    NoSecret,
    /// A header is missing or given twice.
    #[error("the timestamp or the signature is missing")]
    Missing,
    /// The timestamp is no whole number of seconds.
    #[error("the timestamp is not a number of seconds")]
    Timestamp,
    /// It was signed too long ago, or in the future.
    #[error("it was not signed within five minutes of now")]
    Age,
    /// It was not signed with our secret over these bytes.
    #[error("the signature is wrong")]
    Signature,
}

/// Checks `v1=hex(HMAC-SHA-256(secret, timestamp + "." + body))` in constant time.
pub(super) fn verify(secret: &str, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), CallbackRefused> {
    if secret.is_empty() {
        return Err(CallbackRefused::NoSecret);
    }
    let timestamp = only(headers, TIMESTAMP).ok_or(CallbackRefused::Missing)?;
    let signature = only(headers, SIGNATURE).ok_or(CallbackRefused::Missing)?;
    let seconds: i64 = timestamp.parse().map_err(|_| CallbackRefused::Timestamp)?;
    let age_s = now.as_seconds().checked_sub(seconds).ok_or(CallbackRefused::Timestamp)?;
    if age_s.unsigned_abs() > TOLERANCE.as_secs() {
        return Err(CallbackRefused::Age);
    }
    let given = signature.strip_prefix("v1=").and_then(from_hex).ok_or(CallbackRefused::Signature)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.verify_slice(&given).map_err(|_| CallbackRefused::Signature)
}

fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        (_, _) => None,
    }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let bytes = text.as_bytes();
    if bytes.len() != 64 {
        return None;
    }
    let mut out = [0; 32];
    for (byte, pair) in out.iter_mut().zip(bytes.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(out)
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use kernel::Timestamp;

    use super::{CallbackRefused, verify};

    const BODY: &[u8] = br#"{"id":"evt_1"}"#;
    const SIGNED_AT: &str = "1795255200";
    /// `printf '%s' '1795255200.{"id":"evt_1"}' | openssl dgst -sha256 -hmac secret`
    const SIGNATURE: &str = "v1=3ac6eb4c323895510aae15207801af7d6dfc0beeaaa310f3f55e87975de25f22";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn at(seconds_later: i64) -> Timestamp {
        Timestamp::from_micros((1_795_255_200 + seconds_later) * 1_000_000)
    }

    fn genuine() -> HeaderMap {
        headers(&[("x-bank-timestamp", SIGNED_AT), ("x-bank-signature", SIGNATURE)])
    }

    #[test]
    fn a_genuine_callback_is_taken_within_five_minutes_of_its_signing() {
        for later in [-300, 0, 300] {
            assert_eq!(verify("secret", &genuine(), BODY, at(later)), Ok(()), "{later}");
        }
        for later in [-301, 301, i64::from(u32::MAX)] {
            assert_eq!(verify("secret", &genuine(), BODY, at(later)), Err(CallbackRefused::Age), "{later}");
        }
    }

    #[test]
    fn another_body_key_time_or_form_is_refused() {
        let wrong = Err(CallbackRefused::Signature);
        assert_eq!(verify("secret", &genuine(), br#"{"id": "evt_1"}"#, at(0)), wrong, "re-serialised");
        assert_eq!(verify("other", &genuine(), BODY, at(0)), wrong);
        assert_eq!(verify("", &genuine(), BODY, at(0)), Err(CallbackRefused::NoSecret));
        let later = headers(&[("x-bank-timestamp", "1795255201"), ("x-bank-signature", SIGNATURE)]);
        assert_eq!(verify("secret", &later, BODY, at(0)), wrong);
        for signature in ["", "v1=", "v0=00", "v1=zz", &SIGNATURE[3..], &SIGNATURE.to_uppercase()] {
            let given = headers(&[("x-bank-timestamp", SIGNED_AT), ("x-bank-signature", signature)]);
            assert_eq!(verify("secret", &given, BODY, at(0)), wrong, "{signature}");
        }
    }

    #[test]
    fn missing_doubled_and_unreadable_headers_are_refused() {
        let mut twice = genuine();
        twice.append("x-bank-signature", SIGNATURE.parse().unwrap());
        assert_eq!(verify("secret", &twice, BODY, at(0)), Err(CallbackRefused::Missing));
        assert_eq!(verify("secret", &HeaderMap::new(), BODY, at(0)), Err(CallbackRefused::Missing));
        for timestamp in ["soon", "-9223372036854775808", "1795255200.5"] {
            let given = headers(&[("x-bank-timestamp", timestamp), ("x-bank-signature", SIGNATURE)]);
            let refused = verify("secret", &given, BODY, at(0));
            assert!(matches!(refused, Err(CallbackRefused::Timestamp | CallbackRefused::Age)), "{timestamp}");
        }
    }
}
