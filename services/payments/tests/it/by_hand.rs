//! Money that goes back past the bank: staff hand it over from the till, and say so.

use std::time::Duration;

use contracts::OrderId;
use contracts::orders::{OrderState, PaymentMethod};
use serde_json::{Value, json};
use testkit::{Answer, TestDatabase};

use crate::world::{Callback, TOTAL, World, assert_nothing_waits, barista, manager, rub};

testkit::both_databases!(
    what_the_bank_refuses_for_good_is_settled_from_the_till,
    stray_money_that_the_bank_keeps_is_settled_from_the_till,
    a_part_is_handed_over_and_the_bank_gives_back_the_rest,
    no_more_is_handed_over_than_is_left,
    asked_for_twice_it_is_handed_over_once,
    what_the_bank_says_afterwards_changes_nothing,
    the_bank_is_still_asked_about_what_it_owes,
    a_refund_behind_our_back_is_named_beside_money_from_the_till,
    money_of_the_terminal_may_be_handed_over_from_the_till,
    an_unknown_way_back_is_refused_by_its_place,
    refunds_of_an_earlier_version_took_the_way_of_the_money,
);

const CLOSED_ACCOUNT: &str = "4300000000000000";

fn hand_over(world: &World, payment: &str, key: &str, minor: i64) -> Answer {
    world
        .harness
        .post(&format!("/payments/{payment}/refunds"))
        .by(&manager())
        .key(key)
        .json(&json!({"amount": rub(minor), "how": "cash", "reason": "the bank refuses"}))
        .send()
}

/// What the refunds of an order took from where.
fn taken_from(world: &World, id: OrderId) -> Vec<(String, i64)> {
    let given = world.ledger(id).into_iter().filter(|(kind, _, minor)| kind == "refund" && *minor < 0);
    given.map(|(_, account, minor)| (account, -minor)).collect()
}

fn ways(detail: &Value) -> Vec<(&str, &str)> {
    let refunds = detail["refunds"].as_array().unwrap().iter();
    refunds.map(|refund| (refund["how"].as_str().unwrap(), refund["state"].as_str().unwrap())).collect()
}

fn given_back_by_the_bank(world: &World, id: OrderId) -> i64 {
    world.at_bank(id)[0]["refunded"]["amount"].as_i64().unwrap()
}

fn trail(world: &World) -> Vec<String> {
    store::statements! {
        /// What was written of refunds.
        REFUNDS = "SELECT state_after FROM audit_trail WHERE action = 'payments.refund' ORDER BY recorded_at";
    }
    world.harness.db().read_blocking(|snapshot| snapshot.list(&REFUNDS, &[], |row| row.get(0))).unwrap()
}

fn what_the_bank_refuses_for_good_is_settled_from_the_till(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Online);
    world.pay(id, CLOSED_ACCOUNT);
    world.hear("payment.captured");
    world.order_goes(id, OrderState::Cancelled, 3, true);
    let payment = world.payment(id)["id"].as_str().unwrap().to_owned();
    assert_eq!(world.detail(&payment)["alarm"], "refund_failed");
    world.tick();

    let answer = hand_over(&world, &payment, "k", TOTAL).expect(201).json();

    assert_eq!((&answer["how"], &answer["state"]), (&json!("cash"), &json!("succeeded")));
    let detail = world.detail(&payment);
    assert_eq!((&detail["state"], &detail["alarm"]), (&json!("refunded"), &json!(null)));
    assert_eq!(ways(&detail), [("provider", "failed"), ("cash", "succeeded")]);
    assert_eq!(taken_from(&world, id), [("till.cash".to_owned(), TOTAL)]);
    assert_eq!(world.told_states(id), ["created", "pending", "captured", "refunded"]);
    let trail = trail(&world);
    assert!(trail.len() == 1 && trail[0].contains(r#""how":"cash""#), "{trail:?}");
    world.harness.settle();
    assert_eq!(given_back_by_the_bank(&world, id), 0, "it was not asked again");
    world.assert_clean();
}

/// It counts for no order, and so comes out of another account than what guests paid for theirs.
fn stray_money_that_the_bank_keeps_is_settled_from_the_till(database: &TestDatabase) {
    let mut world = World::open(database);
    world.fault(&json!({"kind": "wrong_amount", "probability": 1.0}));
    let id = world.order(PaymentMethod::Online);
    world.pay(id, CLOSED_ACCOUNT);
    world.hear("payment.captured");
    let stray = world.payments(id)[0].clone();
    let (payment, captured) = (stray["id"].as_str().unwrap(), stray["captured"]["amount"].as_i64().unwrap());
    assert_eq!((&stray["state"], &stray["alarm"]), (&json!("failed"), &json!("refund_failed")));
    world.tick();

    hand_over(&world, payment, "k", captured).expect(201);

    let detail = world.detail(payment);
    assert_eq!((&detail["state"], &detail["alarm"]), (&json!("refunded"), &json!(null)));
    assert_eq!(
        world.ledger(id)[2..],
        [
            ("stray_return".into(), "unaccepted".into(), captured),
            ("stray_return".into(), "till.cash".into(), -captured)
        ]
    );
    world.assert_clean();
}

fn a_part_is_handed_over_and_the_bank_gives_back_the_rest(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, payment) = world.paid_order();

    hand_over(&world, &payment, "k", 10_000).expect(201);
    assert_eq!(world.payment(id)["state"], "partially_refunded");
    world.assert_clean();
    world.tick();
    world.order_goes(id, OrderState::Cancelled, 3, true);

    assert_eq!(world.payment(id)["state"], "refunded");
    assert_eq!(given_back_by_the_bank(&world, id), TOTAL - 10_000);
    assert_eq!(taken_from(&world, id), [("till.cash".to_owned(), 10_000), ("bank.sandbox".to_owned(), TOTAL - 10_000)]);
    world.assert_clean();
}

fn no_more_is_handed_over_than_is_left(database: &TestDatabase) {
    let mut world = World::open(database);
    let (_, payment) = world.paid_order();
    world.refund(&payment, "a", 60_000).expect(201);

    let refused = hand_over(&world, &payment, "b", 2_001).expect(409);

    assert_eq!(refused.code(), "payments.refund-exceeds-captured");
    assert_eq!(refused.json()["refundable"], json!(rub(2_000)));
    hand_over(&world, &payment, "c", 2_000).expect(201);
    world.harness.settle();
    assert_eq!(hand_over(&world, &payment, "d", 1).expect(409).json()["refundable"], json!(rub(0)));
    world.assert_clean();
}

fn asked_for_twice_it_is_handed_over_once(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, payment) = world.paid_order();

    let first = hand_over(&world, &payment, "k", 10_000).expect(201);
    let second = hand_over(&world, &payment, "k", 10_000).expect(201);
    let otherwise = json!({"amount": rub(10_000), "how": "provider", "reason": "the bank refuses"});
    let path = format!("/payments/{payment}/refunds");
    let other = world.harness.post(&path).by(&manager()).key("k").json(&otherwise).send().expect(422);

    assert_eq!(first.body, second.body);
    assert_eq!(other.code(), "http.idempotency-key-reused");
    assert_eq!(world.payment(id)["refunded"]["amount"], 10_000);
    assert_eq!(taken_from(&world, id), [("till.cash".to_owned(), 10_000)]);
}

/// MON-9: to the bank the money is still captured.
fn what_the_bank_says_afterwards_changes_nothing(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Online);
    world.pay(id, "4242424242424242");
    let came = world.callbacks("payment.captured");
    came.iter().for_each(|callback| drop(world.call_back(callback).expect(200)));
    world.harness.settle();
    let payment = world.payment(id)["id"].as_str().unwrap().to_owned();
    hand_over(&world, &payment, "k", TOTAL).expect(201);
    let before = world.detail(&payment);

    world.tick();
    for (number, callback) in came.iter().enumerate() {
        let mut body: Value = serde_json::from_str(&callback.body).unwrap();
        body["id"] = json!(format!("evt_late{number}"));
        world.call_back(&Callback::signed(&body, &world.clock)).expect(200);
    }
    world.harness.pass(Duration::from_secs(600));

    assert_eq!(world.detail(&payment), before);
    assert_eq!(world.told_states(id), ["created", "pending", "captured", "refunded"]);
    assert_nothing_waits(&world.harness);
}

/// What is handed over does not end the questions about what is on its way through the bank.
fn the_bank_is_still_asked_about_what_it_owes(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, payment) = world.paid_order();
    world.fault(&json!({"kind": "late", "probability": 1.0, "delay_ms": 3_600_000}));
    world.fault(&json!({"kind": "lost", "probability": 1.0}));
    world.refund(&payment, "a", 10_000).expect(201);
    world.harness.settle();

    hand_over(&world, &payment, "b", TOTAL - 10_000).expect(201);
    assert_eq!(world.payment(id)["state"], "partially_refunded");
    world.no_faults();
    world.bank.as_ref().unwrap().books().settle().unwrap();
    world.harness.pass(Duration::from_secs(60));

    assert_eq!(world.payment(id)["state"], "refunded", "the callback was lost; the bank was asked");
    assert_eq!(given_back_by_the_bank(&world, id), 10_000);
    world.assert_clean();
}

/// MON-8: the same sum, so that only the ways differ.
fn a_refund_behind_our_back_is_named_beside_money_from_the_till(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, payment) = world.paid_order();
    hand_over(&world, &payment, "k", 10_000).expect(201);
    world.assert_clean();
    let reference = world.at_bank(id)[0]["id"].as_str().unwrap().to_owned();

    let ask = json!({"amount": rub(10_000), "reference": "by hand"}).to_string();
    let url = format!("{}/v1/payments/{reference}/refunds", world.bank_url);
    ureq::post(url).header("idempotency-key", "by hand").send(ask.as_bytes()).unwrap();

    let findings = world.findings();
    let named = format!("MON-8 payment {payment}: has taken 62000 and given back 0 RUB; the bank says 62000 and 10000");
    assert!(findings.len() == 1 && findings[0].starts_with(&named), "{findings:?}");
}

fn money_of_the_terminal_may_be_handed_over_from_the_till(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Counter);
    let payment = world.payment(id)["id"].as_str().unwrap().to_owned();
    let terminal = json!({"how": "terminal", "reference": "128735120934"});
    let path = format!("/payments/{payment}/receive");
    world.harness.post(&path).by(&barista()).key("k").json(&terminal).send().expect(200);

    for hand in [true, false] {
        world.tick();
        let answer =
            if hand { hand_over(&world, &payment, "a", 10_000) } else { world.refund(&payment, "b", TOTAL - 10_000) };
        assert_eq!(answer.expect(201).json()["state"], "succeeded");
    }

    assert_eq!(
        taken_from(&world, id),
        [("till.cash".to_owned(), 10_000), ("till.terminal".to_owned(), TOTAL - 10_000)]
    );
    assert_eq!(world.payment(id)["state"], "refunded");
    world.assert_clean();
}

fn an_unknown_way_back_is_refused_by_its_place(database: &TestDatabase) {
    let mut world = World::open(database);
    let (_, payment) = world.paid_order();
    let path = format!("/payments/{payment}/refunds");

    for how in [json!("gold"), json!("Cash"), json!(null), json!(1)] {
        let ask = json!({"amount": rub(5), "how": how, "reason": "r"});
        let refused = world.harness.post(&path).by(&manager()).key("k").json(&ask).send().expect(422).json();
        let errors = refused["errors"].as_array().unwrap();
        assert!(!errors.is_empty() && errors.iter().all(|error| error["pointer"] == "/how"), "{how}: {refused}");
    }
    assert_eq!(world.refund(&payment, "k", 5).expect(201).json()["how"], "provider");
}

fn refunds_of_an_earlier_version_took_the_way_of_the_money(database: &TestDatabase) {
    store::statements! {
        /// An order of an earlier version.
        ORDER = "INSERT INTO payment_orders (order_id, guest_id, shop_id, total_minor, currency, placed_at, lines) \
            VALUES ('ord_1', 'usr_1', 'shp_1', 5, 'RUB', 0, '[]')";
        /// Its payment.
        PAYMENT = "INSERT INTO payments (id, order_id, shop_id, guest_id, attempt, provider, state, currency, amount_minor, \
            authorized_minor, captured_minor, refunded_minor, refund_pending_minor, cancel_wanted, asks, version, \
            created_at, updated_at) \
            VALUES ('pay_1', 'ord_1', 'shp_1', 'usr_1', 1, 'sandbox', 'refunded', 'RUB', 5, 5, 5, 5, 0, 0, 0, 1, 0, 0)";
        /// Its refund.
        REFUND = "INSERT INTO refunds (id, payment_id, currency, amount_minor, state, source, reason, created_at, \
            updated_at) VALUES ('rfd_1', 'pay_1', 'RUB', 5, 'succeeded', 'test', 'test', 0, 0)";
        /// How refunds went back.
        HOW = "SELECT how FROM refunds";
        /// A way that there is not.
        GOLD = "UPDATE refunds SET how = 'gold'";
    }
    let earlier = database.open().db("payments", &payments::MIGRATIONS[..3]).unwrap();
    let rows = [&ORDER, &PAYMENT, &REFUND];
    earlier.write_blocking(move |tx| rows.iter().try_for_each(|row| tx.execute(row, &[]).map(drop))).unwrap();
    drop(earlier);

    let newer = database.open().db("payments", payments::MIGRATIONS).unwrap();

    let how: Result<Vec<String>, store::StoreError> =
        newer.read_blocking(|snapshot| snapshot.list(&HOW, &[], |row| row.get(0)));
    assert_eq!(how.unwrap(), ["provider"]);
    let refused: Result<u64, store::StoreError> = newer.write_blocking(|tx| tx.execute(&GOLD, &[]));
    assert!(refused.unwrap_err().violates("refunds_how"));
}
