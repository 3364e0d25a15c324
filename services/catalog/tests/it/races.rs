//! Many at once, behind a barrier.

use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use contracts::OrderId;
use contracts::catalog::Reserve;
use kernel::{Clock as _, SystemClock};
use store::{Db, Statement, StoreError, params};
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

static TOUCH_LEVEL: Statement =
    Statement { name: "TOUCH_LEVEL", sql: "UPDATE stock_levels SET on_hand = on_hand WHERE variant_id = $1" };
static WAITING: Statement = Statement {
    name: "WAITING",
    sql: "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
};

/// Longer than anything here takes.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

/// How many sessions of this database on PostgreSQL wait for a lock.
pub(crate) fn waiting_for_locks(db: &Db) -> i64 {
    let waiting = db.read_blocking(|snapshot| snapshot.one(&WAITING, &[], |row| row.get(0)));
    waiting.unwrap_or_else(|error: StoreError| panic!("{error}")).unwrap_or(0)
}

/// A placement locks the cake; two orders are paid at once, first one of tart, then one of cake; the placement locks the
/// tart. Were the two in one transaction, it would hold the tart and wait for the cake.
#[test]
fn events_of_two_orders_do_not_lock_their_stock_together() {
    let database = TestDatabase::postgres();
    let mut cafe = Cafe::open(&database);
    let mut tart = crate::cafe::a_product("tart", "cakes", 20_000);
    tart["tracked"] = serde_json::json!(true);
    let (cake, tart) = (cafe.cake.variant, cafe.product(&tart).variant);
    cafe.receive(tart, 5);
    for variant in [tart, cake] {
        let order = new_order();
        cafe.reserve(order, vec![line(variant, 1)]).unwrap();
        cafe.tell_paid(order);
    }
    let (db, watch) = (cafe.harness.db().clone(), cafe.harness.db().clone());
    let (locked, is_locked) = mpsc::channel();
    let (go_on, told) = mpsc::channel();

    thread::scope(|scope| {
        scope.spawn(move || {
            let placed: Result<(), StoreError> = db.write_blocking(move |tx| {
                tx.execute(&TOUCH_LEVEL, &params![cake])?;
                let _ = (locked.send(()), told.recv_timeout(BOUND));
                tx.execute(&TOUCH_LEVEL, &params![tart]).map(drop)
            });
            placed.unwrap();
        });
        is_locked.recv_timeout(BOUND).unwrap();
        scope.spawn(move || {
            let clock = SystemClock::new();
            while waiting_for_locks(&watch) == 0 {
                assert!(clock.elapsed() < BOUND, "nobody waits for the cake");
            }
            go_on.send(()).unwrap();
        });
        cafe.harness.settle();
    });

    assert_eq!(cafe.harness.store().stats().run_again, 0, "a deadlock was met");
    assert_eq!((cafe.level(cake), cafe.level(tart)), ((19, 0, 19), (4, 0, 4)));
    cafe.assert_clean();
}
