//! The bank is down, slow, silent, doubling, reordering; every time all ends well by itself.

use std::time::Duration;

use contracts::orders::PaymentMethod;
use kernel::Clock as _;
use serde_json::{Value, json};
use testkit::TestDatabase;

use crate::world::{TOTAL, World};

testkit::both_databases!(
    while_the_bank_is_gone_payments_wait_and_nothing_is_lost,
    a_bank_that_never_answers_leaves_unknown_and_is_asked_again,
    a_slow_bank_opens_one_payment_per_attempt,
    lost_callbacks_are_made_up_for_by_asking,
    a_silent_day_shows_pending_and_ends_with_the_truth,
    doubled_and_reordered_callbacks_lead_to_the_same_end,
    the_silent_card_leaves_the_payment_open,
    a_bank_that_lets_us_wait_does_not_keep_a_turn_for_long,
    a_row_that_cannot_be_read_does_not_stop_the_questions,
);

fn while_the_bank_is_gone_payments_wait_and_nothing_is_lost(database: &TestDatabase) {
    let mut world = World::open(database);
    world.stop_bank();
    let ids = [world.order(PaymentMethod::Online), world.order(PaymentMethod::Online)];
    for id in ids {
        assert_eq!(world.payment(id)["state"], "created");
    }

    world.start_bank();
    world.harness.pass(Duration::from_secs(120));

    for id in ids {
        assert_eq!(world.payment(id)["state"], "pending");
        assert_eq!(world.at_bank(id).len(), 1);
    }
    world.assert_clean();
}

fn a_bank_that_never_answers_leaves_unknown_and_is_asked_again(database: &TestDatabase) {
    let mut world = World::open(database);
    world.fault(&json!({"kind": "charged_then_timeout", "probability": 1.0}));
    let id = world.order(PaymentMethod::Online);
    assert_eq!(world.payment(id)["state"], "unknown");
    assert_eq!(world.payment(id)["payment_url"], json!(null));

    world.no_faults();
    world.harness.pass(Duration::from_secs(60));

    assert_eq!(world.payment(id)["state"], "pending");
    assert_eq!(world.at_bank(id).len(), 1, "asked again under the same key");
    assert_eq!(world.told_states(id), ["created", "unknown", "pending"]);
}

fn a_slow_bank_opens_one_payment_per_attempt(database: &TestDatabase) {
    let mut world = World::open(database);
    world.fault(&json!({"kind": "slow", "probability": 1.0, "delay_ms": 2_000}));
    let id = world.order(PaymentMethod::Online);
    assert_eq!(world.payment(id)["state"], "unknown");

    world.no_faults();
    world.harness.pass(Duration::from_secs(60));
    world.harness.pass(Duration::from_secs(60));

    assert_eq!(world.payment(id)["state"], "pending");
    assert_eq!(world.at_bank(id).len(), 1);
}

fn lost_callbacks_are_made_up_for_by_asking(database: &TestDatabase) {
    let mut world = World::open(database);
    world.fault(&json!({"kind": "lost", "probability": 1.0}));
    let (paid, declined) = (world.order(PaymentMethod::Online), world.order(PaymentMethod::Online));
    world.pay(paid, "4242424242424242");
    world.pay(declined, "4000000000000002");

    world.harness.pass(Duration::from_secs(60));

    assert_eq!(world.payment(paid)["state"], "captured");
    assert_eq!(world.payment(declined)["state"], "failed");
    world.assert_clean();
}

/// security.md P13.
fn a_silent_day_shows_pending_and_ends_with_the_truth(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Online);
    world.pay(id, "4242424242424242");
    world.stop_bank();
    for _ in 0..24 {
        world.harness.pass(Duration::from_secs(3_600));
        assert_eq!(world.payment(id)["state"], "pending");
    }
    let report = world.harness.audit();
    let compared = report.checks.iter().find(|check| check.id == "MON-8").unwrap();
    assert!(compared.not_made.is_some(), "an audit that could not ask the bank says so");

    world.start_bank();
    world.harness.pass(Duration::from_secs(3_600));

    assert_eq!(world.payment(id)["state"], "captured");
    world.assert_clean();
}

/// MON-9 with the real bank.
fn doubled_and_reordered_callbacks_lead_to_the_same_end(database: &TestDatabase) {
    let mut world = World::open(database);
    for kind in ["duplicate", "reordered"] {
        world.fault(&json!({"kind": kind, "probability": 0.5, "seed": 11, "delay_ms": 1_000}));
    }
    let ids: Vec<_> = (0..4).map(|_| world.order(PaymentMethod::Online)).collect();
    for id in &ids {
        world.pay(*id, "4242424242424242");
    }
    world.clock.advance(Duration::from_secs(5));
    while world.bank.as_ref().unwrap().books().owed().unwrap() > 0 {
        world.hear_what_came();
    }
    world.hear_what_came();
    world.harness.pass(Duration::from_secs(60));

    for id in ids {
        let states: Vec<Value> = world.payments(id).iter().map(|payment| payment["state"].clone()).collect();
        assert_eq!(states, [json!("captured")]);
        assert_eq!(world.ledger(id).iter().map(|(_, _, minor)| minor.abs()).sum::<i64>(), 2 * TOTAL);
    }
    world.assert_clean();
}

fn the_silent_card_leaves_the_payment_open(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Online);

    assert_eq!(world.pay(id, "4200000000000000"), None);
    world.harness.pass(Duration::from_secs(60));

    assert_eq!(world.payment(id)["state"], "pending");
}

/// A turn that outlives its lease would be joined by another instance's.
fn a_bank_that_lets_us_wait_does_not_keep_a_turn_for_long(database: &TestDatabase) {
    let mut world = World::open(database);
    for _ in 0..8 {
        world.order(PaymentMethod::Online);
    }
    world.slow_down("/v1/payments/", Duration::from_secs(5));
    let before = world.clock.now();

    world.harness.pass(Duration::from_secs(20));

    let took = world.clock.now().since(before) - Duration::from_secs(20);
    assert_eq!(took, Duration::from_secs(10), "two questions, and no third");
    world.silence(None);
    world.harness.pass(Duration::from_secs(20));
    assert_eq!(world.clock.now().since(before), Duration::from_secs(50), "the next turn goes on");
}

fn a_row_that_cannot_be_read_does_not_stop_the_questions(database: &TestDatabase) {
    store::statements! {
        /// What no currency is.
        SPOIL = "UPDATE payments SET currency = 'roubles' WHERE order_id = $1";
    }
    let mut world = World::open(database);
    let spoiled = world.order(PaymentMethod::Online);
    world.tick();
    let id = world.order(PaymentMethod::Online);
    world.pay(id, "4242424242424242");
    let planted: Result<u64, store::StoreError> =
        world.harness.db().write_blocking(move |tx| tx.execute(&SPOIL, &store::params![spoiled]));
    assert_eq!(planted.unwrap(), 1);

    world.clock.advance(Duration::from_secs(60));
    let now = world.clock.now();
    let turns: Vec<bool> = (0..50).map(|_| world.harness.platform().step(now).is_err()).collect();

    assert_eq!(world.payment(id)["state"], "captured");
    assert!(turns.contains(&true), "and somebody is told of it");
}
