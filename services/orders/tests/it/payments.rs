//! What payments tells, in every order and number.

use std::sync::mpsc;

use contracts::orders::{OrderLife, OrderPaid, OrderState, OrderUpdated, State, StateRequest};
use serde_json::{Value, json};
use testkit::{Barista, Guest, TestDatabase, both_databases};

use crate::support::{World, minutes, shop};

both_databases!(
    money_pays_the_order_once,
    a_failed_attempt_is_told_and_the_next_one_pays,
    refunds_are_told_and_nothing_moves,
    older_news_is_not_heard,
    another_sum_does_not_pay,
    another_currency_does_not_pay,
    money_after_expiry_revives_the_order,
    an_order_that_is_being_revived_is_said_to_live,
    money_after_expiry_goes_back_when_the_stock_is_gone,
    stock_is_not_taken_again_for_money_that_was_heard_of,
    money_after_expiry_goes_back_when_the_slot_is_gone,
    money_after_expiry_goes_back_when_the_shop_is_closed,
    money_after_expiry_waits_while_catalog_is_away,
    money_for_a_cancelled_order_goes_back,
    a_second_success_changes_nothing,
    a_payment_for_no_order_is_a_dead_letter,
);

fn refunds(world: &World) -> Vec<OrderUpdated> {
    world.told::<OrderUpdated>().into_iter().filter(|event| event.refund_due).collect()
}

fn money_pays_the_order_once(database: &TestDatabase) {
    let mut world = World::new(database);
    let (id, _) = world.a_placed_order("k1");

    world.payment(id).publish();
    world.payment(id).captured(62_000).publish();
    world.payment(id).captured(62_000).publish();
    world.harness.settle();
    world.payment(id).captured(62_000).publish();
    world.harness.settle();

    let order = world.order(id);
    assert_eq!(
        (&order["state"], &order["payment_state"], &order["version"]),
        (&json!("paid"), &json!("paid"), &json!(2))
    );
    assert_eq!(order["expires_at"], Value::Null);
    let (paid, moved) = (world.told::<OrderPaid>(), world.told::<OrderUpdated>());
    assert_eq!((paid.len(), paid[0].total.amount(), paid[0].version), (1, 62_000, 2));
    assert_eq!((moved.len(), moved[0].from, moved[0].to), (1, OrderState::Placed, OrderState::Paid));
    world.assert_clean();
}

fn a_failed_attempt_is_told_and_the_next_one_pays(database: &TestDatabase) {
    let mut world = World::new(database);
    let (id, _) = world.a_placed_order("k1");

    world.payment(id).failed().publish();
    world.harness.settle();
    let failed = world.order(id);
    world.payment(id).attempt(2).publish();
    world.harness.settle();
    let waiting = world.order(id);
    world.payment(id).attempt(2).captured(62_000).publish();
    world.harness.settle();

    assert_eq!((&failed["state"], &failed["payment_state"]), (&json!("placed"), &json!("failed")));
    assert_eq!(waiting["payment_state"], "pending");
    assert_eq!(world.order(id)["state"], "paid");
    assert_eq!(world.order(id)["history"].as_array().unwrap().len(), 2, "only steps of the order are shown");
    world.assert_clean();
}

fn refunds_are_told_and_nothing_moves(database: &TestDatabase) {
    let mut world = World::new(database);
    let id = world.a_paid_order("k1");

    world.payment(id).refunded(62_000, 10_000).publish();
    world.harness.settle();
    let in_part = world.order(id);
    let mut all = world.payment(id).refunded(62_000, 62_000);
    all.moved.version = 4;
    all.publish();
    world.harness.settle();

    assert_eq!((&in_part["state"], &in_part["payment_state"]), (&json!("paid"), &json!("partially_refunded")));
    assert_eq!(world.order(id)["payment_state"], "refunded");
    assert_eq!(world.told::<OrderUpdated>().len(), 1);
    world.assert_clean();
}

fn older_news_is_not_heard(database: &TestDatabase) {
    let mut world = World::new(database);
    let (id, _) = world.a_placed_order("k1");

    world.payment(id).refunded(62_000, 10_000).publish();
    world.payment(id).captured(62_000).publish();
    world.payment(id).publish();
    world.harness.settle();

    let order = world.order(id);
    assert_eq!((&order["state"], &order["payment_state"]), (&json!("paid"), &json!("partially_refunded")));
    assert_eq!(world.told::<OrderPaid>().len(), 1);
    world.assert_clean();
}

fn another_sum_does_not_pay(database: &TestDatabase) {
    let mut world = World::new(database);
    let (id, _) = world.a_placed_order("k1");

    world.payment(id).captured(100).publish();
    world.harness.settle();
    let order = world.order(id);
    world.harness.pass(minutes(10));

    assert_eq!((&order["state"], &order["payment_state"]), (&json!("placed"), &json!("pending")));
    assert!(world.told::<OrderPaid>().is_empty());
    assert_eq!(refunds(&world).len(), 1, "the money goes back when the order ends");
}

fn another_currency_does_not_pay(database: &TestDatabase) {
    let mut world = World::new(database);
    let (id, _) = world.a_placed_order("k1");

    world.payment(id).captured(62_000).in_currency("USD").publish();
    world.harness.settle();

    assert_eq!(world.order(id)["state"], "placed");
}

fn money_after_expiry_revives_the_order(database: &TestDatabase) {
    let mut world = World::new(database);
    world.catalog.change_terms(|terms| terms.slot_capacity = Some(2));
    let (id, _) = world.a_placed_order("k1");
    world.harness.pass(minutes(10));
    world.catalog.release_all();
    assert_eq!(world.order(id)["state"], "expired");

    world.payment(id).captured(62_000).publish();
    world.payment(id).captured(62_000).publish();
    world.harness.settle();

    assert_eq!(world.order(id)["state"], "paid");
    assert_eq!(world.catalog.holds(), [id], "held again under the same id");
    assert_eq!(world.told::<OrderPaid>().len(), 1);
    assert!(refunds(&world).is_empty());
    world.assert_clean();
}

/// The news of the expiry may reach catalog only now: it asks, and must not be told that the order has ended.
fn an_order_that_is_being_revived_is_said_to_live(database: &TestDatabase) {
    let mut world = World::new(database);
    let (id, _) = world.a_placed_order("k1");
    world.harness.pass(minutes(10));
    world.catalog.release_all();
    let ask = move |calls: &service::Calls| {
        calls.call_blocking::<State>(&StateRequest { order_ids: vec![id] }).unwrap().lives.remove(0)
    };
    let before = ask(world.harness.calls());
    let (calls, (tell, told)) = (world.harness.calls().clone(), mpsc::channel());
    world.catalog.after_reserve(move |_| tell.send(ask(&calls)).unwrap());

    world.payment(id).captured(62_000).publish();
    world.harness.settle();

    assert_eq!(before, OrderLife::Ended { order_id: id });
    assert!(matches!(told.recv().unwrap(), OrderLife::Live { .. }));
    assert_eq!(ask(world.harness.calls()), OrderLife::Paid { order_id: id });
}

fn money_after_expiry_goes_back_when_the_stock_is_gone(database: &TestDatabase) {
    let mut world = World::new(database);
    let (id, _) = world.a_placed_order("k1");
    world.harness.pass(minutes(10));
    world.catalog.release_all();
    world.catalog.set_left(1);

    world.payment(id).captured(62_000).publish();
    world.payment(id).captured(62_000).publish();
    world.harness.settle();

    let order = world.order(id);
    assert_eq!((&order["state"], &order["payment_state"]), (&json!("expired"), &json!("paid")));
    let refunds = refunds(&world);
    assert_eq!((refunds.len(), refunds[0].from, refunds[0].to), (1, OrderState::Expired, OrderState::Expired));
    assert_eq!(refunds[0].reason.as_deref(), Some("paid-after-expiry"));
    world.payment(id).refunded(62_000, 62_000).publish();
    world.harness.settle();
    assert_eq!(world.order(id)["payment_state"], "refunded");
    world.assert_clean();
}

fn stock_is_not_taken_again_for_money_that_was_heard_of(database: &TestDatabase) {
    let mut world = World::new(database);
    let (id, _) = world.a_placed_order("k1");
    world.harness.pass(minutes(10));
    world.catalog.release_all();
    world.catalog.set_left(1);
    world.payment(id).captured(62_000).publish();
    world.harness.settle();
    world.catalog.set_left(100);

    world.payment(id).refunded(62_000, 10_000).publish();
    world.harness.settle();

    assert_eq!(world.order(id)["payment_state"], "partially_refunded");
    assert!(world.catalog.holds().is_empty(), "nobody will make it");
}

fn money_after_expiry_goes_back_when_the_slot_is_gone(database: &TestDatabase) {
    let mut world = World::new(database);
    world.catalog.change_terms(|terms| terms.slot_capacity = Some(1));
    let mut basket = world.basket(2);
    basket["fulfilment"]["at"] = json!("2026-11-21T12:00:00Z");
    let first = world.place_as(Guest(1), "k1", &basket).expect(201).json();
    world.harness.pass(minutes(10));
    world.catalog.release_all();
    world.place_as(Guest(2), "k2", &basket).expect(201);

    let id = crate::support::id_of(&first);
    world.payment(id).captured(62_000).publish();
    world.harness.settle();
    world.catalog.release_all();
    world.payment(id).captured(62_000).publish();
    world.harness.settle();

    assert_eq!(world.order(id)["state"], "expired");
    assert_eq!(refunds(&world).len(), 1);
    assert!(world.catalog.holds().is_empty(), "told twice it is taken again once");
}

fn money_after_expiry_goes_back_when_the_shop_is_closed(database: &TestDatabase) {
    let mut world = World::new(database);
    let (id, _) = world.a_placed_order("k1");
    world.harness.pass(minutes(10));
    world.catalog.release_all();
    world.harness.clock().set("2026-11-21T20:00:00Z".parse().unwrap());

    world.payment(id).captured(62_000).publish();
    world.harness.settle();

    assert_eq!(world.order(id)["state"], "expired");
    assert_eq!(refunds(&world).len(), 1);
    assert!(world.catalog.holds().is_empty());
}

fn money_after_expiry_waits_while_catalog_is_away(database: &TestDatabase) {
    let mut world = World::new(database);
    let (id, _) = world.a_placed_order("k1");
    world.harness.pass(minutes(10));
    world.catalog.release_all();
    world.catalog.set_away(true);

    world.payment(id).captured(62_000).publish();
    world.harness.settle();
    assert_eq!(world.order(id)["state"], "expired");
    world.catalog.set_away(false);
    for _ in 0..10 {
        world.harness.pass(minutes(1));
    }

    assert_eq!(world.order(id)["state"], "paid");
}

fn money_for_a_cancelled_order_goes_back(database: &TestDatabase) {
    let mut world = World::new(database);
    let (id, _) = world.a_placed_order("k1");
    world.cancel_by(&Guest(1), id, &json!({})).expect(200);

    world.payment(id).captured(62_000).publish();
    world.payment(id).captured(62_000).publish();
    world.harness.settle();

    assert_eq!(world.order(id)["state"], "cancelled");
    let refunds = refunds(&world);
    assert_eq!((refunds.len(), refunds[0].reason.as_deref()), (1, Some("paid-after-cancellation")));
    assert!(world.told::<OrderPaid>().is_empty());
}

fn a_second_success_changes_nothing(database: &TestDatabase) {
    let mut world = World::new(database);
    let id = world.a_paid_order("k1");

    world.payment(id).attempt(2).captured(62_000).publish();
    world.harness.settle();
    world.payment(id).attempt(2).refunded(62_000, 62_000).publish();
    world.harness.settle();

    let order = world.order(id);
    assert_eq!((&order["state"], &order["payment_state"]), (&json!("paid"), &json!("paid")));
    assert_eq!(world.told::<OrderPaid>().len(), 1);
    world.status_by(&Barista(shop()), id, "preparing").expect(200);
    world.assert_clean();
}

fn a_payment_for_no_order_is_a_dead_letter(database: &TestDatabase) {
    let mut world = World::new(database);

    world.payment(contracts::OrderId::from_bits(99)).captured(62_000).publish();
    world.harness.settle();

    let letters = world.harness.platform().log().dead_letters(eventlog::DeadLetterQuery::default()).unwrap();
    assert_eq!(letters.len(), 1);
}
