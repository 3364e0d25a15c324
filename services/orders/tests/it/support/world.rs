//! The service under test and what is said to it, in the words of the trade.

use std::time::Duration;

use contracts::payments::{PaymentMoved, PaymentState};
use contracts::{OrderId, PaymentId, ShopId, VariantId};
use kernel::{Clock as _, Currency, Event, Money, Timestamp};
use serde_json::{Value, json};
use store::{PostgresConfig, StoreConfig};
use testkit::{Answer, Barista, Guest, HarnessOptions, Person, ServiceHarness, TestDatabase};

use super::{FakeCatalog, FakePayments};

pub(crate) fn shop() -> ShopId {
    ShopId::from_bits(7)
}

pub(crate) fn other_shop() -> ShopId {
    ShopId::from_bits(8)
}

pub(crate) fn variant() -> VariantId {
    VariantId::from_bits(21)
}

pub(crate) fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

/// One shop and everybody in it.
pub(crate) struct World {
    pub(crate) harness: ServiceHarness,
    pub(crate) catalog: FakeCatalog,
    pub(crate) payments: FakePayments,
}

impl World {
    pub(crate) fn new(database: &TestDatabase) -> Self {
        Self::with(database, &[])
    }

    pub(crate) fn with(database: &TestDatabase, settings: &[(&'static str, &'static str)]) -> Self {
        Self::with_options(database, HarnessOptions { settings: settings.to_vec(), ..HarnessOptions::default() })
    }

    /// As many write at once as by default.
    pub(crate) fn crowded(database: &TestDatabase) -> Self {
        let store = |config| match config {
            StoreConfig::Postgres(config) => {
                let writers = PostgresConfig::new(config.url.clone()).writers;
                StoreConfig::Postgres(PostgresConfig { writers, ..config })
            }
            sqlite @ StoreConfig::Sqlite(_) => sqlite,
        };
        Self::with_options(database, HarnessOptions { store, ..HarnessOptions::default() })
    }

    fn with_options(database: &TestDatabase, options: HarnessOptions) -> Self {
        let (catalog, payments) = (FakeCatalog::new(), FakePayments::default());
        let calls = payments.beside(catalog.calls());
        let options = HarnessOptions { calls, ..options };
        let harness = ServiceHarness::mount_with(database, orders::MOUNT, options);
        Self { harness, catalog, payments }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.harness.clock().now()
    }

    /// A basket of `quantity` cups, its total, paid online.
    pub(crate) fn basket(&self, quantity: i64) -> Value {
        json!({
            "shop_id": shop(),
            "fulfilment": {"kind": "pickup", "at": "asap"},
            "lines": [{"variant_id": variant(), "quantity": quantity}],
            "expected_total": {"amount": 31_000 * quantity, "currency": "RUB"},
            "payment": {"method": "online", "return_url": "https://samovar.example/back"},
        })
    }

    pub(crate) fn counter_basket(&self) -> Value {
        let mut basket = self.basket(1);
        basket["payment"] = json!({"method": "counter"});
        basket
    }

    pub(crate) fn place_as(&self, guest: Guest, key: &str, basket: &Value) -> Answer {
        self.harness.post("/orders").by(&guest).key(key).json(basket).send()
    }

    /// An order of guest 1, placed now.
    pub(crate) fn a_placed_order(&self, key: &str) -> (OrderId, Value) {
        let order = self.place_as(Guest(1), key, &self.basket(2)).expect(201).json();
        (id_of(&order), order)
    }

    pub(crate) fn a_paid_order(&mut self, key: &str) -> OrderId {
        let (id, _) = self.a_placed_order(key);
        self.payment(id).captured(62_000).publish();
        self.harness.settle();
        assert_eq!(self.order(id)["state"], "paid");
        id
    }

    /// The order as its guest reads it.
    pub(crate) fn order(&self, id: OrderId) -> Value {
        self.harness.get(&format!("/orders/{id}")).by(&Guest(1)).send().expect(200).json()
    }

    pub(crate) fn status(&self, id: OrderId, state: &str) -> Answer {
        self.status_by(&Barista(shop()), id, state)
    }

    pub(crate) fn status_by(&self, person: &impl Person, id: OrderId, state: &str) -> Answer {
        self.harness.post(&format!("/orders/{id}/status")).by(person).json(&json!({"state": state})).send()
    }

    pub(crate) fn cancel_by(&self, person: &impl Person, id: OrderId, body: &Value) -> Answer {
        self.harness.post(&format!("/orders/{id}/cancel")).by(person).json(body).send()
    }

    /// What payments tells about the first attempt to pay for an order.
    pub(crate) fn payment(&self, order_id: OrderId) -> PaymentTold<'_> {
        let zero = Money::zero(Currency::RUB);
        let moved = PaymentMoved {
            payment_id: PaymentId::from_bits(order_id.bits() ^ 1),
            order_id,
            attempt: 1,
            state: PaymentState::Pending,
            amount: zero,
            captured: zero,
            refunded: zero,
            provider: "sandbox".to_owned(),
            at: self.now(),
            version: 1,
        };
        PaymentTold { world: self, moved }
    }

    /// Everything that was published on the topic of `E`, the oldest first.
    pub(crate) fn told<E: Event>(&self) -> Vec<E> {
        let log = eventlog::Log::open(self.harness.store()).unwrap();
        // A transaction that rolled back leaves a gap, which a reader may skip only at its second look.
        log.advance().unwrap();
        log.advance().unwrap();
        let events = log.tail(0, &[E::TOPIC], 1_000).unwrap();
        events.iter().map(|event| event.decode().unwrap()).collect()
    }

    pub(crate) fn assert_clean(&self) {
        let report = self.harness.audit();
        // Events of the last request are still on their way; the log's own suite looks after those.
        let mine: Vec<_> = report.checks.iter().filter(|check| check.service == "orders").collect();
        assert!(!mine.is_empty() && mine.iter().all(|c| c.findings.is_empty() && c.not_made.is_none()), "{report}");
    }
}

pub(crate) fn id_of(order: &Value) -> OrderId {
    order["id"].as_str().unwrap().parse().unwrap()
}

/// Something that payments tells.
pub(crate) struct PaymentTold<'w> {
    world: &'w World,
    pub(crate) moved: PaymentMoved,
}

impl PaymentTold<'_> {
    pub(crate) fn captured(mut self, minor: i64) -> Self {
        self.moved.state = PaymentState::Captured;
        self.moved.captured = Money::new(minor, Currency::RUB).unwrap();
        self.moved.version = 2;
        self
    }

    pub(crate) fn refunded(mut self, captured: i64, minor: i64) -> Self {
        self = self.captured(captured);
        self.moved.refunded = Money::new(minor, Currency::RUB).unwrap();
        let is_all = minor == captured;
        self.moved.state = if is_all { PaymentState::Refunded } else { PaymentState::PartiallyRefunded };
        self.moved.version = 3;
        self
    }

    pub(crate) fn failed(mut self) -> Self {
        self.moved.state = PaymentState::Failed;
        self.moved.version = 2;
        self
    }

    /// By another attempt than the first.
    pub(crate) fn attempt(mut self, number: i64) -> Self {
        self.moved.attempt = number;
        self.moved.payment_id =
            PaymentId::from_bits(self.moved.payment_id.bits() ^ u128::from(number.unsigned_abs()) << 8);
        self
    }

    /// By the barista instead of the bank.
    pub(crate) fn at_counter(mut self) -> Self {
        "counter".clone_into(&mut self.moved.provider);
        self
    }

    pub(crate) fn cancelled(mut self) -> Self {
        self.moved.state = PaymentState::Cancelled;
        self.moved.version = 2;
        self
    }

    pub(crate) fn in_currency(mut self, code: &str) -> Self {
        let currency: Currency = code.parse().unwrap();
        self.moved.captured = Money::new(self.moved.captured.amount(), currency).unwrap();
        self
    }

    pub(crate) fn publish(self) {
        self.world.harness.publish("payments", &self.moved);
    }
}
