//! An order paid on the bank's page.

use std::time::Duration;

use contracts::orders::{OrderState, PaymentMethod};
use contracts::payments::{Payable, PayableRequest};
use kernel::{Clock as _, SystemClock};
use serde_json::json;
use testkit::TestDatabase;

use crate::world::{ANNA, BORIS, TOTAL, World, barista, manager};

testkit::both_databases!(
    a_card_on_the_banks_page_pays_the_order,
    a_declined_card_fails_and_the_guest_tries_again,
    before_the_bank_is_asked_there_is_a_payment_without_id_and_page,
    a_reader_who_waits_is_answered_when_the_payment_moves,
    another_guest_sees_no_payment,
    a_guest_is_returned_only_to_an_allowed_host,
    orders_is_told_whether_a_guest_may_return_there,
    a_guest_without_an_address_returns_to_our_own_page,
    trying_again_with_one_key_is_one_attempt,
    an_order_has_so_many_attempts_and_no_more,
    a_guest_who_switches_to_the_counter_cannot_pay_at_the_bank_any_more,
    the_return_address_says_nothing_about_the_payment,
    the_total_is_frozen_when_the_order_is_placed,
    money_that_is_blocked_first_is_captured_when_asked,
    money_that_is_blocked_is_not_taken_for_an_order_that_ended,
    a_page_that_nobody_paid_at_expires,
    every_statement_prepares,
);

fn a_card_on_the_banks_page_pays_the_order(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Online);
    let opened = world.payment(id);
    assert_eq!(
        (&opened["state"], &opened["method"], &opened["provider"]),
        (&json!("pending"), &json!("online"), &json!("sandbox"))
    );

    assert_eq!(world.pay(id, "4242424242424242"), Some(303));
    world.hear("payment.captured");

    let paid = world.payment(id);
    assert_eq!((&paid["state"], &paid["captured"]["amount"]), (&json!("captured"), &json!(TOTAL)));
    assert_eq!(paid["payment_url"], json!(null), "there is nothing left to pay");
    assert_eq!(world.told_states(id), ["created", "pending", "captured"]);
    assert_eq!(
        world.ledger(id),
        [("capture".into(), "bank.sandbox".into(), TOTAL), ("capture".into(), "orders.paid".into(), -TOTAL)]
    );
    world.assert_clean();
}

fn a_declined_card_fails_and_the_guest_tries_again(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Online);
    world.pay(id, "4000000000000002");
    world.hear("payment.declined");
    assert_eq!(world.payment(id)["state"], "failed");

    let again = json!({"method": "online", "return_url": "https://shop.example/again"});
    let path = format!("/orders/{id}/payments");
    let second = world.harness.post(&path).by(&ANNA).key("again").json(&again).send().expect(201).json();
    world.harness.settle();

    assert_eq!(second["attempt"], 2);
    world.pay(id, "4242424242424242");
    world.hear("payment.captured");
    assert_eq!(world.payment(id)["id"], second["id"]);
    assert_eq!(world.payment(id)["state"], "captured");
    let refused = world.harness.post(&path).by(&ANNA).key("once more").json(&again).send();
    assert_eq!(refused.status.as_u16(), 400, "a key has no spaces");
    let refused = world.harness.post(&path).by(&ANNA).key("once-more").json(&again).send().expect(409);
    assert_eq!(refused.code(), "payments.already-paid");
    world.assert_clean();
}

fn before_the_bank_is_asked_there_is_a_payment_without_id_and_page(database: &TestDatabase) {
    let mut world = World::open(database);
    world.fault(&json!({"kind": "down", "probability": 1.0}));
    let id = world.order(PaymentMethod::Online);

    let payment = world.payment(id);

    assert_eq!(
        (&payment["id"], &payment["state"], &payment["payment_url"]),
        (&json!(null), &json!("created"), &json!(null))
    );
    let waited = world.harness.get(&format!("/orders/{id}/payment?wait=50ms")).by(&ANNA).send().expect(200).json();
    assert_eq!(waited["state"], "created");
}

/// A reader who waits for news has it with the commit that brings it, long before the time is over.
fn a_reader_who_waits_is_answered_when_the_payment_moves(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Counter);
    let payment = world.payment(id)["id"].as_str().unwrap().to_owned();
    let path = format!("/orders/{id}/payment");
    let clock = SystemClock::new();

    let begun = clock.elapsed();
    let waits = world.harness.get(&format!("{path}?wait=25s&since=pending")).by(&ANNA).answer();
    let cash = json!({"how": "cash"});
    let receives = async {
        // The one who waits has looked by the time that these are answered.
        for _ in 0..3 {
            world.harness.get(&path).by(&ANNA).answer().await.expect(200);
        }
        let receive = world.harness.post(&format!("/payments/{payment}/receive")).by(&barista()).key("k").json(&cash);
        receive.answer().await.expect(200);
    };
    let (waited, ()) = testkit::runtime().block_on(futures_util::future::join(waits, receives));
    let took = clock.elapsed() - begun;

    assert_eq!(waited.expect(200).json()["state"], "captured");
    assert!(took < Duration::from_secs(15), "it took {took:?}");
}

fn another_guest_sees_no_payment(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Online);
    let path = format!("/orders/{id}/payment");

    assert_eq!(world.harness.get(&path).by(&BORIS).send().expect(404).code(), "payments.unknown-order");
    let again = json!({"method": "counter"});
    let paid = world.harness.post(&format!("{path}s")).by(&BORIS).key("k").json(&again).send().expect(404);
    assert_eq!(paid.code(), "payments.unknown-order");
    world.harness.get(&path).by(&manager()).send().expect(200);
    let elsewhere = testkit::Manager(contracts::ShopId::from_bits(78));
    world.harness.get(&path).by(&elsewhere).send().expect(404);
    world.harness.get(&path).send().expect(401);
    world.harness.get("/orders/ord_nonsense/payment").by(&ANNA).send().expect(404);
    world.harness.get(&format!("{path}?wait=1h")).by(&ANNA).send().expect(422);
    world.harness.get(&format!("{path}?colour=red")).by(&ANNA).send().expect(422);
}

fn a_guest_is_returned_only_to_an_allowed_host(database: &TestDatabase) {
    let mut world = World::open(database);
    let mut placed = world.placed(PaymentMethod::Online, TOTAL);
    placed.return_url = Some("https://evil.example/".to_owned());
    world.harness.publish("orders", &placed);
    world.harness.settle();

    // Orders should not have let it through; if it does, the guest comes back to us.
    let page = world.payment(placed.order_id)["payment_url"].clone();
    let bank = world.at_bank(placed.order_id);
    assert_eq!(bank.len(), 1);
    assert!(page.as_str().unwrap().starts_with(&world.bank_url));
    world.pay(placed.order_id, "4000000000000002");
    world.hear("payment.declined");
    let path = format!("/orders/{}/payments", placed.order_id);
    for bad in [
        "https://evil.example/",
        "javascript:alert(1)",
        "//shop.example",
        "https://shop.example@evil.example",
        "https://shop.example/?card=4242-4242-4242-4242",
    ] {
        let again = json!({"method": "online", "return_url": bad});
        let refused = world.harness.post(&path).by(&ANNA).key("k").json(&again).send().expect(422).json();
        assert_eq!(refused["errors"][0]["pointer"], "/return_url", "{bad}");
    }
    let by_counter = json!({"method": "counter", "return_url": "https://evil.example/"});
    world.harness.post(&path).by(&ANNA).key("counter").json(&by_counter).send().expect(201);
}

fn orders_is_told_whether_a_guest_may_return_there(database: &TestDatabase) {
    let world = World::open(database);
    let fault = |url: &str| {
        let asked = PayableRequest { method: PaymentMethod::Online, return_url: Some(url.to_owned()) };
        world.harness.calls().call_blocking::<Payable>(&asked).unwrap().return_url_fault
    };

    assert_eq!(fault("https://shop.example/thanks"), None);
    assert_eq!(fault("https://evil.example/").as_deref(), Some("names a host that is not allowed"));
    assert_eq!(fault("http://shop.example/").as_deref(), Some("names a host that is not allowed"));
    assert_eq!(fault("https://shop.example/4242424242424242").as_deref(), Some("holds what could be a card number"));
}

fn a_guest_without_an_address_returns_to_our_own_page(database: &TestDatabase) {
    let mut world = World::open(database);
    let mut placed = world.placed(PaymentMethod::Online, TOTAL);
    placed.return_url = None;
    world.harness.publish("orders", &placed);
    world.harness.settle();

    let page = world.payment(placed.order_id)["payment_url"].clone();
    let sent_to = world.sent_to_after(&page, "4242424242424242");

    assert_eq!(sent_to, format!("{}/returned?order={}", world.public_url, placed.order_id));
}

fn trying_again_with_one_key_is_one_attempt(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Online);
    let again = json!({"method": "online"});
    let path = format!("/orders/{id}/payments");

    let first = world.harness.post(&path).by(&ANNA).key("k").json(&again).send().expect(201);
    let second = world.harness.post(&path).by(&ANNA).key("k").json(&again).send().expect(201);
    let other = world.harness.post(&path).by(&ANNA).key("k").json(&json!({"method": "counter"})).send();
    let without = world.harness.post(&path).by(&ANNA).json(&again).send();

    assert_eq!(first.body, second.body);
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    assert_eq!((other.status.as_u16(), without.status.as_u16()), (422, 400));
    assert_eq!(world.payments(id).len(), 2);
}

fn an_order_has_so_many_attempts_and_no_more(database: &TestDatabase) {
    let mut world = World::with(database, &[("payments.attempts_max", "3")]);
    let id = world.order(PaymentMethod::Counter);
    let path = format!("/orders/{id}/payments");
    let again = |key: &str| world.harness.post(&path).by(&ANNA).key(key).json(&json!({"method": "counter"})).send();

    again("a").expect(201);
    again("b").expect(201);
    assert_eq!(again("c").expect(409).code(), "payments.too-many-attempts");
}

fn a_guest_who_switches_to_the_counter_cannot_pay_at_the_bank_any_more(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Online);
    let page = world.payment(id)["payment_url"].clone();

    let path = format!("/orders/{id}/payments");
    world.tick();
    world.harness.post(&path).by(&ANNA).key("k").json(&json!({"method": "counter"})).send().expect(201);
    world.harness.settle();
    world.type_card(&page, "4242424242424242");

    assert_eq!(world.at_bank(id)[0]["state"], "cancelled");
    let states: Vec<_> = world.payments(id).iter().map(|payment| payment["state"].clone()).collect();
    assert_eq!(states, [json!("pending"), json!("cancelled")]);
    world.assert_clean();
}

/// security.md P6: whatever the browser brings back decides nothing.
fn the_return_address_says_nothing_about_the_payment(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Online);

    let forged = world.harness.get(&format!("/orders/{id}/payment?status=success")).by(&ANNA).send();

    assert_eq!(forged.status.as_u16(), 422, "an address has no such parameter");
    assert_eq!(world.payment(id)["state"], "pending");
}

/// security.md P8: a second telling of the order changes nothing about what is paid.
fn the_total_is_frozen_when_the_order_is_placed(database: &TestDatabase) {
    let mut world = World::open(database);
    let mut placed = world.placed(PaymentMethod::Online, TOTAL);
    world.harness.publish("orders", &placed);
    placed.total = crate::world::rub(100);
    placed.version = 2;
    world.harness.publish("orders", &placed);
    world.harness.settle();

    assert_eq!(world.payment(placed.order_id)["amount"]["amount"], TOTAL);
    assert_eq!(world.payments(placed.order_id).len(), 1);
    assert_eq!(world.at_bank(placed.order_id)[0]["amount"]["amount"], TOTAL);
}

fn money_that_is_blocked_first_is_captured_when_asked(database: &TestDatabase) {
    let mut world = World::with(database, &[("payments.capture", "manual")]);
    let (kept, ended) = (world.order(PaymentMethod::Online), world.order(PaymentMethod::Online));
    world.pay(kept, "4242424242424242");
    world.pay(ended, "4242424242424242");
    world.order_goes(ended, OrderState::Expired, 2, false);

    world.hear("payment.authorized");
    world.clock.advance(std::time::Duration::from_secs(60));
    world.harness.settle();

    assert_eq!(world.payment(kept)["state"], "captured");
    assert_eq!(world.told_states(kept), ["created", "pending", "authorized", "captured"]);
    assert_eq!(world.payment(ended)["state"], "cancelled");
    assert_eq!(world.at_bank(ended)[0]["captured"]["amount"], 0);
    world.assert_clean();
}

/// The capture was asked for and the bank was away; the order ended meanwhile.
fn money_that_is_blocked_is_not_taken_for_an_order_that_ended(database: &TestDatabase) {
    let mut world = World::with(database, &[("payments.capture", "manual"), ("payments.ask_after", "1h")]);
    let id = world.order(PaymentMethod::Online);
    world.pay(id, "4242424242424242");
    world.cut_off("/capture");
    world.hear("payment.authorized");
    assert_eq!(world.payment(id)["state"], "authorized");
    world.order_goes(id, OrderState::Expired, 2, false);

    world.silence(None);
    for _ in 0..10 {
        world.harness.pass(std::time::Duration::from_secs(30));
    }

    assert_eq!(world.payment(id)["state"], "cancelled");
    assert_eq!(world.at_bank(id)[0]["captured"]["amount"], 0);
    assert_eq!(world.told_states(id), ["created", "pending", "authorized", "cancelled"]);
}

fn a_page_that_nobody_paid_at_expires(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Online);

    world.clock.advance(std::time::Duration::from_secs(901));
    world.hear("payment.expired");

    assert_eq!(world.payment(id)["state"], "expired");
    world.assert_clean();
}

fn every_statement_prepares(database: &TestDatabase) {
    let mut world = World::open(database);

    world.harness.platform().prepare_all().unwrap();
}
