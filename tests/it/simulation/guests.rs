//! What guests do: order, order the same again, pay in every way, call off, sign in.

use serde_json::{Value, json};
use testkit::Guest;

use super::day::{Acknowledged, Day, GUESTS, Placement, text};

impl Day<'_> {
    /// A quote, and an order of what it said.
    pub(super) fn place(&mut self) {
        let guest = u32::try_from(1 + self.below(GUESTS)).unwrap();
        let shop = self.index(self.shops.len());
        let basket = self.basket(shop);
        let Some(quote) = self.ask("quote", |p| p.post("/orders/quote").by(&Guest(guest)).json(&basket)) else {
            return;
        };
        let quote = quote.json();
        if quote["total"].is_null() {
            return;
        }
        if self.chance(5) {
            self.change_a_price();
        }
        let mut body = basket;
        body["expected_total"] = quote["total"].clone();
        let method = if self.chance(75) { "online" } else { "counter" };
        body["payment"] = json!({"method": method});
        let key = self.key("place");
        self.placements.push(Placement { guest, key, body, shop, answer: None });
        self.send_placement(self.placements.len() - 1);
    }

    fn basket(&mut self, shop: usize) -> Value {
        let lines: Vec<Value> = (0..=self.below(2))
            .map(|_| {
                let product = &self.products[self.index(self.products.len())];
                let milk = if !product.is_tracked && self.chance(40) { json!([{"id": self.milk}]) } else { json!([]) };
                json!({"variant_id": product.variant, "quantity": 1 + self.below(2), "modifiers": milk})
            })
            .collect();
        let at = if self.chance(80) { json!("asap") } else { self.a_slot(shop) };
        json!({"shop_id": self.shops[shop].id, "fulfilment": {"kind": "pickup", "at": at}, "lines": lines})
    }

    fn a_slot(&mut self, shop: usize) -> Value {
        let path = format!("/shops/{}/slots?date=2026-11-21", self.shops[shop].id);
        let slots = self.ask("slots", |p| p.get(&path)).map(|answer| answer.json()["items"].clone());
        let slots = slots.and_then(|items| items.as_array().cloned()).unwrap_or_default();
        let near = slots.len().min(6);
        if near == 0 { json!("asap") } else { slots[self.index(near)]["from"].clone() }
    }

    /// The same request once more: whoever was answered before is answered the same, to the byte.
    pub(super) fn place_again(&mut self) {
        if !self.placements.is_empty() {
            self.send_placement(self.index(self.placements.len()));
        }
    }

    pub(super) fn send_placement(&mut self, number: usize) {
        let Placement { guest, key, body, .. } = &self.placements[number];
        let (guest, key, body) = (Guest(*guest), key.clone(), body.clone());
        let Some(answer) = self.ask("place", |p| p.post("/orders").by(&guest).key(&key).json(&body)) else { return };
        let known = &mut self.placements[number].answer;
        match (answer.status.as_u16(), &*known) {
            (201, None) => *known = Some(Acknowledged { order: text(&answer.json()["id"]), body: answer.body }),
            (201, Some(known)) => assert_eq!(answer.body, known.body, "the same request is answered the same"),
            (status, Some(known)) => {
                panic!("{} was placed, asked again it is {status}: {}", known.order, answer.json())
            }
            (status, None) => assert!(matches!(status, 404 | 409 | 422), "{}", answer.json()),
        }
    }

    /// Some order that its guest knows of: its guest, its shop, its id. Mostly one of the last ones.
    pub(super) fn an_order(&self) -> Option<(Guest, usize, String)> {
        let known: Vec<&Placement> = self.placements.iter().filter(|placement| placement.answer.is_some()).collect();
        if known.is_empty() {
            return None;
        }
        let recent = known.len().saturating_sub(8);
        let from = if self.chance(80) { recent } else { 0 };
        let placement = known[from + self.index(known.len() - from)];
        let order = placement.answer.as_ref().map(|answer| answer.order.clone())?;
        Some((Guest(placement.guest), placement.shop, order))
    }

    /// With a card that pays, or does not, on a page that may be old.
    pub(super) fn pay_at_the_bank(&mut self) {
        let Some((guest, _, order)) = self.an_order() else { return };
        let page = match self.page_of(guest, &order) {
            Some(page) if self.chance(85) => page,
            _ if self.pages.is_empty() => return,
            _ => self.pages[self.index(self.pages.len())].clone(),
        };
        let form = match self.below(20) {
            0..=14 => "card=4242424242424242",
            15..=17 => "card=4000000000000002",
            18 => "card=4100000000000000",
            _ => "card=4200000000000000",
        };
        self.business.at_the_bank(&page, form);
        if self.chance(10) {
            self.business.at_the_bank(&page, "card=4100000000000000&code=000000");
        }
        self.diary.push(form.to_owned());
    }

    /// Another attempt; and the page of the one before is still open in another tab.
    pub(super) fn pay_again(&mut self) {
        let Some((guest, _, order)) = self.an_order() else { return };
        let before = self.page_of(guest, &order);
        let (key, path) = (self.key("again"), format!("/orders/{order}/payments"));
        let method = if self.chance(80) { "online" } else { "counter" };
        let body = json!({"method": method});
        for _ in 0..=self.below(2) {
            self.ask("pay again", |p| p.post(&path).by(&guest).key(&key).json(&body));
        }
        if self.chance(50) {
            self.business.step("payments.tasks");
        }
        let after = self.page_of(guest, &order);
        for page in [after, before].into_iter().flatten() {
            if self.chance(70) {
                self.business.at_the_bank(&page, "card=4242424242424242");
            }
        }
    }

    /// The page where an order can be paid, if there is one.
    fn page_of(&mut self, guest: Guest, order: &str) -> Option<String> {
        let payment = self.ask("payment", |p| p.get(&format!("/orders/{order}/payment")).by(&guest))?;
        let page = payment.json()["payment_url"].as_str().map(str::to_owned);
        self.pages.extend(page.clone());
        page
    }

    pub(super) fn cancel(&mut self) {
        let Some((guest, shop, order)) = self.an_order() else { return };
        let (path, barista) = (format!("/orders/{order}/cancel"), self.shops[shop].barista);
        let body = json!({"reason": "enough"});
        if self.chance(50) {
            self.ask("cancel", |p| p.post(&path).by(&guest).json(&body));
        } else {
            self.ask("staff cancel", |p| p.post(&path).by(&barista).json(&body));
        }
    }

    pub(super) fn register(&mut self, email: &str) {
        let body = json!({"email": email, "password": "щука плыла против течения", "name": "Анна", "language": "ru"});
        let answer = self.ask("register", |p| p.post("/auth/register").json(&body));
        self.tokens.push(text(&answer.unwrap().expect(201).json()["refresh_token"]));
    }

    /// Mostly the last token, sometimes a stolen one.
    pub(super) fn use_a_session(&mut self) {
        let newest = self.tokens.len() - 1;
        let token = self.tokens[if self.chance(80) { newest } else { self.index(self.tokens.len()) }].clone();
        let body = json!({"refresh_token": token});
        let Some(answer) = self.ask("refresh", |p| p.post("/auth/refresh").json(&body)) else { return };
        if answer.status.as_u16() == 200 {
            self.tokens.push(text(&answer.json()["refresh_token"]));
        }
    }

    /// Whatever is read can be read.
    pub(super) fn read(&mut self) {
        let shop = self.index(self.shops.len());
        let (barista, id) = (self.shops[shop].barista, self.shops[shop].id.clone());
        self.ask("board", |p| p.get(&format!("/shops/{id}/board")).by(&barista)).map(|answer| answer.expect(200));
        self.ask("menu", |p| p.get(&format!("/menu?shop_id={id}"))).map(|answer| answer.expect(200));
        let Some((guest, _, order)) = self.an_order() else { return };
        self.ask("order", |p| p.get(&format!("/orders/{order}")).by(&guest)).map(|answer| answer.expect(200));
    }
}
