//! What is answered. The shapes of orders and quotes are fixed: outside programs are written against them.

use contracts::orders::{Actor, FulfilmentKind, OrderState, PaymentMethod};
use contracts::{ModifierId, OrderId, OrderLineId, ProductId, ShopId, UserId, VariantId};
use kernel::{Currency, Language, Money, Timestamp};
use serde::Serialize;
use service::in_language;
use utoipa::ToSchema;

use crate::error::codes;
use crate::model::{Canceller, Line, LineModifier, Order, PaymentProgress, Slot, Totals};
use crate::store::PastEntry;
use crate::use_cases::quote_order::{Notice, Quote};
use crate::use_cases::show_slots::FreeSlot;

mod board;

pub(super) use board::BoardView;

/// Who looks, and in which language.
#[derive(Clone, Copy, Debug)]
pub(super) struct Viewing {
    /// The language of names.
    pub(super) language: Language,
    /// As whom this person could cancel the order.
    pub(super) canceller: Canceller,
}

/// The sums of an order or a quote.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderTotals)]
struct TotalsView {
    /// The sum of the lines.
    items_total: Money,
    /// What promotions take off.
    discount_total: Money,
    /// What points take off.
    points_total: Money,
    /// What bringing it costs.
    delivery_total: Money,
    /// What is to be paid: items − discount − points + delivery.
    total: Money,
}

impl From<&Totals> for TotalsView {
    fn from(totals: &Totals) -> Self {
        Self {
            items_total: totals.items(),
            discount_total: totals.discount(),
            points_total: totals.points(),
            delivery_total: totals.delivery(),
            total: totals.total(),
        }
    }
}

/// A line with its price.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderLine)]
struct LineView {
    /// Its id; a quote's lines have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<OrderLineId>,
    product_id: ProductId,
    variant_id: VariantId,
    /// The product's name in the language of the answer.
    name: String,
    /// The variant's name in the language of the answer.
    variant_name: String,
    quantity: i64,
    modifiers: Vec<ModifierView>,
    /// One unit with its modifiers.
    unit_price: Money,
    /// What promotions take off all units.
    discount: Money,
    /// All units, before the discount.
    total: Money,
}

/// A modifier of a line.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderLineModifier)]
struct ModifierView {
    id: ModifierId,
    name: String,
    /// Per unit of the line.
    quantity: i64,
    /// One of it.
    price: Money,
}

impl ModifierView {
    fn of(modifier: &LineModifier, language: Language) -> Self {
        Self {
            id: modifier.id,
            name: modifier.name.get(language).to_owned(),
            quantity: modifier.quantity,
            price: modifier.price,
        }
    }
}

impl LineView {
    fn of(line: &Line, language: Language) -> Self {
        Self {
            id: Some(line.id),
            product_id: line.product_id,
            variant_id: line.variant_id,
            name: line.name.get(language).to_owned(),
            variant_name: line.variant_name.get(language).to_owned(),
            quantity: line.quantity,
            modifiers: line.modifiers.iter().map(|m| ModifierView::of(m, language)).collect(),
            unit_price: line.unit_price,
            discount: line.discount,
            total: line.total,
        }
    }

    fn quoted(line: &Line, language: Language) -> Self {
        Self { id: None, ..Self::of(line, language) }
    }
}

/// A slot: from, included; to, excluded.
#[derive(Serialize, ToSchema)]
#[schema(as = Slot)]
struct SlotView {
    from: Timestamp,
    to: Timestamp,
}

impl From<Slot> for SlotView {
    fn from(slot: Slot) -> Self {
        Self { from: slot.from, to: slot.to }
    }
}

/// How and when an order reaches the guest.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderFulfilment)]
struct FulfilmentView {
    kind: FulfilmentKind,
    /// When it is to be ready.
    at: Timestamp,
    /// The slot that the guest chose; null for as soon as possible.
    #[schema(required)]
    slot: Option<SlotView>,
    /// The shop's time zone (IANA).
    time_zone: String,
}

/// An order.
#[derive(Serialize, ToSchema)]
#[schema(as = Order)]
pub(super) struct OrderView {
    id: OrderId,
    /// What is called out at the counter.
    #[schema(example = "A-017")]
    number: String,
    state: OrderState,
    /// Grows with every change.
    version: i64,
    shop_id: ShopId,
    guest_id: UserId,
    currency: Currency,
    /// Which way it came in.
    #[schema(example = "api")]
    channel: &'static str,
    fulfilment: FulfilmentView,
    lines: Vec<LineView>,
    #[serde(flatten)]
    totals: TotalsView,
    payment_method: PaymentMethod,
    payment_state: PaymentProgress,
    /// Whether you can cancel it now.
    cancellable: bool,
    /// Where it can be followed without signing in; null until there is tracking.
    #[schema(required)]
    tracking_url: Option<String>,
    /// The guest's word to the barista.
    #[schema(required)]
    comment: Option<String>,
    placed_at: Timestamp,
    /// When it ends unless it is paid; null once it is.
    #[schema(required)]
    expires_at: Option<Timestamp>,
}

impl OrderView {
    pub(super) fn of(order: &Order, viewing: Viewing) -> Self {
        let fulfilment = &order.fulfilment;
        Self {
            id: order.id,
            number: order.number.to_string(),
            state: order.state.word(),
            version: order.version,
            shop_id: order.shop_id,
            guest_id: order.guest_id,
            currency: order.totals.currency(),
            channel: order.channel.as_str(),
            fulfilment: FulfilmentView {
                kind: fulfilment.kind,
                at: fulfilment.due_at,
                slot: (!fulfilment.is_asap).then(|| fulfilment.slot.into()),
                time_zone: fulfilment.time_zone.clone(),
            },
            lines: order.lines.iter().map(|line| LineView::of(line, viewing.language)).collect(),
            totals: (&order.totals).into(),
            payment_method: order.payment_method,
            payment_state: order.tender.progress,
            cancellable: order.is_cancellable_by(viewing.canceller),
            tracking_url: None,
            comment: order.comment.clone(),
            placed_at: order.placed_at,
            expires_at: order.state.expires_at(),
        }
    }
}

/// An order with its history.
#[derive(Serialize, ToSchema)]
#[schema(as = DetailedOrder)]
pub(super) struct DetailedOrderView {
    #[serde(flatten)]
    order: OrderView,
    /// Where it was, the oldest first.
    history: Vec<HistoryView>,
}

/// One step of an order.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderStep)]
struct HistoryView {
    state: OrderState,
    at: Timestamp,
    /// Who took it there.
    by: Actor,
}

impl DetailedOrderView {
    pub(super) fn of(order: &Order, history: &[PastEntry], viewing: Viewing) -> Self {
        // A version in which only the payment moved is no step of the order.
        let mut steps: Vec<HistoryView> = Vec::with_capacity(history.len());
        for entry in history {
            if steps.last().is_none_or(|last| last.state != entry.state) {
                steps.push(HistoryView { state: entry.state, at: entry.at, by: entry.by });
            }
        }
        Self { order: OrderView::of(order, viewing), history: steps }
    }
}

/// What an order would cost, and when it could be had.
#[derive(Serialize, ToSchema)]
#[schema(as = Quote)]
pub(super) struct QuoteView {
    lines: Vec<LineView>,
    #[serde(flatten)]
    totals: TotalsView,
    /// The earliest time today; null when the shop is closed, or full until closing.
    #[schema(required)]
    earliest_at: Option<Timestamp>,
    /// What stands in the way of ordering it like this now.
    notices: Vec<NoticeView>,
}

/// Something that stands in the way.
#[derive(Serialize, ToSchema)]
#[schema(as = QuoteNotice)]
struct NoticeView {
    /// The code that an order would be refused with.
    #[schema(example = "orders.shop-closed")]
    code: &'static str,
    message: &'static str,
    /// When the shop opens next.
    #[serde(skip_serializing_if = "Option::is_none")]
    opens_at: Option<Timestamp>,
}

impl QuoteView {
    pub(super) fn of(quote: &Quote, language: Language) -> Self {
        Self {
            lines: quote.lines.iter().map(|line| LineView::quoted(line, language)).collect(),
            totals: (&quote.totals).into(),
            earliest_at: quote.earliest_at,
            notices: quote.notices.iter().map(|notice| NoticeView::of(*notice, language)).collect(),
        }
    }
}

impl NoticeView {
    fn of(notice: Notice, language: Language) -> Self {
        let (code, opens_at) = match notice {
            Notice::ShopClosed { opens_at } => (&codes::SHOP_CLOSED, opens_at),
            Notice::SlotFull => (&codes::SLOT_FULL, None),
            Notice::TooSoon => (&codes::TOO_SOON, None),
        };
        Self { code: code.code, message: in_language(code.title, language), opens_at }
    }
}

/// The slots of a shop's day.
#[derive(Serialize, ToSchema)]
#[schema(as = Slots)]
pub(super) struct SlotsView {
    items: Vec<FreeSlotView>,
    /// The shop's time zone (IANA).
    time_zone: String,
}

/// A slot that an order could still be placed for.
#[derive(Serialize, ToSchema)]
#[schema(as = FreeSlot)]
struct FreeSlotView {
    from: Timestamp,
    to: Timestamp,
    /// How many orders it still takes; null: as many as come.
    #[schema(required)]
    left: Option<i64>,
}

impl SlotsView {
    pub(super) fn of(slots: &[FreeSlot], time_zone: String) -> Self {
        let view = |free: &FreeSlot| FreeSlotView { from: free.slot.from, to: free.slot.to, left: free.left };
        Self { items: slots.iter().map(view).collect(), time_zone }
    }
}
