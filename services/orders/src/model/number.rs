//! The number that is called out at the counter.

use std::fmt;

/// `A-001` … `A-999`, then `B-001`; after `Z-999` come `AA-001` and so on. Counted from 1 per shop and day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PickupNumber(u32);

const PER_LETTER: u32 = 999;
const LETTERS: u32 = 26;

impl PickupNumber {
    /// The n-th number of the day, counted from 1.
    #[must_use]
    pub const fn new(ordinal: u32) -> Option<Self> {
        if ordinal == 0 { None } else { Some(Self(ordinal)) }
    }

    /// Which one of the day it is.
    #[must_use]
    pub const fn ordinal(self) -> u32 {
        self.0
    }
}

impl fmt::Display for PickupNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut series, digits) = ((self.0 - 1) / PER_LETTER, (self.0 - 1) % PER_LETTER + 1);
        let mut letters = Vec::with_capacity(2);
        loop {
            letters.push(char::from(b'A' + u8::try_from(series % LETTERS).expect("less than 26")));
            if series < LETTERS {
                break;
            }
            series = series / LETTERS - 1;
        }
        for letter in letters.iter().rev() {
            write!(f, "{letter}")?;
        }
        write!(f, "-{digits:03}")
    }
}

#[cfg(test)]
mod tests {
    use super::PickupNumber;

    #[test]
    fn numbers_go_through_the_letters_and_never_end() {
        let texts = [1, 17, 999, 1_000, 1_998, 1_999, 25_974, 25_975, 51_948, 51_949];

        let shown = texts.map(|n| PickupNumber::new(n).unwrap().to_string());

        assert_eq!(
            shown,
            ["A-001", "A-017", "A-999", "B-001", "B-999", "C-001", "Z-999", "AA-001", "AZ-999", "BA-001"]
        );
    }
}
