//! Money on its way back through the bank.

use std::time::Duration;

use contracts::orders::OrderState;
use serde_json::json;
use testkit::{Manager, TestDatabase};

use crate::world::{ANNA, TOTAL, World, barista, manager};

testkit::both_databases!(
    a_refund_in_parts_ends_refunded,
    more_than_was_captured_is_never_given_back,
    a_refund_asked_for_twice_is_made_once,
    only_the_manager_of_the_shop_gives_money_back,
    lines_are_kept,
    lines_that_were_not_sold_are_refused,
    restocking_is_refused_until_there_is_some,
    a_refund_that_the_bank_takes_its_time_with_ends_by_itself,
    a_refund_whose_answer_is_lost_is_made_once,
    a_closed_account_frees_the_money_and_calls_a_person,
    an_ended_order_gets_all_that_is_left,
    bad_refunds_are_refused_with_every_fault,
);

fn a_refund_in_parts_ends_refunded(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, payment) = world.paid_order();

    for (key, minor, state) in
        [("a", 20_000, "partially_refunded"), ("b", 12_000, "partially_refunded"), ("c", 30_000, "refunded")]
    {
        world.tick();
        assert_eq!(world.refund(&payment, key, minor).expect(201).json()["state"], "pending");
        assert_eq!(world.payment(id)["refund_pending"]["amount"], minor);
        world.harness.settle();
        assert_eq!(world.payment(id)["state"], state);
    }

    let refunds: Vec<_> = world.ledger(id)[2..].iter().map(|(kind, _, minor)| (kind.clone(), *minor)).collect();
    assert_eq!(refunds.iter().map(|(_, minor)| minor).sum::<i64>(), 0, "the ledger sums to nothing");
    assert_eq!(refunds.len(), 6);
    assert_eq!(world.at_bank(id)[0]["refunded"]["amount"], TOTAL);
    assert_eq!(
        world.told_states(id),
        ["created", "pending", "captured", "partially_refunded", "partially_refunded", "refunded"]
    );
    world.assert_clean();
}

fn more_than_was_captured_is_never_given_back(database: &TestDatabase) {
    let mut world = World::open(database);
    let (_, payment) = world.paid_order();

    world.refund(&payment, "a", 60_000).expect(201);
    let refused = world.refund(&payment, "b", 2_001).expect(409);

    assert_eq!(refused.code(), "payments.refund-exceeds-captured");
    assert_eq!(refused.json()["refundable"], json!({"amount": 2_000, "currency": "RUB"}));
    world.refund(&payment, "c", 2_000).expect(201);
    world.harness.settle();
    assert_eq!(world.refund(&payment, "d", 1).expect(409).json()["refundable"]["amount"], 0);
    world.assert_clean();
}

fn a_refund_asked_for_twice_is_made_once(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, payment) = world.paid_order();

    let first = world.refund(&payment, "k", 10_000).expect(201);
    let second = world.refund(&payment, "k", 10_000).expect(201);
    let other = world.refund(&payment, "k", 10_001).expect(422);
    world.harness.settle();

    assert_eq!(first.body, second.body);
    assert_eq!(other.code(), "http.idempotency-key-reused");
    assert_eq!(world.at_bank(id)[0]["refunds"].as_array().unwrap().len(), 1);
}

fn only_the_manager_of_the_shop_gives_money_back(database: &TestDatabase) {
    let mut world = World::open(database);
    let (_, payment) = world.paid_order();
    let path = format!("/payments/{payment}/refunds");
    let ask = json!({"amount": {"amount": 1, "currency": "RUB"}, "reason": "r"});
    let elsewhere = Manager(contracts::ShopId::from_bits(78));

    for refused in [
        world.harness.post(&path).by(&elsewhere).key("k").json(&ask).send(),
        world.harness.post(&path).by(&barista()).key("k").json(&ask).send(),
        world.harness.post(&path).by(&ANNA).key("k").json(&ask).send(),
    ] {
        assert_eq!(refused.expect(404).code(), "payments.unknown-payment");
    }
    world.harness.get(&format!("/payments/{payment}")).by(&elsewhere).send().expect(404);
    for path in ["/payments", "/ledger"] {
        let page = world.harness.get(path).by(&elsewhere).send().expect(200).json();
        assert_eq!(page["items"], json!([]), "{path}");
    }
    let asked = format!("/payments?shop_id={}", crate::world::shop());
    assert_eq!(world.harness.get(&asked).by(&elsewhere).send().expect(200).json()["items"], json!([]));
    assert_eq!(world.harness.get(&asked).by(&testkit::Admin).send().expect(200).json()["items"][0]["id"], payment);
    world.harness.post(&path).by(&manager()).json(&ask).send().expect(400);
}

fn lines_are_kept(database: &TestDatabase) {
    let mut world = World::open(database);
    let (_, payment) = world.paid_order();
    let line = contracts::OrderLineId::from_bits(2);
    let ask = json!({"amount": {"amount": 31_000, "currency": "RUB"}, "lines": [{"line_id": line, "quantity": 1}],
                     "restock": false, "reason": "guest 4242424242424242 changed her mind"});

    world.harness.post(&format!("/payments/{payment}/refunds")).by(&manager()).key("k").json(&ask).send().expect(201);

    let kept = world.detail(&payment)["refunds"][0].clone();
    assert_eq!(kept["lines"], json!([{"line_id": line, "quantity": 1}]));
    assert_eq!(kept["reason"], "guest **** 4242 changed her mind");
}

fn lines_that_were_not_sold_are_refused(database: &TestDatabase) {
    let mut world = World::open(database);
    let (_, payment) = world.paid_order();
    let (of_one, of_three) = (contracts::OrderLineId::from_bits(1), contracts::OrderLineId::from_bits(2));
    let refund = |key: &str, lines: &serde_json::Value| {
        let ask = json!({"amount": {"amount": 100, "currency": "RUB"}, "lines": lines, "reason": "r"});
        world.harness.post(&format!("/payments/{payment}/refunds")).by(&manager()).key(key).json(&ask).send()
    };
    let pointers = |answer: testkit::Answer| -> Vec<String> {
        let body = answer.expect(422).json();
        assert_eq!(body["code"], "payments.invalid-lines");
        body["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap().to_owned()).collect()
    };

    refund("a", &json!([{"line_id": of_three, "quantity": 2}])).expect(201);
    let stranger = contracts::OrderLineId::from_bits(9);
    let wrong = refund("b", &json!([{"line_id": stranger, "quantity": 1}, {"line_id": of_one, "quantity": 2}]));
    let again = refund("c", &json!([{"line_id": of_three, "quantity": 2}]));
    let split = refund("d", &json!([{"line_id": of_one, "quantity": 1}, {"line_id": of_one, "quantity": 1}]));

    assert_eq!(pointers(wrong), ["/lines/0/line_id", "/lines/1/quantity"]);
    assert_eq!(pointers(again), ["/lines/0/quantity"], "two of the three went back already");
    assert_eq!(pointers(split), ["/lines/1/quantity"]);
    refund("e", &json!([{"line_id": of_three, "quantity": 1}, {"line_id": of_one, "quantity": 1}])).expect(201);
}

fn restocking_is_refused_until_there_is_some(database: &TestDatabase) {
    let mut world = World::open(database);
    let (_, payment) = world.paid_order();
    let ask = json!({"amount": {"amount": 1, "currency": "RUB"}, "restock": true, "reason": "r"});

    let refused = world.harness.post(&format!("/payments/{payment}/refunds")).by(&manager()).key("k").json(&ask).send();

    let refused = refused.expect(422).json();
    assert_eq!(
        (&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]),
        (&json!("/restock"), &json!("unavailable"))
    );
}

fn a_refund_that_the_bank_takes_its_time_with_ends_by_itself(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, payment) = world.paid_order();
    world.fault(&json!({"kind": "late", "probability": 1.0, "delay_ms": 3_600_000}));
    world.fault(&json!({"kind": "lost", "probability": 1.0}));

    world.refund(&payment, "k", TOTAL).expect(201);
    world.harness.settle();
    assert_eq!(world.detail(&payment)["refunds"][0]["state"], "pending");
    world.no_faults();
    world.bank.as_ref().unwrap().books().settle().unwrap();
    world.harness.pass(Duration::from_secs(60));

    assert_eq!(world.payment(id)["state"], "refunded", "the callback was lost; the bank was asked");
    world.assert_clean();
}

/// security.md P13: the bank did it and never said so.
fn a_refund_whose_answer_is_lost_is_made_once(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, payment) = world.paid_order();
    world.fault(&json!({"kind": "charged_then_timeout", "probability": 1.0}));

    world.refund(&payment, "k", 10_000).expect(201);
    world.harness.settle();
    assert_eq!(world.detail(&payment)["refunds"][0]["state"], "unknown");
    assert_eq!(world.refund(&payment, "l", TOTAL).expect(409).json()["refundable"]["amount"], TOTAL - 10_000);
    world.no_faults();
    world.harness.pass(Duration::from_secs(60));

    assert_eq!(world.detail(&payment)["refunds"][0]["state"], "succeeded");
    assert_eq!(world.at_bank(id)[0]["refunded"]["amount"], 10_000);
    assert_eq!(world.ledger(id).len(), 4);
    world.assert_clean();
}

fn a_closed_account_frees_the_money_and_calls_a_person(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(contracts::orders::PaymentMethod::Online);
    world.pay(id, "4300000000000000");
    world.hear("payment.captured");
    let payment = world.payment(id)["id"].as_str().unwrap().to_owned();

    world.refund(&payment, "k", 10_000).expect(201);
    world.harness.settle();

    let detail = world.detail(&payment);
    assert_eq!((&detail["refunds"][0]["state"], &detail["alarm"]), (&json!("failed"), &json!("refund_failed")));
    assert_eq!((&detail["state"], &detail["refund_pending"]["amount"]), (&json!("captured"), &json!(0)));
    let alarmed = world.harness.get("/payments?alarmed=true").by(&manager()).send().expect(200).json();
    assert_eq!(alarmed["items"].as_array().unwrap().len(), 1);
    world.assert_clean();
}

fn an_ended_order_gets_all_that_is_left(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, payment) = world.paid_order();
    world.refund(&payment, "k", 20_000).expect(201);

    world.order_goes(id, OrderState::Cancelled, 3, true);
    let told = crate::told::update(id, OrderState::Cancelled, 4, true, kernel::Clock::now(&world.clock));
    world.harness.publish("orders", &told);
    world.harness.settle();

    let detail = world.detail(&payment);
    assert_eq!((&detail["state"], &detail["refunded"]["amount"]), (&json!("refunded"), &json!(TOTAL)));
    assert_eq!(detail["refunds"].as_array().unwrap().len(), 2, "told again, nothing is left to give back");
    assert_eq!(world.at_bank(id)[0]["refunded"]["amount"], TOTAL);
    world.assert_clean();
}

fn bad_refunds_are_refused_with_every_fault(database: &TestDatabase) {
    let mut world = World::open(database);
    let (_, payment) = world.paid_order();
    let path = format!("/payments/{payment}/refunds");
    let send = |body| world.harness.post(&path).by(&manager()).key("k").json(&body).send();

    let faults = send(json!({"amount": {"amount": -5, "currency": "RUB"}, "reason": " ",
        "lines": [{"line_id": contracts::OrderLineId::from_bits(1), "quantity": 0}]}))
    .expect(422)
    .json();
    let pointers: Vec<_> = faults["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].clone()).collect();
    for wanted in ["/amount/amount", "/reason", "/lines/0/quantity"] {
        assert!(pointers.contains(&json!(wanted)), "{wanted} is missing in {pointers:?}");
    }
    let dollars = send(json!({"amount": {"amount": 5, "currency": "USD"}, "reason": "r"})).expect(422);
    assert_eq!(dollars.code(), "payments.wrong-currency");
    assert_eq!(dollars.json()["errors"][0]["pointer"], "/amount/currency");
    send(json!({"amount": {"amount": 5, "currency": "RUB"}, "reason": "r", "state": "succeeded"})).expect(422);
    send(json!({"amount": {"amount": 1.5, "currency": "RUB"}, "reason": "r"})).expect(422);
    world.assert_clean();
}
