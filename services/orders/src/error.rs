//! What can go wrong, by what the caller can do about it.

pub(crate) mod codes;

use kernel::{Language, Money, Timestamp};
use serde_json::Value;
use service::{CallError, Fault, Problem};
use store::StoreError;

use crate::model::{Rejection, ScheduleError, TotalsError};
use crate::use_cases::quote_order::Quote;

/// A request that was refused or failed. Its code and members are in [`crate::http`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such order for this person.
    #[error("there is no such order")]
    NoSuchOrder,
    /// No such shop for this person.
    #[error("there is no such shop")]
    NoSuchShop,
    /// The request breaks rules between its fields, or names what is not there.
    #[error("wrong places in the request: {}", .0.len())]
    Invalid(Vec<Fault>),
    /// It costs something else than the guest was told.
    #[error("the total is {} now", total(.quote))]
    PriceChanged {
        /// What it costs now.
        quote: Box<Quote>,
        /// The language that the guest reads.
        language: Language,
    },
    /// Not enough is left.
    #[error("fewer are left than were asked for")]
    OutOfStock {
        /// Which lines, and how many of each are left, as catalog tells it.
        lines: Value,
    },
    /// The shop is closed at that time.
    #[error("the shop is closed at that time")]
    ShopClosed {
        /// When it opens next.
        opens_at: Option<Timestamp>,
    },
    /// The slot, or every slot until closing, is full.
    #[error("no place is left at that time")]
    SlotFull {
        /// The first slot that still has a place.
        earliest_at: Option<Timestamp>,
    },
    /// The order could not be ready by then.
    #[error("the order could be ready at {earliest_at} at the earliest")]
    TooSoon {
        /// The earliest time.
        earliest_at: Timestamp,
    },
    /// The guest has as many unpaid orders as one may have.
    #[error("{unpaid_max} orders are open and unpaid already")]
    TooManyUnpaid {
        /// How many one may have.
        unpaid_max: i64,
    },
    /// Payments knows no bank that the guest could pay at.
    #[error("no bank is configured here")]
    OnlineUnavailable,
    /// The order's state does not permit it.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The order was declared dead before it could be placed.
    #[error("the placement took too long and was given up")]
    Entombed,
    /// Refused at the edge, in its words: the key is in use, or was used for another request.
    #[error("refused as {}", .0.code())]
    Edge(Problem),
    /// Another service refused or did not answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The database refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What catalog told makes no sense.
    #[error("catalog told what cannot be: {0}")]
    Catalog(String),
}

fn total(quote: &Quote) -> Money {
    quote.totals.total()
}

impl From<TotalsError> for Error {
    fn from(error: TotalsError) -> Self {
        Self::Catalog(error.to_string())
    }
}

impl From<ScheduleError> for Error {
    fn from(error: ScheduleError) -> Self {
        let wrong_time = |code, text| Self::Invalid(vec![Fault::new("/fulfilment/at", code, text)]);
        match error {
            ScheduleError::Terms(reason) => Self::Catalog(reason),
            ScheduleError::Closed { opens_at } => Self::ShopClosed { opens_at },
            ScheduleError::NotASlot => wrong_time("slot", codes::NOT_A_SLOT),
            ScheduleError::TooFar => wrong_time("too-far", codes::TOO_FAR),
            ScheduleError::TooSoon { earliest_at } => Self::TooSoon { earliest_at },
        }
    }
}
