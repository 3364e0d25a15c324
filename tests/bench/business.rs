//! The business under load: one shop, fifty counted things to sell, a hundred and twenty-eight guests who are signed in.

use std::net::SocketAddr;
use std::rc::Rc;

use serde_json::{Value, json};
use testkit::TestDatabase;

use crate::connection::request;
use crate::load::{Closed, Next};
use crate::stage::{Shop, Stage};

const GUESTS: usize = 128;
const VARIANTS: usize = 50;
const PRICE: i64 = 15_000;
const BASE: &str = "/api/v1";

/// What is on offer and who may buy.
pub(crate) struct Business {
    pub(crate) stage: Stage,
    pub(crate) shop: Shop,
    variants: Vec<String>,
    tokens: Vec<String>,
    run: std::cell::Cell<u64>,
}

impl Business {
    /// Opens it. Limits that protect a shop from one guest are out of the way: a hundred guests stand for all.
    pub(crate) fn open(database: &TestDatabase) -> Self {
        let settings = ["orders.unpaid_counter_max=1000000000", "log.level=warn,auth=error"];
        let stage = Stage::new(database, &settings);
        let shop = stage.open_shop(1);
        let variants = (0..VARIANTS).map(|n| sell(&shop, n)).collect();
        let tokens = (0..GUESTS).map(|n| stage.guest(&format!("guest{n}")).token().to_owned()).collect();
        Self { stage, shop, variants, tokens, run: std::cell::Cell::new(0) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.stage.public()
    }

    /// So many callers who place orders: three lines, counted, to be paid at the counter, each under a key of its own.
    pub(crate) fn placements(&self, connections: usize) -> Closed {
        Closed { address: self.address(), connections, good: 201, next: self.next_placement() }
    }

    fn next_placement(&self) -> Next {
        let run = self.run.get();
        self.run.set(run + 1);
        let bodies: Vec<String> = (0..VARIANTS).map(|n| self.basket(n).to_string()).collect();
        let authorizations: Vec<String> = self.tokens.iter().map(|token| format!("Bearer {token}")).collect();
        Rc::new(move |caller, round| {
            let round_index = usize::try_from(round).unwrap();
            let authorization = &authorizations[(caller + round_index) % GUESTS];
            let body = &bodies[(caller * 7 + round_index) % VARIANTS];
            let key = format!("bench-{run:04}-{caller:04}-{round:08}");
            request(
                &format!("POST {BASE}/orders"),
                &[("authorization", authorization), ("idempotency-key", &key)],
                body,
            )
        })
    }

    fn basket(&self, n: usize) -> Value {
        let variant = |step: usize| &self.variants[(n + step * 17) % VARIANTS];
        let line =
            |step: usize, quantity: i64| json!({"variant_id": variant(step), "quantity": quantity, "modifiers": []});
        json!({"shop_id": self.shop.id, "fulfilment": {"kind": "pickup", "at": "asap"},
            "lines": [line(0, 1), line(1, 2), line(2, 1)], "promo_codes": [], "points": 0,
            "expected_total": {"amount": 4 * PRICE, "currency": "RUB"},
            "payment": {"method": "counter", "return_url": null}})
    }
}

/// One more product, of which there is enough.
fn sell(shop: &Shop, n: usize) -> String {
    let name = json!({"ru": format!("Пирог {n}"), "en": format!("Pie {n}")});
    let variant = json!({"sku": format!("pie-{n}-m"), "name": {"ru": "М", "en": "M"}, "price": {"amount": PRICE, "currency": "RUB"}});
    let product = json!({"sku": format!("pie-{n}"), "category": "pies", "name": name, "tracked": true, "variants": [variant],
        "description": {"ru": "Свежий, с утра, с начинкой", "en": "Fresh this morning, with a filling"}});
    let id = shop.manager.post("/products", &product).expect(201)["variants"][0]["id"].as_str().unwrap().to_owned();
    let receipt =
        json!({"shop_id": shop.id, "variant_id": id, "kind": "receipt", "quantity": 1_000_000, "reason": "bench"});
    shop.manager.post_with_key("/stock/movements", &format!("bench-receipt-{n:04}"), &receipt).expect(201);
    id
}
