//! What orders tells of Anna's orders.

use std::time::Duration;

use contracts::orders::{FulfilmentKind, OrderPlaced, OrderState, OrderUpdated, PaymentMethod, PlacedLine};
use contracts::{Localized, OrderId, OrderLineId, ProductId, VariantId};
use kernel::{Clock as _, OsRng};
use testkit::FakeClock;

use crate::world::{ANNA, rub, shop};

/// An order of Anna's, placed now.
pub(crate) fn placed_at(method: PaymentMethod, total: i64, clock: &FakeClock) -> OrderPlaced {
    let now = clock.now();
    OrderPlaced {
        order_id: OrderId::new(now, &OsRng),
        shop_id: shop(),
        guest_id: ANNA.user_id(),
        number: "A-001".to_owned(),
        lines: vec![line(1, 1), line(2, 3)],
        total: rub(total),
        payment_method: method,
        return_url: Some("https://shop.example/thanks".to_owned()),
        fulfilment_kind: FulfilmentKind::Pickup,
        placed_at: now,
        due_at: now.plus(Duration::from_secs(600)),
        expires_at: now.plus(Duration::from_secs(600)),
        version: 1,
    }
}

/// Some cups of one line of an order.
pub(crate) fn line(id: u128, quantity: i64) -> PlacedLine {
    PlacedLine {
        line_id: OrderLineId::from_bits(id),
        product_id: ProductId::from_bits(id),
        variant_id: VariantId::from_bits(id),
        name: Localized { ru: "Латте".to_owned(), en: "Latte".to_owned() },
        quantity,
        unit_price: rub(15_500),
        total: rub(15_500 * quantity),
    }
}

pub(crate) fn update(
    id: OrderId,
    to: OrderState,
    version: i64,
    refund_due: bool,
    at: kernel::Timestamp,
) -> OrderUpdated {
    OrderUpdated {
        order_id: id,
        shop_id: shop(),
        guest_id: ANNA.user_id(),
        from: OrderState::Placed,
        to,
        reason: None,
        at,
        version,
        refund_due,
    }
}
