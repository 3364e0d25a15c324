//! Errors as problem documents: code, members, faults.

use kernel::Code;
use service::{Problem, codes as edge};

use super::refusals::{EarliestTime, NoSuchStep, OutOfStock, PriceChanged, ShopClosed, StateNow, TooManyUnpaid};
use super::views::QuoteView;
use crate::error::{Error, codes};
use crate::model::Rejection;

pub(super) fn of(error: Error) -> Problem {
    let detail = error.to_string();
    let told = |code: &'static Code| Problem::new(code).detail(detail);
    match error {
        Error::NoSuchOrder => told(&codes::NO_SUCH_ORDER),
        Error::NoSuchShop => told(&codes::NO_SUCH_SHOP),
        Error::Invalid(faults) => Problem::new(&edge::INVALID).faults(faults),
        Error::PriceChanged { quote, language } => {
            told(&codes::PRICE_CHANGED).members(&PriceChanged { quote: QuoteView::of(&quote, language) })
        }
        Error::OutOfStock { lines } => told(&codes::OUT_OF_STOCK).members(&OutOfStock { lines }),
        Error::ShopClosed { opens_at } => told(&codes::SHOP_CLOSED).members(&ShopClosed { opens_at }),
        Error::SlotFull { earliest_at } => told(&codes::SLOT_FULL).members(&EarliestTime { earliest_at }),
        Error::TooSoon { earliest_at } => {
            told(&codes::TOO_SOON).members(&EarliestTime { earliest_at: Some(earliest_at) })
        }
        Error::TooManyUnpaid { unpaid_max } => told(&codes::TOO_MANY_UNPAID).members(&TooManyUnpaid { unpaid_max }),
        Error::OnlineUnavailable => told(&codes::ONLINE_UNAVAILABLE),
        Error::Rejected(Rejection::IllegalTransition { from, to }) => {
            told(&codes::ILLEGAL_TRANSITION).members(&NoSuchStep { from, to })
        }
        Error::Rejected(Rejection::CannotCancel { state }) => told(&codes::CANNOT_CANCEL).members(&StateNow { state }),
        Error::Rejected(Rejection::GivenBack { state }) => told(&codes::GIVEN_BACK).members(&StateNow { state }),
        Error::Rejected(Rejection::NotExpiredYet { .. } | Rejection::NothingHeld) => told(&codes::ILLEGAL_TRANSITION),
        Error::Entombed => Problem::new(&codes::TOOK_TOO_LONG),
        Error::Edge(problem) => problem,
        Error::Call(error) => error.into(),
        Error::Store(error) => error.into(),
        Error::Catalog(reason) => Problem::internal(format!("catalog told what cannot be: {reason}")),
    }
}
