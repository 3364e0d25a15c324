//! Money: whole minor units and a currency. No floating point comes near it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The largest amount that JSON numbers carry exactly everywhere: 2^53 − 1 minor units.
pub const AMOUNT_MAX: i64 = (1 << 53) - 1;

/// An ISO 4217 code: three upper-case letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The Russian rouble.
    pub const RUB: Self = Self(*b"RUB");

    /// The three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("made of ASCII letters only")
    }

    /// How many decimal digits the minor unit stands for (ISO 4217; two where the table has no row).
    #[must_use]
    pub const fn exponent(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX"
            | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Self(letters)),
            Ok(_) | Err(_) => Err(MoneyError::NotACurrency(text.chars().take(16).collect())),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What can go wrong with money.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not three upper-case letters.
    #[error("{0:?} is not a currency of ISO 4217")]
    NotACurrency(String),
    /// Two currencies in one sum.
    #[error("{0} and {1} cannot be added")]
    CurrencyMismatch(Currency, Currency),
    /// Beyond [`AMOUNT_MAX`] in either direction.
    #[error("the amount is beyond ±(2^53 − 1) minor units")]
    OutOfRange,
    /// Parts cannot be made without weights that are positive in sum.
    #[error("there is nothing to divide the amount by")]
    NothingToDivideBy,
}

/// An amount in minor units of one currency; never beyond ±[`AMOUNT_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Money {
    amount: i64,
    currency: Currency,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMoney {
    amount: i64,
    currency: Currency,
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawMoney::deserialize(deserializer)?;
        Self::new(raw.amount, raw.currency).map_err(serde::de::Error::custom)
    }
}

impl Money {
    /// An amount of minor units.
    ///
    /// # Errors
    /// [`MoneyError::OutOfRange`] beyond ±[`AMOUNT_MAX`].
    pub fn new(amount: i64, currency: Currency) -> Result<Self, MoneyError> {
        if (-AMOUNT_MAX..=AMOUNT_MAX).contains(&amount) {
            Ok(Self { amount, currency })
        } else {
            Err(MoneyError::OutOfRange)
        }
    }

    /// Nothing, in this currency.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self { amount: 0, currency }
    }

    /// Minor units.
    #[must_use]
    pub const fn amount(self) -> i64 {
        self.amount
    }

    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether nothing is owed.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.amount == 0
    }

    /// The sum.
    ///
    /// # Errors
    /// Two currencies, or a sum out of range.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        Self::new(self.amount.checked_add(other.amount).ok_or(MoneyError::OutOfRange)?, self.currency)
    }

    /// The difference; may be below zero.
    ///
    /// # Errors
    /// Two currencies, or a difference out of range.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        Self::new(self.amount.checked_sub(other.amount).ok_or(MoneyError::OutOfRange)?, self.currency)
    }

    /// So many times the amount.
    ///
    /// # Errors
    /// A product out of range.
    pub fn times(self, quantity: i64) -> Result<Self, MoneyError> {
        Self::new(self.amount.checked_mul(quantity).ok_or(MoneyError::OutOfRange)?, self.currency)
    }

    /// The amount times `numerator / denominator`, rounded half to even on the whole.
    ///
    /// # Errors
    /// A denominator that is not positive, or a result out of range.
    pub fn scaled(self, numerator: i64, denominator: i64) -> Result<Self, MoneyError> {
        if denominator <= 0 {
            return Err(MoneyError::NothingToDivideBy);
        }
        let product = i128::from(self.amount) * i128::from(numerator);
        let divisor = i128::from(denominator);
        let floor = product.div_euclid(divisor);
        let twice_rest = product.rem_euclid(divisor) * 2;
        let up = twice_rest > divisor || (twice_rest == divisor && floor % 2 != 0);
        let rounded = floor + i128::from(up);
        Self::new(i64::try_from(rounded).map_err(|_| MoneyError::OutOfRange)?, self.currency)
    }

    /// The amount divided over `weights` by largest remainder: the parts always sum to the whole, and of equal
    /// remainders the earlier part gets the unit.
    ///
    /// # Errors
    /// A negative weight, or weights that sum to zero.
    pub fn split(self, weights: &[i64]) -> Result<Vec<Self>, MoneyError> {
        let total: i128 = weights.iter().map(|w| i128::from(*w)).sum();
        if total <= 0 || weights.iter().any(|w| *w < 0) {
            return Err(MoneyError::NothingToDivideBy);
        }
        let sign = i128::from(self.amount.signum());
        let whole = i128::from(self.amount).abs();
        let mut parts: Vec<i128> = weights.iter().map(|w| whole * i128::from(*w) / total).collect();
        let rest = usize::try_from(whole - parts.iter().sum::<i128>()).map_err(|_| MoneyError::OutOfRange)?;
        let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
        by_remainder.sort_by_key(|&i| std::cmp::Reverse(whole * i128::from(weights[i]) % total));
        for &i in by_remainder.iter().take(rest) {
            parts[i] += 1;
        }
        parts
            .into_iter()
            .map(|part| Self::new(i64::try_from(sign * part).map_err(|_| MoneyError::OutOfRange)?, self.currency))
            .collect()
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch(self.currency, other.currency))
        }
    }
}

/// Major units with the currency, for people and logs: `175.00 RUB`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponent = self.currency.exponent();
        let unit = 10_u64.pow(exponent);
        let sign = if self.amount < 0 { "-" } else { "" };
        let (major, minor) = (self.amount.unsigned_abs() / unit, self.amount.unsigned_abs() % unit);
        if exponent == 0 {
            write!(f, "{sign}{major} {}", self.currency)
        } else {
            write!(f, "{sign}{major}.{minor:0width$} {}", self.currency, width = exponent as usize)
        }
    }
}

#[cfg(test)]
mod tests;
