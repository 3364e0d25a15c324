//! The bank's own words: payments, refunds and cards. Pure.

use kernel::{IdKind, Money, Timestamp};
use serde::{Deserialize, Serialize};

/// Declares a closed set of words that stand alike in JSON and SQL.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every variant.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The variant of a word.
            #[must_use]
            pub fn of(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|variant| variant.as_str() == text)
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Where a payment is.
    State {
        /// The page waits for a card.
        Pending = "pending",
        /// Blocked on the card, not taken.
        Authorized = "authorized",
        /// Taken.
        Captured = "captured",
        /// The card was refused. Final: the shop opens another payment.
        Declined = "declined",
        /// Called off by the shop.
        Cancelled = "cancelled",
        /// Nobody paid in time.
        Expired = "expired",
    }
}

words! {
    /// Whether the money is taken at once or when the shop says so.
    CaptureMode {
        /// At once.
        Automatic = "automatic",
        /// By `POST …/capture`.
        Manual = "manual",
    }
}

words! {
    /// Where a refund is.
    RefundState {
        /// Accepted, on its way.
        Pending = "pending",
        /// The guest has it.
        Succeeded = "succeeded",
        /// The card's bank did not take it.
        Failed = "failed",
    }
}

/// A payment of the bank.
#[derive(Debug)]
pub enum BankPayment {}
impl IdKind for BankPayment {
    const PREFIX: &'static str = "bnk";
}

/// A refund of the bank.
#[derive(Debug)]
pub enum BankRefund {}
impl IdKind for BankRefund {
    const PREFIX: &'static str = "brf";
}

/// An event that the bank tells the shop.
#[derive(Debug)]
pub enum BankEvent {}
impl IdKind for BankEvent {
    const PREFIX: &'static str = "evt";
}

/// The id of a payment.
pub type BankPaymentId = kernel::Id<BankPayment>;
/// The id of a refund.
pub type BankRefundId = kernel::Id<BankRefund>;
/// The id of an event.
pub type BankEventId = kernel::Id<BankEvent>;

/// A payment as the bank keeps it.
#[derive(Clone, Debug)]
pub struct Payment {
    /// Its id.
    pub id: BankPaymentId,
    /// The shop's own number for what is paid; the bank does not look into it.
    pub order_id: String,
    /// What was asked.
    pub amount: Money,
    /// What was taken.
    pub captured: Money,
    /// Where it is.
    pub state: State,
    /// When the money is taken.
    pub capture: CaptureMode,
    /// Where the page sends the guest afterwards.
    pub return_url: Option<String>,
    /// Where events are posted.
    pub callback_url: Option<String>,
    /// The card that paid, once one did.
    pub card: Option<Card>,
    /// Whether the page waits for the code of a card that asks for one.
    pub code_due: bool,
    /// What went back, oldest first.
    pub refunds: Vec<Refund>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When the page closes.
    pub expires_at: Timestamp,
}

/// A refund as the bank keeps it and tells it.
#[derive(Clone, Debug, Serialize)]
pub struct Refund {
    /// Its id.
    pub id: BankRefundId,
    /// How much.
    pub amount: Money,
    /// Where it is.
    pub state: RefundState,
    /// The shop's own number for it; one refund per payment and reference.
    pub reference: String,
}

impl Payment {
    /// What went back, or is on its way back, in minor units.
    #[must_use]
    pub fn given_back(&self, counts: impl Fn(RefundState) -> bool) -> i64 {
        self.refunds.iter().filter(|refund| counts(refund.state)).map(|refund| refund.amount.amount()).sum()
    }

    /// What the guest has back.
    #[must_use]
    pub fn refunded(&self) -> Money {
        let minor = self.given_back(|state| state == RefundState::Succeeded);
        Money::new(minor, self.amount.currency()).expect("refunds never exceed what was captured")
    }
}

/// What the test card does. The whole table stands in the README.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Card {
    /// Pays.
    Pays,
    /// Declines: insufficient funds.
    Declines,
    /// Pays after the code `000000`.
    AsksForCode,
    /// Never answers.
    Silent,
    /// Pays; its refunds fail, as with a closed account.
    RefusesRefunds,
}

/// The code that the card of [`Card::AsksForCode`] wants.
pub const CODE: &str = "000000";

impl Card {
    /// Known by its first four digits; spaces and dashes are how people write cards.
    #[must_use]
    pub fn of(number: &str) -> Option<Self> {
        let digits: String = number.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        if digits.len() < 4 || digits.len() > 19 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        match &digits[..4] {
            "4242" => Some(Self::Pays),
            "4000" => Some(Self::Declines),
            "4100" => Some(Self::AsksForCode),
            "4200" => Some(Self::Silent),
            "4300" => Some(Self::RefusesRefunds),
            _ => None,
        }
    }

    /// The first four digits, under which the file keeps it.
    #[must_use]
    pub const fn first_four(self) -> &'static str {
        match self {
            Self::Pays => "4242",
            Self::Declines => "4000",
            Self::AsksForCode => "4100",
            Self::Silent => "4200",
            Self::RefusesRefunds => "4300",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Card;

    #[test]
    fn a_card_is_known_by_its_first_four_digits() {
        assert_eq!(Card::of("4242 4242 4242 4242"), Some(Card::Pays));
        assert_eq!(Card::of("4000-0000-0000-0002"), Some(Card::Declines));
        assert_eq!(Card::of("4100000000000000"), Some(Card::AsksForCode));
        assert_eq!(Card::of("4200"), Some(Card::Silent));
        for wrong in ["", "4", "5555555555554444", "4242x", "42424242424242424242"] {
            assert_eq!(Card::of(wrong), None, "{wrong:?}");
        }
    }
}
