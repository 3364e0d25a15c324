//! A catalog that prices, holds and releases in memory, and does what a test tells it to in between.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contracts::catalog::{
    LineRequest, OpeningHours, Price, PriceRequest, Priced, PricedLine, PricedModifier, Release, ReleaseRequest,
    Released, Reserve, ReserveRequest, Shop, ShopRequest, ShopTerms,
};
use contracts::{Localized, OrderId, ProductId};
use kernel::{Code, Coded, Currency, ErrorKind, Money, Text};
use serde_json::{Map, Value, json};
use service::CallHandler;
use testkit::FakeCalls;

use super::shop;

/// Clones are the same catalog.
#[derive(Clone)]
pub(crate) struct FakeCatalog(Arc<Mutex<Shelves>>);

type Hook = Box<dyn FnOnce(OrderId) + Send>;

struct Shelves {
    terms: ShopTerms,
    price_minor: i64,
    modifier_minor: i64,
    left: i64,
    holds: BTreeMap<OrderId, i64>,
    is_away: bool,
    before_reserve: Option<Hook>,
    after_reserve: Option<Hook>,
}

/// What the catalog refuses.
#[derive(Debug, thiserror::Error)]
#[error("refused by the test's catalog")]
pub(crate) struct Refusal {
    code: &'static Code,
    members: Value,
}

impl Coded for Refusal {
    fn code(&self) -> &'static Code {
        self.code
    }

    fn members(&self) -> Map<String, Value> {
        self.members.as_object().cloned().unwrap_or_default()
    }
}

const fn code(code: &'static str, kind: ErrorKind) -> Code {
    let text = Text { en: "refused", ru: "отказ" };
    Code { code, kind, title: text, hint: text, members: &[] }
}

static OUT_OF_STOCK: Code = code("catalog.out-of-stock", ErrorKind::Conflict);
static UNKNOWN_SHOP: Code = code("catalog.unknown-shop", ErrorKind::NotFound);
static PRICE_CHANGED: Code = code("catalog.price-changed", ErrorKind::Conflict);
static INVALID_LINES: Code = code("catalog.invalid-lines", ErrorKind::Invalid);
static AWAY: Code = code("call.timeout", ErrorKind::Unavailable);

impl FakeCatalog {
    /// A shop in Moscow, open from 8 to 22, with plenty of everything at 310 roubles.
    pub(crate) fn new() -> Self {
        let hours = (1..=7).map(|day| OpeningHours { day, from: "08:00".to_owned(), to: "22:00".to_owned() });
        let terms = ShopTerms {
            shop_id: shop(),
            time_zone: "Europe/Moscow".to_owned(),
            currency: Currency::RUB,
            lead_time_min: 10,
            hours: hours.collect(),
            closed_days: Vec::new(),
            slot_minutes: 10,
            slot_capacity: None,
        };
        Self(Arc::new(Mutex::new(Shelves {
            terms,
            price_minor: 31_000,
            modifier_minor: 6_000,
            left: 1_000_000,
            holds: BTreeMap::new(),
            is_away: false,
            before_reserve: None,
            after_reserve: None,
        })))
    }

    /// The calls that it answers.
    pub(crate) fn calls(&self) -> FakeCalls {
        let (price, reserve, release, terms) = (self.clone(), self.clone(), self.clone(), self.clone());
        FakeCalls::new()
            .with(CallHandler::new::<Price, _, _, _>(move |r: PriceRequest| std::future::ready(price.price(&r))))
            .with(CallHandler::new::<Reserve, _, _, _>(move |r: ReserveRequest| {
                let catalog = reserve.clone();
                async move { catalog.reserve(&r).await }
            }))
            .with(CallHandler::new::<Release, _, _, _>(move |r: ReleaseRequest| {
                std::future::ready(release.release(&r))
            }))
            .with(CallHandler::new::<Shop, _, _, _>(move |r: ShopRequest| std::future::ready(terms.shop(&r))))
    }

    pub(crate) fn change_terms(&self, change: impl FnOnce(&mut ShopTerms)) {
        change(&mut self.shelves().terms);
    }

    pub(crate) fn set_price(&self, minor: i64) {
        self.shelves().price_minor = minor;
    }

    pub(crate) fn set_left(&self, units: i64) {
        self.shelves().left = units;
    }

    pub(crate) fn left(&self) -> i64 {
        self.shelves().left
    }

    pub(crate) fn set_away(&self, is_away: bool) {
        self.shelves().is_away = is_away;
    }

    /// What happens once, on a thread of its own, when stock is asked for and not yet held.
    pub(crate) fn before_reserve(&self, hook: impl FnOnce(OrderId) + Send + 'static) {
        self.shelves().before_reserve = Some(Box::new(hook));
    }

    /// What happens once, on a thread of its own, when stock is held and the answer is not given yet.
    pub(crate) fn after_reserve(&self, hook: impl FnOnce(OrderId) + Send + 'static) {
        self.shelves().after_reserve = Some(Box::new(hook));
    }

    /// The orders that stock is held for.
    pub(crate) fn holds(&self) -> Vec<OrderId> {
        self.shelves().holds.keys().copied().collect()
    }

    /// Gives every hold back, as catalog does when orders expire.
    pub(crate) fn release_all(&self) {
        let mut shelves = self.shelves();
        let held: i64 = std::mem::take(&mut shelves.holds).values().sum();
        shelves.left += held;
    }

    /// Holds stock for an order, as an earlier try of its placement did.
    pub(crate) fn hold(&self, order_id: OrderId, units: i64) {
        let mut shelves = self.shelves();
        shelves.left -= units;
        shelves.holds.insert(order_id, units);
    }

    fn price(&self, request: &PriceRequest) -> Result<Priced, Refusal> {
        let shelves = self.shelves();
        shelves.check(request.shop_id, &request.lines)?;
        Ok(shelves.priced(&request.lines))
    }

    async fn reserve(&self, request: &ReserveRequest) -> Result<Priced, Refusal> {
        let before = self.shelves().before_reserve.take();
        run_aside(before, request.order_id).await;
        let answer = self.hold_now(request);
        let after = self.shelves().after_reserve.take();
        run_aside(after, request.order_id).await;
        answer
    }

    fn hold_now(&self, request: &ReserveRequest) -> Result<Priced, Refusal> {
        let mut shelves = self.shelves();
        if shelves.holds.contains_key(&request.order_id) {
            return Ok(shelves.priced(&request.lines));
        }
        shelves.check(request.shop_id, &request.lines)?;
        let priced = shelves.priced(&request.lines);
        if request.expected_items_total.is_some_and(|expected| expected != priced.items_total) {
            return Err(Refusal { code: &PRICE_CHANGED, members: json!({}) });
        }
        let units = units(&request.lines);
        shelves.left -= units;
        shelves.holds.insert(request.order_id, units);
        Ok(priced)
    }

    fn release(&self, request: &ReleaseRequest) -> Result<Released, Refusal> {
        let mut shelves = self.shelves();
        let held = shelves.holds.remove(&request.order_id);
        shelves.left += held.unwrap_or(0);
        Ok(Released { was_held: held.is_some() })
    }

    fn shop(&self, request: &ShopRequest) -> Result<ShopTerms, Refusal> {
        let shelves = self.shelves();
        shelves.check(request.shop_id, &[])?;
        Ok(shelves.terms.clone())
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A hook may ask the service things and wait; the runtime goes on meanwhile.
async fn run_aside(hook: Option<Hook>, order_id: OrderId) {
    if let Some(hook) = hook {
        let done = Arc::new(tokio::sync::Notify::new());
        let wake = Arc::clone(&done);
        std::thread::spawn(move || {
            hook(order_id);
            wake.notify_one();
        });
        done.notified().await;
    }
}

fn units(lines: &[LineRequest]) -> i64 {
    lines.iter().map(|line| line.quantity).sum()
}

impl Shelves {
    fn check(&self, shop_id: contracts::ShopId, lines: &[LineRequest]) -> Result<(), Refusal> {
        if self.is_away {
            return Err(Refusal { code: &AWAY, members: json!({}) });
        }
        if shop_id != self.terms.shop_id {
            return Err(Refusal { code: &UNKNOWN_SHOP, members: json!({}) });
        }
        let unknown = lines.iter().position(|line| line.variant_id.bits() == 0);
        if let Some(place) = unknown {
            let pointer = format!("/lines/{place}/variant_id");
            let errors = json!([{"pointer": pointer, "code": "unknown", "message": "there is no such variant"}]);
            return Err(Refusal { code: &INVALID_LINES, members: json!({ "errors": errors }) });
        }
        if units(lines) > self.left {
            let lines = json!([{"pointer": "/lines/0", "available": self.left}]);
            return Err(Refusal { code: &OUT_OF_STOCK, members: json!({ "lines": lines }) });
        }
        Ok(())
    }

    fn priced(&self, lines: &[LineRequest]) -> Priced {
        let lines: Vec<PricedLine> = lines.iter().map(|line| self.priced_line(line)).collect();
        let total = lines.iter().map(|line| line.total.amount()).sum();
        Priced { shop: self.terms.clone(), lines, items_total: self.money(total) }
    }

    fn priced_line(&self, line: &LineRequest) -> PricedLine {
        let modifiers: Vec<PricedModifier> = line
            .modifiers
            .iter()
            .map(|m| PricedModifier {
                id: m.id,
                name: text("Овсяное", "Oat"),
                quantity: m.quantity,
                price: self.money(self.modifier_minor),
            })
            .collect();
        let of_modifiers: i64 = modifiers.iter().map(|m| m.price.amount() * m.quantity).sum();
        let unit_price = self.money(self.price_minor + of_modifiers);
        PricedLine {
            product_id: ProductId::from_bits(line.variant_id.bits() + 1_000),
            variant_id: line.variant_id,
            name: text("Латте", "Latte"),
            variant_name: text("Большой", "Large"),
            category: "coffee".to_owned(),
            quantity: line.quantity,
            modifiers,
            unit_price,
            total: unit_price.times(line.quantity).unwrap(),
        }
    }

    fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.terms.currency).unwrap()
    }
}

fn text(ru: &str, en: &str) -> Localized {
    Localized { ru: ru.to_owned(), en: en.to_owned() }
}
