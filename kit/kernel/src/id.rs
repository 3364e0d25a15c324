//! Identifiers: TypeID 0.3 (a prefix, an underscore, a UUIDv7 in 26 characters of Crockford's base 32).
//!
//! An id knows what it identifies: an `Id<Order>` cannot be passed where an `Id<Payment>` is wanted. The kinds
//! are declared in `contracts`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Rng, Timestamp};

/// What an id identifies.
pub trait IdKind: 'static {
    /// Lower-case letters, at most 8, as they stand before the underscore (`ord`).
    const PREFIX: &'static str;
}

/// An identifier of a `K`. Copyable; ordered by time of making.
pub struct Id<K> {
    bits: u128,
    kind: PhantomData<fn() -> K>,
}

/// The text is not an id of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an id that begins with \"{prefix}_\"")]
pub struct IdError {
    text: String,
    prefix: &'static str,
}

const SUFFIX_LEN: usize = 26;
const PREFIX_MAX: usize = 8;
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The value of each character of the alphabet; 0xFF for all others.
const VALUES: [u8; 256] = {
    let mut values = [0xFF; 256];
    let mut value = 0;
    while value < 32 {
        values[ALPHABET[value as usize] as usize] = value;
        value += 1;
    }
    values
};

/// The text of an id without an allocation.
#[derive(Clone, Copy)]
pub struct IdText {
    bytes: [u8; PREFIX_MAX + 1 + SUFFIX_LEN],
    len: u8,
}

impl IdText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).expect("made of ASCII characters only")
    }
}

impl fmt::Debug for IdText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<K: IdKind> Id<K> {
    /// A new id: the millisecond and 74 random bits.
    #[must_use]
    pub fn new(now: Timestamp, rng: &dyn Rng) -> Self {
        let mut random = [0; 10];
        rng.fill(&mut random);
        let uuid = uuid::Builder::from_unix_timestamp_millis(now.as_millis(), &random).into_uuid();
        Self::from_bits(uuid.as_u128())
    }

    /// The smallest id that can be made at this time: those made earlier come before it, all others after.
    #[must_use]
    pub fn first_at(time: Timestamp) -> Self {
        Self::from_bits(u128::from(time.as_millis()) << 80)
    }

    /// The id with these bits; for ids that are derived from others.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self { bits, kind: PhantomData }
    }

    /// The 128 bits of the UUID.
    #[must_use]
    pub const fn bits(self) -> u128 {
        self.bits
    }

    /// The text, on the stack.
    #[must_use]
    pub fn text(self) -> IdText {
        const { assert!(K::PREFIX.len() <= PREFIX_MAX) };
        let mut bytes = [0; PREFIX_MAX + 1 + SUFFIX_LEN];
        let start = K::PREFIX.len() + 1;
        bytes[..K::PREFIX.len()].copy_from_slice(K::PREFIX.as_bytes());
        bytes[K::PREFIX.len()] = b'_';
        for (place, byte) in bytes[start..start + SUFFIX_LEN].iter_mut().rev().enumerate() {
            *byte = ALPHABET[((self.bits >> (5 * place)) & 0x1F) as usize];
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 8 + 1 + 26")]
        let len = (start + SUFFIX_LEN) as u8;
        IdText { bytes, len }
    }
}

impl<K: IdKind> FromStr for Id<K> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || IdError { text: text.chars().take(64).collect(), prefix: K::PREFIX };
        let suffix = text.strip_prefix(K::PREFIX).and_then(|rest| rest.strip_prefix('_')).ok_or_else(wrong)?;
        // 26 characters carry 130 bits: a first character above 7 would not fit into 128.
        if suffix.len() != SUFFIX_LEN || suffix.as_bytes()[0] > b'7' {
            return Err(wrong());
        }
        let mut bits: u128 = 0;
        for byte in suffix.bytes() {
            let value = VALUES[usize::from(byte)];
            if value == 0xFF {
                return Err(wrong());
            }
            bits = bits << 5 | u128::from(value);
        }
        Ok(Self::from_bits(bits))
    }
}

impl<K: IdKind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text().as_str())
    }
}

impl<K: IdKind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

impl<K: IdKind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text().as_str())
    }
}

impl<'de, K: IdKind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

// Derived ones would ask the same of K, which is only a name.
impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bits.cmp(&other.bits)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bits.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Order;
    impl IdKind for Order {
        const PREFIX: &'static str = "ord";
    }

    /// The valid examples of the TypeID 0.3 specification, with our prefix.
    #[test]
    fn the_examples_of_the_specification_read_and_write() {
        for (text, uuid) in [
            ("ord_00000000000000000000000000", "00000000-0000-0000-0000-000000000000"),
            ("ord_7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
            ("ord_01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057"),
        ] {
            let id: Id<Order> = text.parse().unwrap();

            assert_eq!(id.bits(), uuid.parse::<uuid::Uuid>().unwrap().as_u128());
            assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn ids_of_a_time_come_behind_its_first_and_before_the_first_of_the_next_millisecond() {
        let time = Timestamp::from_micros(1_700_000_000_123_000);
        let next = time.plus(std::time::Duration::from_millis(1));

        for seed in [0, u8::MAX] {
            let id = Id::<Order>::new(time, &Same(seed));

            assert!(Id::first_at(time) < id && id < Id::first_at(next), "{id}");
        }
    }

    /// Chance that is the same every time.
    #[derive(Debug)]
    struct Same(u8);

    impl Rng for Same {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn what_is_not_an_id_of_the_kind_is_refused() {
        for text in [
            "",
            "ord",
            "ord_",
            "pay_01h455vb4pex5vsknk084sn02q",
            "ord_81h455vb4pex5vsknk084sn02q",
            "ord_01h455vb4pex5vsknk084sn02",
            "ord_01H455VB4PEX5VSKNK084SN02Q",
            "ord_01h455vb4pex5vsknk084sn02é",
            "ord_01h455vb4pex5vsknk084sn0lo",
        ] {
            assert!(text.parse::<Id<Order>>().is_err(), "{text:?} was taken for an order id");
        }
    }
}
