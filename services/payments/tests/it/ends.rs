//! Orders that end while money is on its way, and money that counts for nothing.

use contracts::orders::{OrderState, PaymentMethod};
use serde_json::json;
use testkit::TestDatabase;

use crate::told::update;
use crate::world::{ANNA, TOTAL, World};

testkit::both_databases!(
    an_expired_order_closes_the_banks_page,
    the_end_may_be_heard_before_the_order,
    an_order_that_ends_before_the_bank_is_asked_leaves_no_page_open,
    cancelling_and_paying_cross_and_the_money_is_told,
    money_for_a_cancelled_order_goes_back,
    a_second_success_goes_back_by_itself,
    a_wrong_amount_never_counts_and_goes_back_by_itself,
    old_news_of_an_order_does_not_undo_newer_ones,
    an_order_that_is_paid_after_it_expired_goes_on,
    ends_of_orders_do_not_hold_each_others_rows,
);

fn an_expired_order_closes_the_banks_page(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Online);
    let page = world.payment(id)["payment_url"].clone();

    world.order_goes(id, OrderState::Expired, 2, false);
    world.type_card(&page, "4242424242424242");

    assert_eq!(world.payment(id)["state"], "cancelled");
    assert_eq!(world.at_bank(id)[0]["state"], "cancelled");
    assert_eq!(world.told_states(id), ["created", "pending", "cancelled"]);
    world.assert_clean();
}

fn the_end_may_be_heard_before_the_order(database: &TestDatabase) {
    let mut world = World::open(database);
    let placed = world.placed(PaymentMethod::Online, TOTAL);
    world.order_goes(placed.order_id, OrderState::Cancelled, 2, false);

    world.harness.publish("orders", &placed);
    world.harness.settle();

    assert_eq!(world.payment(placed.order_id)["state"], "cancelled");
    assert!(world.at_bank(placed.order_id).is_empty(), "the bank never hears of it");
    let again = world.harness.post(&format!("/orders/{}/payments", placed.order_id)).by(&ANNA).key("k");
    assert_eq!(again.json(&json!({"method": "online"})).send().expect(409).code(), "payments.order-ended");
}

fn an_order_that_ends_before_the_bank_is_asked_leaves_no_page_open(database: &TestDatabase) {
    let mut world = World::open(database);
    world.fault(&json!({"kind": "down", "probability": 1.0}));
    let id = world.order(PaymentMethod::Online);
    world.order_goes(id, OrderState::Expired, 2, false);
    assert_eq!(world.payment(id)["state"], "created");

    world.no_faults();
    world.harness.pass(std::time::Duration::from_secs(120));

    assert_eq!(world.payment(id)["state"], "cancelled");
    assert!(world.at_bank(id).iter().all(|payment| payment["state"] == "cancelled"));
    world.assert_clean();
}

/// security.md P10.
fn cancelling_and_paying_cross_and_the_money_is_told(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Online);
    world.pay(id, "4242424242424242");

    world.order_goes(id, OrderState::Cancelled, 2, true);

    // The bank would not cancel what it has captured: it is looked at, and orders hears of the money.
    assert_eq!(world.payment(id)["state"], "captured");
    assert_eq!(world.told_states(id), ["created", "pending", "captured"]);
}

fn money_for_a_cancelled_order_goes_back(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Online);
    world.pay(id, "4242424242424242");
    world.order_goes(id, OrderState::Cancelled, 2, false);

    // Orders hears `captured` and says that all of it has to go back, without moving.
    let mut due = update(id, OrderState::Cancelled, 3, true, kernel::Clock::now(&world.clock));
    due.from = OrderState::Cancelled;
    world.harness.publish("orders", &due);
    world.harness.publish("orders", &due);
    world.harness.settle();

    assert_eq!(world.payment(id)["state"], "refunded");
    assert_eq!(world.at_bank(id)[0]["refunds"].as_array().unwrap().len(), 1);
    world.assert_clean();
}

/// MON-5; security.md P9.
fn a_second_success_goes_back_by_itself(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Online);
    let first = world.at_bank(id)[0].clone();
    let first_ref = first["id"].as_str().unwrap();
    world.silence(Some(first_ref));
    world.tick();
    let again = world.harness.post(&format!("/orders/{id}/payments")).by(&ANNA).key("k");
    again.json(&json!({"method": "online"})).send().expect(201);
    world.harness.settle();
    // The bank did not hear that the first page is off: Anna pays on both.
    world.type_card(&first["page_url"], "4242424242424242");
    world.pay(id, "4242424242424242");
    world.harness.pass(std::time::Duration::from_secs(60));
    assert_eq!(world.payment(id)["state"], "captured");

    world.silence(None);
    world.harness.pass(std::time::Duration::from_secs(600));

    let ends: Vec<_> =
        world.payments(id).iter().map(|p| (p["attempt"].clone(), p["state"].clone(), p["alarm"].clone())).collect();
    assert_eq!(ends, [(json!(2), json!("captured"), json!(null)), (json!(1), json!("refunded"), json!(null))]);
    let first = world.detail(world.payments(id)[1]["id"].as_str().unwrap());
    assert_eq!(first["refunds"][0]["reason"], "second_success");
    let held: Vec<_> =
        world.at_bank(id).iter().map(|p| (p["captured"]["amount"].clone(), p["refunded"]["amount"].clone())).collect();
    assert_eq!(held, [(json!(TOTAL), json!(TOTAL)), (json!(TOTAL), json!(0))]);
    let told: Vec<_> =
        world.told(id).into_iter().filter(|moved| moved.attempt == 1).map(|moved| moved.state.to_string()).collect();
    assert_eq!(told, ["created", "pending", "failed", "refunded"], "nobody is told that it was captured");
    world.assert_clean();
}

/// security.md P5.
fn a_wrong_amount_never_counts_and_goes_back_by_itself(database: &TestDatabase) {
    let mut world = World::open(database);
    world.fault(&json!({"kind": "wrong_amount", "probability": 1.0}));
    let id = world.order(PaymentMethod::Online);
    world.pay(id, "4242424242424242");

    world.hear("payment.captured");

    let payment = &world.payments(id)[0];
    assert_eq!((&payment["state"], &payment["alarm"]), (&json!("refunded"), &json!(null)));
    assert_eq!(world.detail(payment["id"].as_str().unwrap())["refunds"][0]["reason"], "amount_mismatch");
    assert_eq!((&payment["captured"]["amount"], &payment["refunded"]["amount"]), (&json!(100), &json!(100)));
    assert_eq!(world.told_states(id), ["created", "pending", "failed", "refunded"]);
    let kinds: Vec<_> = world.ledger(id).into_iter().map(|(kind, account, _)| (kind, account)).collect();
    assert!(kinds.contains(&("stray".to_owned(), "unaccepted".to_owned())), "{kinds:?}");
    assert!(!kinds.iter().any(|(_, account)| account == "orders.paid"));
    assert_eq!(world.at_bank(id)[0]["refunded"]["amount"], 100);
    world.assert_clean();
}

fn old_news_of_an_order_does_not_undo_newer_ones(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Counter);
    world.order_goes(id, OrderState::Expired, 5, false);

    let mut old = update(id, OrderState::Paid, 4, false, kernel::Clock::now(&world.clock));
    old.from = OrderState::Expired;
    world.harness.publish("orders", &old);
    world.harness.settle();

    let again = world.harness.post(&format!("/orders/{id}/payments")).by(&ANNA).key("k");
    assert_eq!(again.json(&json!({"method": "counter"})).send().expect(409).code(), "payments.order-ended");
}

fn an_order_that_is_paid_after_it_expired_goes_on(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Counter);
    world.order_goes(id, OrderState::Expired, 2, false);

    let mut revived = update(id, OrderState::Paid, 3, false, kernel::Clock::now(&world.clock));
    revived.from = OrderState::Expired;
    world.harness.publish("orders", &revived);
    world.harness.settle();

    let again = world.harness.post(&format!("/orders/{id}/payments")).by(&ANNA).key("k");
    again.json(&json!({"method": "counter"})).send().expect(201);
}

/// Others lock the same orders in another order. What is nothing to payments is not worth a transaction.
fn ends_of_orders_do_not_hold_each_others_rows(database: &TestDatabase) {
    let mut world = World::open(database);
    let ids: Vec<_> = (0..4).map(|_| world.order(PaymentMethod::Counter)).collect();
    for id in ids {
        for to in [OrderState::Preparing, OrderState::Cancelled] {
            world.harness.publish("orders", &update(id, to, 2, false, kernel::Clock::now(&world.clock)));
        }
    }

    let commits = world.commits_of("payments.order-updates");

    assert_eq!(commits, if world.harness.db().is_postgres() { 4 } else { 1 });
}
