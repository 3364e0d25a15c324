//! Many at once, behind a barrier.

use std::sync::{Arc, Barrier};
use std::thread;

use contracts::OrderId;
use contracts::catalog::Reserve;
use testkit::TestDatabase;

use crate::cafe::{Cafe, line, new_order};

testkit::both_databases!(
    of_64_buyers_of_the_last_one_exactly_one_gets_it,
    one_order_asked_for_16_times_at_once_is_held_once,
    reservations_and_releases_at_once_lose_nothing,
    crossing_orders_of_two_products_do_not_block_each_other,
);

const BUYERS: usize = 64;

/// Runs the same step for each order at the same moment; how many of them succeeded.
fn at_once(cafe: &Cafe, orders: &[OrderId], step: impl Fn(&Cafe, usize, OrderId) -> bool + Sync) -> usize {
    let barrier = Arc::new(Barrier::new(orders.len()));
    thread::scope(|scope| {
        let racers: Vec<_> = orders
            .iter()
            .enumerate()
            .map(|(number, &order)| {
                let (barrier, step) = (Arc::clone(&barrier), &step);
                scope.spawn(move || {
                    barrier.wait();
                    step(cafe, number, order)
                })
            })
            .collect();
        racers.into_iter().map(|racer| usize::from(racer.join().unwrap())).sum()
    })
}

fn orders(count: usize) -> Vec<OrderId> {
    (0..count).map(|_| new_order()).collect()
}

fn of_64_buyers_of_the_last_one_exactly_one_gets_it(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let _ = cafe.book("count", cafe.cake.variant, 1).expect(201);

    let winners = at_once(&cafe, &orders(BUYERS), |cafe, _, order| {
        let answer =
            cafe.harness.calls().call_blocking::<Reserve>(&cafe.request(order, vec![line(cafe.cake.variant, 1)]));
        answer.map_or_else(
            |error| {
                assert!(error.is("catalog.out-of-stock"), "{error:?}");
                false
            },
            |_| true,
        )
    });

    assert_eq!(winners, 1);
    assert_eq!(cafe.level(cafe.cake.variant), (1, 1, 0));
    cafe.assert_clean();
}

fn one_order_asked_for_16_times_at_once_is_held_once(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let same = vec![new_order(); 16];

    let answered =
        at_once(&cafe, &same, |cafe, _, order| cafe.reserve(order, vec![line(cafe.cake.variant, 3)]).is_ok());

    assert_eq!(answered, 16);
    assert_eq!(cafe.level(cafe.cake.variant), (20, 3, 17));
    cafe.assert_clean();
}

fn reservations_and_releases_at_once_lose_nothing(database: &TestDatabase) {
    let cafe = Cafe::open(database);

    let held = at_once(&cafe, &orders(16), |cafe, number, order| {
        // Twice as many as there are, so that the product sells out and comes back again and again.
        let held = (0..4).all(|_| {
            let held = cafe.reserve(order, vec![line(cafe.cake.variant, 3)]).is_ok();
            !held || cafe.release(order)
        });
        held && number < 4 && cafe.reserve(order, vec![line(cafe.cake.variant, 1)]).is_ok()
    });

    let (on_hand, reserved, _) = cafe.level(cafe.cake.variant);
    assert_eq!((on_hand, usize::try_from(reserved).unwrap()), (20, held));
    cafe.assert_clean();
}

fn crossing_orders_of_two_products_do_not_block_each_other(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let mut tart = crate::cafe::a_product("tart", "cakes", 20_000);
    tart["tracked"] = serde_json::json!(true);
    let tart = cafe.product(&tart);
    cafe.receive(tart.variant, 1_000);
    cafe.receive(cafe.cake.variant, 1_000);

    let held = at_once(&cafe, &orders(32), |cafe, number, order| {
        let mut lines = vec![line(cafe.cake.variant, 1), line(tart.variant, 1)];
        if number % 2 == 0 {
            lines.reverse();
        }
        cafe.reserve(order, lines).is_ok()
    });

    assert_eq!(held, 32);
    cafe.assert_clean();
}
