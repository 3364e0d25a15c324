//! A coffee shop to test in.

use std::time::Duration;

use contracts::catalog::{
    LineRequest, ModifierRequest, Price, PriceRequest, Priced, ProductChanged, Release, ReleaseRequest, Reserve,
    ReserveRequest,
};
use contracts::orders::{OrderPaid, OrderState, OrderUpdated};
use contracts::{ModifierId, OrderId, PaymentId, ProductId, ShopId, UserId, VariantId};
use kernel::{Clock as _, Currency, Money, OsRng};
use serde_json::{Value, json};
use service::{CallError, Mount};
use testkit::{Admin, Answer, HarnessOptions, Manager, ServiceHarness, TestDatabase};

pub(crate) const RUB: Currency = Currency::RUB;

pub(crate) fn mount() -> Mount {
    Mount { name: "catalog", migrations: catalog::MIGRATIONS, settings: catalog::SETTINGS, service: catalog::service }
}

/// A shop that sells a latte (made to order, with milk to choose) and a cheesecake (counted, twenty on the shelf).
pub(crate) struct Cafe {
    pub(crate) harness: ServiceHarness,
    pub(crate) shop: ShopId,
    pub(crate) latte: Sold,
    pub(crate) cake: Sold,
    pub(crate) oat: ModifierId,
}

/// A product with its first variant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sold {
    pub(crate) product: ProductId,
    pub(crate) variant: VariantId,
}

pub(crate) fn money(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "RUB" })
}

pub(crate) fn rub(amount: i64) -> Money {
    Money::new(amount, RUB).unwrap()
}

pub(crate) fn name(text: &str) -> Value {
    json!({ "ru": text, "en": text })
}

/// A shop as it is opened.
pub(crate) fn a_shop() -> Value {
    json!({
        "name": "Самовар на Тверской", "address": "Москва, Тверская, 7", "lat": 55.7579, "lon": 37.6112,
        "time_zone": "Europe/Moscow", "currency": "RUB", "lead_time_min": 10,
        "hours": [{"day": 6, "from": "08:00", "to": "22:00"}], "closed_days": ["2027-01-01"],
        "slot_minutes": 10, "slot_capacity": 12
    })
}

/// A product with one variant.
pub(crate) fn a_product(sku: &str, category: &str, price: i64) -> Value {
    json!({
        "sku": sku, "category": category, "name": name(sku),
        "variants": [{"sku": format!("{sku}-m"), "name": name("M"), "price": money(price)}]
    })
}

/// Milk: none or one of two.
pub(crate) fn milk() -> Value {
    json!({
        "slug": "milk", "name": {"ru": "Молоко", "en": "Milk"}, "min": 0, "max": 1,
        "modifiers": [
            {"slug": "oat", "name": {"ru": "Овсяное", "en": "Oat"}, "price": money(6_000)},
            {"slug": "soy", "name": {"ru": "Соевое", "en": "Soy"}, "price": money(5_000)}
        ]
    })
}

impl Cafe {
    pub(crate) fn open(database: &TestDatabase) -> Self {
        Self::open_with(database, HarnessOptions::default())
    }

    pub(crate) fn open_with(database: &TestDatabase, options: HarnessOptions) -> Self {
        Self::furnish(ServiceHarness::mount_with(database, mount(), options))
    }

    /// With something beside the service.
    pub(crate) fn open_as(database: &TestDatabase, mount: Mount) -> Self {
        Self::furnish(ServiceHarness::mount(database, mount))
    }

    fn furnish(harness: ServiceHarness) -> Self {
        let shop = harness.post("/shops").by(&Admin).json(&a_shop()).send().expect(201).json();
        let group = harness.post("/modifier-groups").by(&Admin).json(&milk()).send().expect(201).json();
        let mut latte = a_product("latte", "coffee", 25_000);
        latte["name"] = json!({"ru": "Латте", "en": "Latte"});
        latte["modifier_groups"] = json!(["milk"]);
        let mut cake = a_product("cheesecake", "cakes", 30_000);
        cake["name"] = json!({"ru": "Чизкейк", "en": "Cheesecake"});
        cake["tracked"] = json!(true);
        let mut cafe = Self {
            shop: id(&shop["id"]),
            latte: sold(&harness.post("/products").by(&Admin).json(&latte).send().expect(201).json()),
            cake: sold(&harness.post("/products").by(&Admin).json(&cake).send().expect(201).json()),
            oat: id(&group["modifiers"][0]["id"]),
            harness,
        };
        cafe.receive(cafe.cake.variant, 20);
        cafe.harness.settle();
        cafe
    }

    pub(crate) fn manager(&self) -> Manager {
        Manager(self.shop)
    }

    /// Makes a product and gives its ids.
    pub(crate) fn product(&self, body: &Value) -> Sold {
        sold(&self.harness.post("/products").by(&self.manager()).json(body).send().expect(201).json())
    }

    /// Books a movement.
    pub(crate) fn book(&self, kind: &str, variant: VariantId, quantity: i64) -> Answer {
        let body = json!({"shop_id": self.shop, "variant_id": variant, "kind": kind, "quantity": quantity});
        let key = new_order().to_string();
        self.harness.post("/stock/movements").by(&self.manager()).key(&key).json(&body).send()
    }

    pub(crate) fn receive(&self, variant: VariantId, quantity: i64) {
        let _ = self.book("receipt", variant, quantity).expect(201);
    }

    /// On the shelf, held, available.
    pub(crate) fn level(&self, variant: VariantId) -> (i64, i64, i64) {
        let path = format!("/stock?shop_id={}", self.shop);
        let stock = self.harness.get(&path).by(&self.manager()).send().expect(200).json();
        let rows = stock["items"].as_array().unwrap();
        let row = rows.iter().find(|row| row["variant_id"] == json!(variant)).unwrap_or(&Value::Null);
        let number = |name: &str| row[name].as_i64().unwrap_or(-1);
        (number("on_hand"), number("reserved"), number("available"))
    }

    /// The menu, in Russian.
    pub(crate) fn menu(&self, query: &str) -> Value {
        let path = format!("/menu?shop_id={}{query}", self.shop);
        self.harness.get(&path).send().expect(200).json()
    }

    /// The skus of a menu.
    pub(crate) fn skus(&self, query: &str) -> Vec<String> {
        let menu = self.menu(query);
        let items = menu["items"].as_array().unwrap();
        items.iter().map(|item| item["sku"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn price(&self, lines: Vec<LineRequest>) -> Result<Priced, CallError> {
        self.harness.calls().call_blocking::<Price>(&PriceRequest { shop_id: self.shop, lines })
    }

    /// A request to hold the lines for ten minutes.
    pub(crate) fn request(&self, order_id: OrderId, lines: Vec<LineRequest>) -> ReserveRequest {
        ReserveRequest {
            order_id,
            shop_id: self.shop,
            lines,
            expected_items_total: None,
            ask_at: self.harness.clock().now().plus(Duration::from_secs(600)),
        }
    }

    pub(crate) fn reserve(&self, order_id: OrderId, lines: Vec<LineRequest>) -> Result<Priced, CallError> {
        self.harness.calls().call_blocking::<Reserve>(&self.request(order_id, lines))
    }

    /// Holds so many cheesecakes for a new order.
    pub(crate) fn hold_cakes(&self, units: i64) -> OrderId {
        let order = new_order();
        let held = self.reserve(order, vec![line(self.cake.variant, units)]);
        assert!(held.is_ok(), "{held:?}");
        order
    }

    /// Whether there was an active hold.
    pub(crate) fn release(&self, order_id: OrderId) -> bool {
        self.harness.calls().call_blocking::<Release>(&ReleaseRequest { order_id }).unwrap().was_held
    }

    pub(crate) fn tell_paid(&self, order: OrderId) {
        self.harness.publish("orders", &self.paid(order));
    }

    pub(crate) fn tell_moved(&self, order: OrderId, from: OrderState, to: OrderState) {
        self.harness.publish("orders", &self.moved(order, from, to));
    }

    pub(crate) fn paid(&self, order_id: OrderId) -> OrderPaid {
        OrderPaid {
            order_id,
            shop_id: self.shop,
            guest_id: UserId::from_bits(7),
            payment_id: PaymentId::from_bits(8),
            total: rub(1),
            paid_at: self.harness.clock().now(),
            version: 2,
        }
    }

    pub(crate) fn moved(&self, order_id: OrderId, from: OrderState, to: OrderState) -> OrderUpdated {
        OrderUpdated {
            order_id,
            shop_id: self.shop,
            guest_id: UserId::from_bits(7),
            from,
            to,
            reason: None,
            at: self.harness.clock().now(),
            version: 2,
            refund_due: false,
        }
    }

    /// What catalog told about products so far.
    pub(crate) fn told(&mut self) -> Vec<ProductChanged> {
        let log = self.harness.platform().log();
        let events = log.tail(0, &["catalog"], 1_000).unwrap();
        events.iter().map(|event| event.decode().unwrap()).collect()
    }

    /// No invariant of stock is broken. Those that compare with orders have no orders to compare with here.
    pub(crate) fn assert_clean(&self) {
        let report = self.harness.audit();
        let findings: Vec<_> = report.checks.iter().flat_map(|check| &check.findings).collect();
        assert!(findings.is_empty(), "{report}");
    }
}

pub(crate) fn id<K: kernel::IdKind>(value: &Value) -> kernel::Id<K> {
    value.as_str().unwrap().parse().unwrap()
}

pub(crate) fn sold(product: &Value) -> Sold {
    Sold { product: id(&product["id"]), variant: id(&product["variants"][0]["id"]) }
}

pub(crate) fn new_order() -> OrderId {
    OrderId::new(kernel::SystemClock::new().now(), &OsRng)
}

pub(crate) fn line(variant_id: VariantId, quantity: i64) -> LineRequest {
    LineRequest { variant_id, quantity, modifiers: Vec::new() }
}

pub(crate) fn line_with(variant_id: VariantId, quantity: i64, modifiers: &[(ModifierId, i64)]) -> LineRequest {
    let modifiers = modifiers.iter().map(|&(id, quantity)| ModifierRequest { id, quantity }).collect();
    LineRequest { variant_id, quantity, modifiers }
}

/// The pointers of a problem's errors.
pub(crate) fn pointers(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| error["pointer"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The pointers of a rejection's member.
pub(crate) fn places(error: &CallError, member: &str) -> Vec<String> {
    use kernel::Coded as _;
    let members = error.members();
    let list = members.get(member).and_then(Value::as_array).cloned().unwrap_or_default();
    list.iter().map(|one| one["pointer"].as_str().unwrap_or_default().to_owned()).collect()
}
