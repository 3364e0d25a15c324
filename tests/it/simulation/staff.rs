//! What staff do: make orders, take money, give it back, book stock, change prices.

use serde_json::{Value, json};

use super::day::{Day, rub, text};

impl Day<'_> {
    /// A step of an order, legal or not; mostly the next one of an order on the board.
    pub(super) fn take_an_order_on(&mut self) {
        if self.chance(80) {
            return self.work_at_the_board();
        }
        let Some((_, shop, order)) = self.an_order() else { return };
        let state = ["preparing", "ready", "closed"][self.index(3)];
        self.step_order(shop, &order, state);
    }

    fn work_at_the_board(&mut self) {
        let shop = self.index(self.shops.len());
        let (path, barista) = (format!("/shops/{}/board", self.shops[shop].id), self.shops[shop].barista);
        let Some(board) = self.ask("board", |p| p.get(&path).by(&barista)) else { return };
        let board = board.json();
        for (column, next) in [("to_prepare", "preparing"), ("preparing", "ready"), ("ready", "closed")] {
            let cards = board[column].as_array().unwrap();
            if !cards.is_empty() && self.chance(70) {
                let order = text(&cards[self.index(cards.len())]["order_id"]);
                self.step_order(shop, &order, next);
            }
        }
    }

    pub(super) fn step_order(&mut self, shop: usize, order: &str, state: &str) -> bool {
        let (barista, body) = (self.shops[shop].barista, json!({"state": state}));
        let answer = self.ask("status", |p| p.post(&format!("/orders/{order}/status")).by(&barista).json(&body));
        answer.is_some_and(|answer| answer.status.is_success())
    }

    pub(super) fn cancel_order(&mut self, shop: usize, order: &str) -> bool {
        let (barista, body) = (self.shops[shop].barista, json!({"reason": "given back"}));
        let answer = self.ask("cancel", |p| p.post(&format!("/orders/{order}/cancel")).by(&barista).json(&body));
        answer.is_some_and(|answer| answer.status.is_success())
    }

    /// A payment of a shop as its manager finds it.
    fn a_payment(&mut self, shop: usize, filter: &str) -> Option<Value> {
        let (manager, id) = (self.shops[shop].manager, &self.shops[shop].id);
        let path = format!("/payments?shop_id={id}{filter}&limit=100");
        let payments = self.ask("payments", |p| p.get(&path).by(&manager))?.json();
        let payments = payments["items"].as_array().unwrap();
        if payments.is_empty() { None } else { Some(payments[self.index(payments.len())].clone()) }
    }

    /// The money of an order that is to be paid at the counter, or of any other.
    pub(super) fn receive_at_the_counter(&mut self) {
        let shop = self.index(self.shops.len());
        let filter = if self.chance(80) { "&provider=counter&state=pending" } else { "" };
        let Some(payment) = self.a_payment(shop, filter) else { return };
        let path = format!("/payments/{}/receive", text(&payment["id"]));
        self.keyed_deed("receive", path, json!({"how": "cash"}), shop);
    }

    /// All of the money of a payment, a part, or more than is left; mostly the way that it came, and now and then by hand.
    pub(super) fn refund(&mut self) {
        let shop = self.index(self.shops.len());
        let state = ["captured", "captured", "partially_refunded", "refunded"][self.index(4)];
        let Some(payment) = self.a_payment(shop, &format!("&state={state}")) else { return };
        let captured = payment["captured"]["amount"].as_i64().unwrap().unsigned_abs();
        let amount = if self.chance(20) { captured } else { 1 + self.below(captured) };
        let how = if self.chance(25) { "cash" } else { "provider" };
        let body = json!({"amount": rub(i64::try_from(amount).unwrap()), "how": how, "reason": "the milk was sour"});
        self.keyed_deed("refund", format!("/payments/{}/refunds", text(&payment["id"])), body, shop);
    }

    pub(super) fn book_stock(&mut self) {
        let (shop, product) = (self.index(self.shops.len()), 1 + self.index(2));
        let kind = ["receipt", "receipt", "write_off", "count"][self.index(4)];
        let quantity = i64::try_from(1 + self.below(6)).unwrap();
        self.move_stock(shop, product, kind, quantity);
    }

    pub(super) fn move_stock(&mut self, shop: usize, product: usize, kind: &str, quantity: i64) {
        let body = json!({"shop_id": self.shops[shop].id, "variant_id": self.products[product].variant, "kind": kind,
            "quantity": quantity});
        self.keyed_deed(kind, "/stock/movements".to_owned(), body, shop);
    }

    pub(super) fn keyed_deed(&mut self, what: &str, path: String, body: Value, shop: usize) {
        let key = self.key("deed");
        self.keyed.push((path, key, body, shop));
        self.send_keyed(what, self.keyed.len() - 1);
    }

    /// A request of staff once more, with the same key.
    pub(super) fn send_again(&mut self) {
        if !self.keyed.is_empty() {
            let recent = self.keyed.len().saturating_sub(6);
            self.send_keyed("again", recent + self.index(self.keyed.len() - recent));
        }
    }

    fn send_keyed(&mut self, what: &str, number: usize) {
        let (path, key, body, shop) = self.keyed[number].clone();
        let manager = self.shops[shop].manager;
        let barista = self.shops[shop].barista;
        if path.ends_with("/receive") {
            self.ask(what, |p| p.post(&path).by(&barista).key(&key).json(&body));
        } else {
            self.ask(what, |p| p.post(&path).by(&manager).key(&key).json(&body));
        }
    }

    pub(super) fn change_a_price(&mut self) {
        let product = &self.products[self.index(self.products.len())];
        let (path, sku) = (format!("/products/{}", product.id), format!("{}-m", product.sku));
        let manager = self.shops[0].manager;
        let read = self.ask("product", |p| p.get(&format!("{path}?view=edit")).by(&manager));
        let Some(read) = read else { return };
        let price = rub(i64::try_from(10_000 + self.below(200) * 100).unwrap());
        let body = json!({"variants": [{"sku": sku, "price": price}]});
        let etag = read.header("etag").unwrap().to_owned();
        self.ask("price", |p| p.patch(&path).by(&manager).header("if-match", &etag).json(&body));
    }

    pub(super) fn stop_or_resume(&mut self) {
        let shop = self.index(self.shops.len());
        let product = self.index(self.products.len());
        let path = format!("/shops/{}/stop-list/{}", self.shops[shop].id, self.products[product].id);
        let manager = self.shops[shop].manager;
        if self.chance(30) {
            self.ask("stop", |p| p.put(&path).by(&manager).json(&json!({})));
        } else {
            self.ask("resume", |p| p.delete(&path).by(&manager));
        }
    }
}
