//! Orders to try things on.

use contracts::orders::{FulfilmentKind, OrderState, PaymentMethod};
use contracts::{Localized, OrderId, OrderLineId, PaymentId, ProductId, ShopId, UserId, VariantId};
use kernel::{Currency, Money, Timestamp};

use super::{Channel, Fulfilment, Line, Order, PickupNumber, Receipt, Slot, State, Tender, Totals};

pub(crate) fn at(minute: i64) -> Timestamp {
    Timestamp::from_micros(1_795_255_200_000_000 + minute * 60_000_000)
}

pub(crate) fn roubles(amount: i64) -> Money {
    Money::new(amount * 100, Currency::RUB).unwrap()
}

pub(crate) fn line(unit_price: Money, quantity: i64) -> Line {
    let word = |text: &str| Localized { ru: text.to_owned(), en: text.to_owned() };
    Line {
        id: OrderLineId::from_bits(1),
        product_id: ProductId::from_bits(2),
        variant_id: VariantId::from_bits(3),
        name: word("Латте"),
        variant_name: word("M"),
        quantity,
        modifiers: Vec::new(),
        unit_price,
        discount: Money::zero(unit_price.currency()),
        total: unit_price.times(quantity).unwrap(),
    }
}

pub(crate) fn a_receipt() -> Receipt {
    Receipt { payment_id: PaymentId::from_bits(77), paid_at: at(3) }
}

/// The state of that word, with some data of its own.
pub(crate) fn state(word: OrderState) -> State {
    match word {
        OrderState::Placed => State::Placed { expires_at: at(10) },
        OrderState::Paid => State::Paid(a_receipt()),
        OrderState::Preparing => State::Preparing(a_receipt()),
        OrderState::Ready => State::Ready(a_receipt()),
        OrderState::Delivering => State::Delivering(a_receipt()),
        OrderState::Closed => State::Closed(a_receipt()),
        OrderState::Expired => State::Expired,
        OrderState::Cancelled => State::Cancelled { receipt: Some(a_receipt()) },
    }
}

/// An order that stands in that state.
pub(crate) fn an_order(word: OrderState, kind: FulfilmentKind) -> Order {
    let lines = vec![line(roubles(310), 2)];
    Order {
        id: OrderId::from_bits(9),
        feed_id: 1,
        number: PickupNumber::new(17).unwrap(),
        shop_id: ShopId::from_bits(4),
        guest_id: UserId::from_bits(5),
        channel: Channel::Api,
        totals: Totals::of(&lines, Currency::RUB).unwrap(),
        lines,
        payment_method: PaymentMethod::Online,
        fulfilment: Fulfilment {
            kind,
            is_asap: true,
            due_at: at(15),
            slot: Slot { from: at(10), to: at(20) },
            is_slot_held: true,
            time_zone: "Europe/Moscow".to_owned(),
            day: jiff::civil::date(2026, 11, 21),
        },
        comment: None,
        placed_at: at(0),
        version: 1,
        state: state(word),
        tender: Tender::NONE,
    }
}
