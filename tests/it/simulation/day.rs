//! The day: who is there, what is remembered of it, and what happens next.

use std::io::Write as _;

use kernel::Rng as _;
use samovar::roles::SERVICES;
use serde_json::{Value, json};
use service::Mount;
use testkit::{Admin, Answer, Barista, Manager, SeededRng, ServiceHarness, TestDatabase, TestRequest};

use super::business::Business;

pub(super) const GUESTS: u64 = 4;

/// A shop and what can be bought in it.
pub(super) struct Shop {
    pub(super) id: String,
    pub(super) manager: Manager,
    pub(super) barista: Barista,
}

/// A product with one variant.
pub(super) struct Product {
    pub(super) sku: &'static str,
    pub(super) id: String,
    pub(super) variant: String,
    pub(super) is_tracked: bool,
}

/// A placement that somebody asked for, and what came of it as far as they know.
pub(super) struct Placement {
    pub(super) guest: u32,
    pub(super) key: String,
    pub(super) body: Value,
    pub(super) shop: usize,
    pub(super) answer: Option<Acknowledged>,
}

/// An order that its guest was told of.
#[derive(Clone)]
pub(super) struct Acknowledged {
    pub(super) order: String,
    pub(super) body: Vec<u8>,
}

/// Everything of one run.
pub(super) struct Day<'d> {
    pub(super) business: Business<'d>,
    rng: SeededRng,
    pub(super) shops: Vec<Shop>,
    pub(super) products: Vec<Product>,
    pub(super) milk: String,
    pub(super) placements: Vec<Placement>,
    /// Every page of the bank that was ever seen.
    pub(super) pages: Vec<String>,
    /// Requests that staff sent with a key, to be sent again.
    pub(super) keyed: Vec<(String, String, Value, usize)>,
    /// Refresh tokens that were ever handed out.
    pub(super) tokens: Vec<String>,
    keys: u32,
    /// What happened, in a word each.
    pub(super) diary: Vec<String>,
}

impl<'d> Day<'d> {
    pub(super) fn begin(database: &'d TestDatabase, seed: u64) -> Self {
        Self::begin_with(database, seed, SERVICES.to_vec())
    }

    /// With these services.
    pub(super) fn begin_with(database: &'d TestDatabase, seed: u64, mounts: Vec<Mount>) -> Self {
        let mut day = Self {
            business: Business::open(database, seed, mounts),
            rng: SeededRng::new(seed),
            shops: Vec::new(),
            products: Vec::new(),
            milk: String::new(),
            placements: Vec::new(),
            pages: Vec::new(),
            keyed: Vec::new(),
            tokens: Vec::new(),
            keys: 0,
            diary: Vec::new(),
        };
        day.furnish();
        day
    }

    pub(super) fn below(&self, bound: u64) -> u64 {
        self.rng.next_u64() % bound
    }

    pub(super) fn index(&self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).expect("an index")
    }

    /// In so many of a hundred.
    pub(super) fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(super) fn key(&mut self, kind: &str) -> String {
        self.keys += 1;
        format!("{kind}-{:08}", self.keys)
    }

    /// Asks, and writes into the diary what came.
    pub(super) fn ask<F>(&mut self, what: &str, request: F) -> Option<Answer>
    where
        F: for<'h> FnOnce(&'h ServiceHarness) -> TestRequest<'h>,
    {
        let answer = self.business.ask(request);
        let came = answer.as_ref().map_or_else(|| "death".to_owned(), |answer| answer.status.as_u16().to_string());
        self.diary.push(format!("{what} {came}"));
        answer
    }

    /// Two shops that never close, one with few places in its slots; coffee that is made and cakes that are counted.
    fn furnish(&mut self) {
        for (name, capacity) in [("Kettle", json!(null)), ("Samovar", json!(4))] {
            let shop = json!({"name": name, "address": "Tverskaya 7", "lat": 55.7579, "lon": 37.6112,
                "time_zone": "Europe/Moscow", "currency": "RUB", "lead_time_min": 5, "hours": [], "closed_days": [],
                "slot_minutes": 10, "slot_capacity": capacity});
            let made = self.ask("shop", |p| p.post("/shops").by(&Admin).json(&shop)).unwrap().expect(201).json();
            let id = text(&made["id"]);
            let typed = id.parse().unwrap();
            self.shops.push(Shop { id, manager: Manager(typed), barista: Barista(typed) });
        }
        let milk = json!({"slug": "milk", "name": {"ru": "Молоко", "en": "Milk"}, "min": 0, "max": 1,
            "modifiers": [{"slug": "oat", "name": {"ru": "Овсяное", "en": "Oat"}, "price": rub(6_000)}]});
        let milk = self.ask("milk", |p| p.post("/modifier-groups").by(&Admin).json(&milk)).unwrap();
        self.milk = text(&milk.expect(201).json()["modifiers"][0]["id"]);
        for (sku, is_tracked, price) in [("latte", false, 25_000), ("cake", true, 30_000), ("pie", true, 19_999)] {
            let groups = if is_tracked { json!([]) } else { json!(["milk"]) };
            let body = json!({"sku": sku, "category": "menu", "name": {"ru": sku, "en": sku}, "tracked": is_tracked,
                "modifier_groups": groups,
                "variants": [{"sku": format!("{sku}-m"), "name": {"ru": "М", "en": "M"}, "price": rub(price)}]});
            let made = self.ask(sku, |p| p.post("/products").by(&Admin).json(&body)).unwrap().expect(201).json();
            let (id, variant) = (text(&made["id"]), text(&made["variants"][0]["id"]));
            self.products.push(Product { sku, id, variant, is_tracked });
        }
        for shop in 0..self.shops.len() {
            self.move_stock(shop, 1, "receipt", 6);
            self.move_stock(shop, 2, "receipt", 3);
        }
        self.register("anna@guests.example");
    }

    /// One thing happens.
    pub(super) fn happen(&mut self) {
        match self.below(100) {
            0..=9 => self.place(),
            10..=12 => self.place_again(),
            13..=23 => self.pay_at_the_bank(),
            24..=25 => self.pay_again(),
            26..=28 => self.receive_at_the_counter(),
            29..=30 => self.cancel(),
            31..=36 => self.take_an_order_on(),
            37..=40 => self.refund(),
            41 => self.send_again(),
            42..=43 => self.book_stock(),
            44 => self.change_a_price(),
            45 => self.stop_or_resume(),
            46 => self.use_a_session(),
            47 => self.read(),
            48..=50 => self.change_the_weather(),
            51..=54 => self.time_passes(),
            55..=57 => self.end_of_the_process(),
            58..=59 => self.deliver_again(),
            60..=67 => self.bank_calls_back(),
            _ => self.somebody_works(),
        }
    }
}

/// A day that ends badly tells its last hours.
impl Drop for Day<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let from = self.diary.len().saturating_sub(60);
            let _ = writeln!(std::io::stderr(), "{:#?}", &self.diary[from..]);
        }
    }
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

pub(super) fn rub(minor: i64) -> Value {
    json!({"amount": minor, "currency": "RUB"})
}
