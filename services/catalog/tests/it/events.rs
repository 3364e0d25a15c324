//! What becomes of a hold when its order moves: every event twice, late, and in every order.

use std::time::Duration;

use contracts::catalog::ProductChange;
use contracts::orders::OrderState::{Cancelled, Expired, Paid, Placed, Preparing, Ready};
use contracts::orders::{OrderLife, State, StateReply};
use serde_json::json;
use testkit::{FakeCalls, HarnessOptions, TestDatabase};

use crate::cafe::{Cafe, a_product, line, new_order};

testkit::both_databases!(
    a_payment_sells_what_was_held,
    an_order_that_ended_unpaid_gives_back,
    an_order_cancelled_before_it_was_begun_brings_its_goods_back,
    an_order_cancelled_after_it_was_begun_has_used_them_up,
    every_event_twice_changes_nothing,
    a_cancellation_that_overtakes_the_payment_ends_the_same,
    an_expiry_that_comes_after_the_hold_was_taken_again_is_not_believed,
    a_cancelled_order_takes_no_stock_again,
    events_of_orders_without_stock_are_fine,
    what_is_nothing_to_a_hold_is_not_worth_a_transaction,
    the_last_one_sold_is_told_once_and_so_is_its_return,
);

fn a_payment_sells_what_was_held(database: &TestDatabase) {
    let mut cafe = Cafe::open(database);
    let order = cafe.hold_cakes(3);

    cafe.tell_paid(order);
    cafe.harness.settle();

    assert_eq!(cafe.level(cafe.cake.variant), (17, 0, 17));
    cafe.assert_clean();
}

fn an_order_that_ended_unpaid_gives_back(database: &TestDatabase) {
    let mut cafe = Cafe::open(database);
    for to in [Expired, Cancelled] {
        let order = cafe.hold_cakes(3);

        cafe.tell_moved(order, Placed, to);
        cafe.harness.settle();

        assert_eq!(cafe.level(cafe.cake.variant), (20, 0, 20), "{to}");
    }
    cafe.assert_clean();
}

fn an_order_cancelled_before_it_was_begun_brings_its_goods_back(database: &TestDatabase) {
    let mut cafe = Cafe::open(database);
    let order = cafe.hold_cakes(3);
    cafe.tell_paid(order);
    cafe.harness.settle();

    cafe.tell_moved(order, Paid, Cancelled);
    cafe.harness.settle();

    assert_eq!(cafe.level(cafe.cake.variant), (20, 0, 20));
    cafe.assert_clean();
}

fn an_order_cancelled_after_it_was_begun_has_used_them_up(database: &TestDatabase) {
    let mut cafe = Cafe::open(database);
    for from in [Preparing, Ready] {
        let order = cafe.hold_cakes(2);
        cafe.tell_paid(order);
        cafe.tell_moved(order, Paid, Preparing);
        cafe.tell_moved(order, from, Cancelled);
    }
    cafe.harness.settle();

    assert_eq!(cafe.level(cafe.cake.variant), (16, 0, 16));
    cafe.assert_clean();
}

fn every_event_twice_changes_nothing(database: &TestDatabase) {
    let mut cafe = Cafe::open(database);
    let (sold, undone, expired) = (cafe.hold_cakes(1), cafe.hold_cakes(2), cafe.hold_cakes(4));
    for _ in 0..2 {
        cafe.tell_paid(sold);
        cafe.tell_paid(undone);
        cafe.harness.settle();
        cafe.tell_moved(undone, Paid, Cancelled);
        cafe.tell_moved(expired, Placed, Expired);
        cafe.harness.settle();
    }
    cafe.tell_paid(undone);
    cafe.tell_paid(expired);
    cafe.harness.settle();

    assert_eq!(cafe.level(cafe.cake.variant), (19, 0, 19));
    cafe.assert_clean();
}

fn a_cancellation_that_overtakes_the_payment_ends_the_same(database: &TestDatabase) {
    let mut cafe = Cafe::open(database);
    let (unmade, made) = (cafe.hold_cakes(1), cafe.hold_cakes(2));

    cafe.tell_moved(unmade, Paid, Cancelled);
    cafe.tell_moved(made, Preparing, Cancelled);
    cafe.harness.settle();
    cafe.tell_paid(unmade);
    cafe.tell_paid(made);
    cafe.harness.settle();

    assert_eq!(cafe.level(cafe.cake.variant), (18, 0, 18));
    cafe.assert_clean();
}

/// Orders says that every order is paid.
fn orders_that_are_paid() -> HarnessOptions {
    let calls = FakeCalls::new().answering::<State>(|request| {
        let lives = request.order_ids.iter().map(|&order_id| OrderLife::Paid { order_id });
        Ok(StateReply { lives: lives.collect() })
    });
    HarnessOptions { calls, ..HarnessOptions::default() }
}

/// The order expired, was paid all the same, and took its hold again; the news of the expiry comes after that.
fn an_expiry_that_comes_after_the_hold_was_taken_again_is_not_believed(database: &TestDatabase) {
    let mut cafe = Cafe::open_with(database, orders_that_are_paid());
    let (given_back, kept) = (cafe.hold_cakes(3), cafe.hold_cakes(4));
    assert!(cafe.release(given_back));
    cafe.reserve(given_back, vec![line(cafe.cake.variant, 3)]).unwrap();
    cafe.reserve(kept, vec![line(cafe.cake.variant, 4)]).unwrap();

    for order in [given_back, kept] {
        cafe.tell_moved(order, Placed, Expired);
    }
    cafe.harness.settle();
    cafe.harness.pass(Duration::from_secs(5));

    assert_eq!(cafe.level(cafe.cake.variant), (13, 0, 13), "what orders says is paid was sold");
    for order in [given_back, kept] {
        cafe.tell_paid(order);
    }
    cafe.harness.settle();
    assert_eq!(cafe.level(cafe.cake.variant), (13, 0, 13));
    cafe.assert_clean();
}

fn a_cancelled_order_takes_no_stock_again(database: &TestDatabase) {
    let mut cafe = Cafe::open(database);
    let order = cafe.hold_cakes(1);
    cafe.tell_paid(order);
    cafe.harness.settle();
    cafe.tell_moved(order, Paid, Cancelled);
    cafe.harness.settle();

    let error = cafe.reserve(order, vec![line(cafe.cake.variant, 1)]).unwrap_err();

    assert!(error.is("catalog.hold-ended"));
    assert_eq!(cafe.level(cafe.cake.variant), (20, 0, 20));
}

fn events_of_orders_without_stock_are_fine(database: &TestDatabase) {
    let mut cafe = Cafe::open(database);
    let coffee = new_order();
    cafe.reserve(coffee, vec![line(cafe.latte.variant, 1)]).unwrap();

    for order in [coffee, new_order()] {
        cafe.tell_paid(order);
        cafe.tell_moved(order, Placed, Expired);
        cafe.tell_moved(order, Paid, Preparing);
    }
    cafe.harness.settle();

    cafe.assert_clean();
}

fn the_last_one_sold_is_told_once_and_so_is_its_return(database: &TestDatabase) {
    let mut cafe = Cafe::open(database);
    let mut two_sizes = a_product("tart", "cakes", 20_000);
    two_sizes["tracked"] = json!(true);
    two_sizes["variants"] = json!([
        {"sku": "tart-s", "name": {"ru": "S", "en": "S"}, "price": {"amount": 100, "currency": "RUB"}},
        {"sku": "tart-l", "name": {"ru": "L", "en": "L"}, "price": {"amount": 200, "currency": "RUB"}}
    ]);
    let created = cafe.harness.post("/products").by(&cafe.manager()).json(&two_sizes).send().expect(201).json();
    let size = |n: usize| crate::cafe::id(&created["variants"][n]["id"]);
    cafe.receive(size(0), 1);
    cafe.receive(size(1), 1);
    cafe.harness.settle();
    let before = cafe.told().len();

    let both = new_order();
    cafe.reserve(both, vec![line(size(0), 1)]).unwrap();
    let second = new_order();
    cafe.reserve(second, vec![line(size(1), 1)]).unwrap();
    cafe.release(both);
    cafe.release(second);
    cafe.harness.settle();

    let changes: Vec<_> = cafe.told().iter().skip(before).map(|event| (event.change, event.shop_id)).collect();
    let shop = Some(cafe.shop);
    assert_eq!(changes, [(ProductChange::SoldOut, shop), (ProductChange::Available, shop)]);
}

/// Each that moves a hold locks rows of stock that placements lock, and so is alone on PostgreSQL.
fn what_is_nothing_to_a_hold_is_not_worth_a_transaction(database: &TestDatabase) {
    let mut cafe = Cafe::open(database);
    let orders: Vec<_> = (0..3).map(|_| cafe.hold_cakes(1)).collect();
    cafe.harness.settle();
    for order in orders {
        cafe.tell_moved(order, Placed, Paid);
        cafe.tell_moved(order, Paid, Preparing);
        cafe.tell_moved(order, Preparing, Cancelled);
    }
    let before = cafe.harness.store().stats().committed;

    cafe.harness.settle();

    let commits = cafe.harness.store().stats().committed - before;
    assert_eq!(commits, if cafe.harness.db().is_postgres() { 3 } else { 1 });
    cafe.assert_clean();
}
