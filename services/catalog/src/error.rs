//! What can go wrong, by what the caller can do about it.

pub(crate) mod codes;
pub(crate) mod members;

use contracts::{OrderId, ShopId, VariantId};
use kernel::{Code, Coded, Language, Money};
use serde_json::{Map, Value, json};
use service::{CallError, Fault, RequestContext, Stale, members_of};
use store::StoreError;

pub(crate) use codes::CODES;

use self::members::{LeftInStock, TakenField};
use crate::model::pricing::{Refusal, Shortage};

/// A request that was refused or failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such shop, or not one of the caller's.
    #[error("there is no such shop")]
    UnknownShop(ShopId),
    /// No such product, group, category or item.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    /// The request breaks rules between its fields, or names what is not there.
    #[error("wrong places in the request: {}", .0.len())]
    Invalid(Vec<Fault>),
    /// The lines ask for what there is not.
    #[error("{} places of the lines are wrong", .0.len())]
    InvalidLines(Vec<Fault>),
    /// The lines ask for what cannot be had now.
    #[error("fewer are left than were asked for")]
    OutOfStock(Vec<Shortage>),
    /// The lines cost something else than the guest was told.
    #[error("the lines cost {0} now")]
    PriceChanged(Money),
    /// The order was cancelled after it was paid: its hold is history.
    #[error("the hold of {0} has ended for good")]
    HoldEnded(OrderId),
    /// Somebody else edited it first.
    #[error(transparent)]
    Stale(#[from] Stale),
    /// An article number or a slug belongs to something else.
    #[error("the {what} is taken")]
    Taken {
        /// `sku`, `slug`.
        what: &'static str,
    },
    /// Stock of a variant that is made to order.
    #[error("the product is made to order and has no stock")]
    Untracked,
    /// Fewer would be on the shelf than are held for orders.
    #[error("only {available} are not held for orders")]
    NotEnough {
        /// How many can be taken off.
        available: i64,
    },
    /// The menu moved faster than the request could follow.
    #[error("the menu keeps changing")]
    MenuMoves,
    /// A hold and its stock disagree: the database was changed by another hand.
    #[error("the stock of {variant} in {shop} does not cover what is held")]
    StockBroken {
        /// Where.
        shop: ShopId,
        /// Of what; the first of several.
        variant: VariantId,
    },
    /// An answer that cannot be written as JSON.
    #[error("an answer is not JSON")]
    Answer,
    /// Another service refused or did not answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The database refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(faults) => Self::InvalidLines(faults),
            Refusal::Short(shortages) => Self::OutOfStock(shortages),
        }
    }
}

impl Coded for Error {
    fn code(&self) -> &'static Code {
        match self {
            Self::UnknownShop(_) => &codes::UNKNOWN_SHOP,
            Self::Unknown(_) => &codes::UNKNOWN,
            Self::Invalid(_) => &service::codes::INVALID,
            Self::InvalidLines(_) => &codes::INVALID_LINES,
            Self::OutOfStock(_) => &codes::OUT_OF_STOCK,
            Self::PriceChanged(_) => &codes::PRICE_CHANGED,
            Self::HoldEnded(_) => &codes::HOLD_ENDED,
            Self::Stale(stale) => stale.code(),
            Self::Taken { .. } => &codes::TAKEN,
            Self::Untracked => &codes::UNTRACKED,
            Self::NotEnough { .. } => &codes::NOT_ENOUGH,
            Self::MenuMoves => &codes::MENU_MOVES,
            Self::StockBroken { .. } => &codes::STOCK_BROKEN,
            Self::Answer => &service::codes::INTERNAL,
            Self::Call(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn members(&self) -> Map<String, Value> {
        let members = match self {
            Self::Invalid(faults) | Self::InvalidLines(faults) => json!({ "errors": listed(faults) }),
            Self::OutOfStock(shortages) => json!({ "lines": shortages }),
            Self::PriceChanged(items_total) => json!({ "items_total": items_total }),
            Self::Taken { what } => return members_of(&TakenField { taken: what }),
            Self::NotEnough { available } => return members_of(&LeftInStock { available: *available }),
            Self::Stale(stale) => return stale.members(),
            Self::Call(error) => return error.members(),
            Self::UnknownShop(_)
            | Self::Unknown(_)
            | Self::HoldEnded(_)
            | Self::Untracked
            | Self::MenuMoves
            | Self::StockBroken { .. }
            | Self::Answer
            | Self::Store(_) => return Map::new(),
        };
        match members {
            Value::Object(members) => members,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
        }
    }

    fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Call(error) => error.retry_after_s(),
            Self::Store(error) => error.retry_after_s(),
            Self::MenuMoves => Some(1),
            Self::UnknownShop(_)
            | Self::Unknown(_)
            | Self::Invalid(_)
            | Self::InvalidLines(_)
            | Self::OutOfStock(_)
            | Self::PriceChanged(_)
            | Self::HoldEnded(_)
            | Self::Stale(_)
            | Self::Taken { .. }
            | Self::Untracked
            | Self::NotEnough { .. }
            | Self::StockBroken { .. }
            | Self::Answer => None,
        }
    }
}

/// Faults as they stand in a problem document, in the language of the request that is being answered: a rejection of
/// a call passes through the asker with these words.
fn listed(faults: &[Fault]) -> Vec<Value> {
    let language = RequestContext::current().map_or(Language::En, |context| context.language);
    let one = |f: &Fault| json!({ "pointer": f.pointer(), "code": f.code(), "message": f.message(language) });
    faults.iter().map(one).collect()
}

/// What an event cannot do now it may do later, and nothing is given up on: each hold has to find its end.
impl From<Error> for eventlog::Failure {
    fn from(error: Error) -> Self {
        let reason = format!("{}: {error}", error.code().code);
        if let Error::Store(error) = error {
            return error.into();
        }
        Self::Retry(reason)
    }
}
