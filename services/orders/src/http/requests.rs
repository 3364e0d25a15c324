//! What is sent: closed types, one per action, every limit in the type or its [`Validate`].

use contracts::catalog::{LineRequest, ModifierRequest};
use contracts::orders::{FulfilmentKind, OrderState, PaymentMethod};
use contracts::{ModifierId, ShopId, VariantId};
use jiff::civil::Date;
use kernel::{Money, Text, Timestamp};
use serde::{Deserialize, Deserializer};
use service::{Fault, Validate, address_holds_card_number, without_card_numbers};
use utoipa::{IntoParams, ToSchema};

use crate::model::{Step, WantedTime};
use crate::use_cases::quote_order::Basket;
use crate::use_cases::read_orders::Wanted;

const LINES_MAX: usize = 100;
const MODIFIERS_MAX: usize = 50;
const QUANTITY_MAX: i64 = 999;
const COMMENT_MAX_CHARS: usize = 500;
const REASON_MAX_CHARS: usize = 200;
const RETURN_URL_MAX_CHARS: usize = 2_000;

const LINES: Text = Text { en: "must have 1 to 100 lines", ru: "должно быть от 1 до 100 позиций" };
const MODIFIERS: Text =
    Text { en: "must have at most 50 modifiers", ru: "должно быть не больше 50 добавок" };
const QUANTITY: Text = Text { en: "must be from 1 to 999", ru: "должно быть от 1 до 999" };
const NOT_YET_DELIVERED: Text = Text {
    en: "orders are not delivered yet: use pickup",
    ru: "доставки пока нет: выберите самовывоз",
};
const NO_PROMOTIONS: Text =
    Text { en: "promo codes are not taken yet", ru: "промокоды пока не принимаются" };
const NO_POINTS: Text = Text {
    en: "points are not taken yet: send 0", ru: "баллы пока не принимаются: укажите 0"
};
const NEGATIVE: Text = Text { en: "must not be below zero", ru: "не может быть меньше нуля" };
const TOO_LONG: Text = Text { en: "is too long", ru: "слишком длинно" };
const CONTROLS: Text = Text { en: "must be plain text", ru: "должен быть простым текстом" };
const NOT_A_URL: Text = Text {
    en: "must be an http or https address without a password in it",
    ru: "должен быть адресом http или https без пароля",
};
const CARD_NUMBER: Text = Text {
    en: "must not hold what could be a card number",
    ru: "не должен содержать ничего похожего на номер карты",
};

/// A basket: where, when and what.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuoteRequest {
    shop_id: ShopId,
    fulfilment: FulfilmentRequest,
    #[schema(min_items = 1, max_items = 100)]
    lines: Vec<OrderedLine>,
    /// None are taken yet.
    #[serde(default)]
    #[schema(max_items = 0)]
    promo_codes: Vec<String>,
    /// None are taken yet.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 0)]
    points: i64,
}

/// A basket, what the guest was told that it costs, and how it is to be paid.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOrder {
    shop_id: ShopId,
    fulfilment: FulfilmentRequest,
    #[schema(min_items = 1, max_items = 100)]
    lines: Vec<OrderedLine>,
    /// None are taken yet.
    #[serde(default)]
    #[schema(max_items = 0)]
    promo_codes: Vec<String>,
    /// None are taken yet.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 0)]
    points: i64,
    /// The total of the quote; when it is not the total any more the order is refused with the new quote.
    expected_total: Money,
    payment: PaymentRequest,
    /// A word to the barista; plain text.
    #[serde(default)]
    #[schema(max_length = 500)]
    comment: Option<String>,
}

/// How and when the order is to reach the guest.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FulfilmentRequest {
    /// `pickup`; `delivery` is refused until there is delivery.
    kind: FulfilmentKind,
    /// `asap`, or the beginning of a slot as an RFC 3339 time.
    #[schema(value_type = String, example = "asap", max_length = 64)]
    #[serde(deserialize_with = "wanted_time")]
    at: WantedTime,
}

/// One line of a basket.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OrderedLine {
    variant_id: VariantId,
    #[schema(minimum = 1, maximum = 999)]
    quantity: i64,
    #[serde(default)]
    #[schema(max_items = 50)]
    modifiers: Vec<OrderedModifier>,
}

/// A modifier of a line, per unit.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OrderedModifier {
    id: ModifierId,
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 999)]
    quantity: i64,
}

const fn one() -> i64 {
    1
}

/// How the order is to be paid.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PaymentRequest {
    method: PaymentMethod,
    /// Where the bank's page sends the guest afterwards: an address of this installation, or of a host that it allows
    /// (`payments.return_hosts`), and nothing in it may look like a card number. A page of this installation when it is
    /// left out; not looked at at the counter.
    #[serde(default)]
    #[schema(max_length = 2000, example = "http://localhost:8080/returned")]
    return_url: Option<String>,
}

fn wanted_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<WantedTime, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    match &*text {
        "asap" => Ok(WantedTime::Asap),
        time => time.parse().map(WantedTime::At).map_err(serde::de::Error::custom),
    }
}

impl QuoteRequest {
    pub(super) fn basket(&self) -> Basket {
        basket(self.shop_id, self.fulfilment, &self.lines)
    }
}

impl NewOrder {
    pub(super) fn basket(&self) -> Basket {
        basket(self.shop_id, self.fulfilment, &self.lines)
    }

    pub(super) const fn expected_total(&self) -> Money {
        self.expected_total
    }

    pub(super) const fn payment_method(&self) -> PaymentMethod {
        self.payment.method
    }

    /// Whoever pays at the counter is sent nowhere.
    pub(super) fn return_url(&self) -> Option<String> {
        self.payment.followed_url().map(str::to_owned)
    }

    pub(super) fn comment(&self) -> Option<String> {
        trimmed(self.comment.as_deref()).map(without_card_numbers)
    }
}

fn basket(shop_id: ShopId, fulfilment: FulfilmentRequest, lines: &[OrderedLine]) -> Basket {
    let modifier = |m: &OrderedModifier| ModifierRequest { id: m.id, quantity: m.quantity };
    let line = |line: &OrderedLine| LineRequest {
        variant_id: line.variant_id,
        quantity: line.quantity,
        modifiers: line.modifiers.iter().map(modifier).collect(),
    };
    Basket { shop_id, wanted: fulfilment.at, lines: lines.iter().map(line).collect() }
}

fn trimmed(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

impl Validate for QuoteRequest {
    fn faults(&self) -> Vec<Fault> {
        basket_faults(self.fulfilment, &self.lines, &self.promo_codes, self.points)
    }
}

impl Validate for NewOrder {
    fn faults(&self) -> Vec<Fault> {
        let mut faults = basket_faults(self.fulfilment, &self.lines, &self.promo_codes, self.points);
        if self.expected_total.amount() < 0 {
            faults.push(Fault::new("/expected_total/amount", "range", NEGATIVE));
        }
        faults.extend(self.payment.fault().map(|fault| fault.beside("/payment/method")));
        faults.extend(self.comment.as_deref().and_then(|text| text_fault("/comment", text, COMMENT_MAX_CHARS)));
        faults
    }
}

fn basket_faults(
    fulfilment: FulfilmentRequest,
    lines: &[OrderedLine],
    promo_codes: &[String],
    points: i64,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    match fulfilment.kind {
        FulfilmentKind::Pickup => {}
        FulfilmentKind::Delivery => faults.push(Fault::new("/fulfilment/kind", "unavailable", NOT_YET_DELIVERED)),
    }
    if !(1..=LINES_MAX).contains(&lines.len()) {
        faults.push(Fault::new("/lines", "range", LINES));
    }
    for (index, line) in lines.iter().enumerate() {
        line.faults(index, &mut faults);
    }
    if !promo_codes.is_empty() {
        faults.push(Fault::new("/promo_codes", "unavailable", NO_PROMOTIONS));
    }
    if points != 0 {
        faults.push(Fault::new("/points", "unavailable", NO_POINTS));
    }
    faults
}

impl OrderedLine {
    fn faults(&self, index: usize, faults: &mut Vec<Fault>) {
        if !(1..=QUANTITY_MAX).contains(&self.quantity) {
            faults.push(Fault::new(format!("/lines/{index}/quantity"), "range", QUANTITY));
        }
        if self.modifiers.len() > MODIFIERS_MAX {
            faults.push(Fault::new(format!("/lines/{index}/modifiers"), "range", MODIFIERS));
        }
        for (place, modifier) in self.modifiers.iter().enumerate() {
            if !(1..=QUANTITY_MAX).contains(&modifier.quantity) {
                faults.push(Fault::new(format!("/lines/{index}/modifiers/{place}/quantity"), "range", QUANTITY));
            }
        }
    }
}

impl PaymentRequest {
    fn followed_url(&self) -> Option<&str> {
        match self.method {
            PaymentMethod::Online => self.return_url.as_deref(),
            PaymentMethod::Counter => None,
        }
    }

    /// The address is kept, handed to the bank and opened by a browser: nothing but a web page may stand there.
    fn fault(&self) -> Option<Fault> {
        let pointer = "/payment/return_url";
        let text = self.followed_url()?;
        if text.chars().count() > RETURN_URL_MAX_CHARS {
            return Some(Fault::new(pointer, "too-long", TOO_LONG));
        }
        let is_page = url::Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
        });
        if !is_page {
            return Some(Fault::new(pointer, "url", NOT_A_URL));
        }
        address_holds_card_number(text).then(|| Fault::new(pointer, "card-number", CARD_NUMBER))
    }
}

fn text_fault(pointer: &'static str, text: &str, chars_max: usize) -> Option<Fault> {
    if text.chars().count() > chars_max {
        return Some(Fault::new(pointer, "too-long", TOO_LONG));
    }
    let is_plain = text.chars().all(|c| !c.is_control() || c == '\n');
    (!is_plain).then(|| Fault::new(pointer, "text", CONTROLS))
}

/// Why an order is called off.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelOrder {
    /// Required of staff.
    #[serde(default)]
    #[schema(max_length = 200)]
    reason: Option<String>,
}

impl CancelOrder {
    pub(super) fn reason(&self) -> Option<String> {
        trimmed(self.reason.as_deref()).map(without_card_numbers)
    }
}

impl Validate for CancelOrder {
    fn faults(&self) -> Vec<Fault> {
        self.reason.as_deref().and_then(|text| text_fault("/reason", text, REASON_MAX_CHARS)).into_iter().collect()
    }
}

/// The step that staff took.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeStatus {
    state: StaffStep,
}

/// Where staff may take an order.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum StaffStep {
    /// It is being made.
    Preparing,
    /// It waits for the guest.
    Ready,
    /// The guest has it.
    Closed,
}

impl ChangeStatus {
    pub(super) const fn step(self) -> Step {
        match self.state {
            StaffStep::Preparing => Step::Prepare,
            StaffStep::Ready => Step::Finish,
            StaffStep::Closed => Step::HandOver,
        }
    }
}

impl Validate for ChangeStatus {}

/// What a list of orders is narrowed by.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListFilter {
    /// Only those in this state.
    #[param(example = "paid")]
    state: Option<OrderState>,
    /// Only those of this shop.
    shop_id: Option<ShopId>,
    /// Placed at this time or later.
    from: Option<Timestamp>,
    /// Placed before this time.
    to: Option<Timestamp>,
}

impl Validate for ListFilter {}

impl ListFilter {
    pub(super) fn wanted(&self, rows: i64) -> Wanted {
        Wanted::within(self.from, self.to, rows).in_state(self.state).in_shop(self.shop_id)
    }
}

/// Which day's slots.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SlotsQuery {
    /// A day of the shop's own calendar.
    #[param(value_type = String, format = Date, example = "2026-11-21")]
    #[serde(deserialize_with = "day")]
    date: Date,
}

fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    text.parse().map_err(|_| serde::de::Error::custom("not a day like 2026-11-21"))
}

impl SlotsQuery {
    pub(super) const fn day(&self) -> Date {
        self.date
    }
}

impl Validate for SlotsQuery {}
