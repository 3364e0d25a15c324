//! Several orders that are heard of in one transaction.

use std::sync::mpsc;
use std::time::Duration;

use contracts::OrderId;
use contracts::orders::{OrderPlaced, OrderState, PaymentMethod};
use contracts::payments::PaymentMoved;
use eventlog::{DeadLetterQuery, Log};
use kernel::{Clock as _, Event, SystemClock};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Db, StoreError, params, statements};
use testkit::TestDatabase;

use crate::world::{TOTAL, World};

testkit::both_databases!(
    orders_that_are_heard_of_together_are_begun_once_each,
    an_order_that_does_not_read_holds_up_no_other,
    the_payment_of_each_order_belongs_to_its_trace,
);

statements! {
    END = "INSERT INTO payment_order_ends (order_id, ended, version) VALUES ($1, 1, 2)";
    /// How many wait for this transaction. Who is connected is asked once per transaction, what is waited for each time.
    WAITING = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))";
}

/// What nobody says on this topic.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Unheard {}

impl Event for Unheard {
    const TOPIC: &'static str = OrderPlaced::TOPIC;
    const TYPE: &'static str = "samovar.orders.unheard.v1";
    const SOURCE: &'static str = "/orders";

    fn key(&self) -> String {
        "nobody".to_owned()
    }
}

/// One is known, one comes twice, one has ended.
fn orders_that_are_heard_of_together_are_begun_once_each(database: &TestDatabase) {
    let mut world = World::open(database);
    let [known, twice, ended, new] = [(); 4].map(|()| world.placed(PaymentMethod::Online, TOTAL));
    world.harness.publish("orders", &known);
    world.harness.settle();
    world.order_goes(ended.order_id, OrderState::Cancelled, 2, false);

    let dearer = OrderPlaced { total: crate::world::rub(2 * TOTAL), ..known.clone() };
    for placed in [&twice, &dearer, &ended, &twice, &new] {
        world.harness.publish("orders", placed);
    }
    world.harness.settle();

    for placed in [&known, &twice, &new] {
        let payments = world.payments(placed.order_id);
        assert_eq!(payments.len(), 1, "{payments:?}");
        assert_eq!((&payments[0]["state"], &payments[0]["amount"]["amount"]), (&json!("pending"), &json!(TOTAL)));
        assert_eq!(world.told_states(placed.order_id), ["created", "pending"]);
        assert_eq!(world.at_bank(placed.order_id).len(), 1);
    }
    assert_eq!(world.told_states(ended.order_id), ["cancelled"]);
    assert!(world.at_bank(ended.order_id).is_empty(), "the bank never hears of it");
    let stats = Log::open(world.harness.store()).unwrap().stats().unwrap();
    assert!(stats.iter().all(|stats| (stats.waiting, stats.behind, stats.dead) == (0, 0, 0)), "{stats:?}");
    world.assert_clean();
}

/// The news of the end are not committed yet when the order is entered. On SQLite there is nobody to wait for.
#[test]
fn an_order_waits_for_the_news_of_its_end_wherever_it_stands() {
    let database = TestDatabase::postgres();
    let mut world = World::open(&database);
    let placed = [(); 3].map(|()| world.placed(PaymentMethod::Online, TOTAL));
    for placed in &placed {
        world.harness.publish("orders", placed);
    }
    let (db, ended) = (world.harness.db().clone(), placed[1].order_id);
    let (written, waits) = mpsc::channel();
    let news = std::thread::spawn(move || end_while_somebody_waits(&db, ended, written));
    waits.recv().unwrap();

    world.harness.settle();

    news.join().unwrap();
    let told = placed.map(|placed| world.told_states(placed.order_id));
    assert_eq!(told, [vec!["created", "pending"], vec!["cancelled"], vec!["created", "pending"]]);
    world.assert_clean();
}

/// Says when the end is written, and commits it when somebody waits for that, or nobody seems to.
fn end_while_somebody_waits(db: &Db, id: OrderId, written: mpsc::Sender<()>) {
    let ended = db.write_blocking(move |tx| {
        tx.execute(&END, &params![id])?;
        written.send(()).ok();
        let clock = SystemClock::new();
        while tx.one(&WAITING, &[], |row| row.get::<i64>(0))? == Some(0) && clock.elapsed() < Duration::from_secs(10) {
            std::thread::yield_now();
        }
        Ok(())
    });
    ended.unwrap_or_else(|error: StoreError| panic!("{error}"));
}

fn an_order_that_does_not_read_holds_up_no_other(database: &TestDatabase) {
    let mut world = World::open(database);
    let placed = [(); 7].map(|()| world.placed(PaymentMethod::Online, TOTAL));
    for (number, placed) in placed.iter().enumerate() {
        world.harness.publish("orders", placed);
        if number == 3 {
            world.harness.publish("orders", &Unheard {});
        }
    }

    world.harness.settle();

    for placed in &placed {
        assert_eq!(world.told_states(placed.order_id), ["created", "pending"]);
    }
    let letters = Log::open(world.harness.store()).unwrap().dead_letters(DeadLetterQuery::default()).unwrap();
    let keys: Vec<_> = letters.iter().map(|letter| (letter.consumer.as_str(), letter.key.as_str())).collect();
    assert_eq!(keys, [("payments.new-orders", "nobody")]);
}

fn the_payment_of_each_order_belongs_to_its_trace(database: &TestDatabase) {
    let mut world = World::open(database);
    let trace = |number: usize| format!("00-4bf92f3577b34da6a3ce929d0e0e473{number}-00f067aa0ba902b7-01");
    let placed = [(); 3].map(|()| world.placed(PaymentMethod::Online, TOTAL));
    let traced = placed.clone();
    let published = world.harness.db().write_blocking(move |tx| {
        traced.iter().enumerate().try_for_each(|(number, placed)| {
            tx.in_trace(Some(&trace(number)));
            tx.publish(placed)
        })
    });
    published.unwrap_or_else(|error: StoreError| panic!("{error}"));

    world.harness.settle();

    let log = Log::open(world.harness.store()).unwrap();
    log.advance().unwrap();
    for event in log.tail(0, &[PaymentMoved::TOPIC], 100).unwrap() {
        let order_id = event.decode::<PaymentMoved>().unwrap().order_id;
        let number = placed.iter().position(|placed| placed.order_id == order_id).unwrap();
        assert_eq!(event.traceparent, Some(trace(number)), "{event:?}");
    }
    assert!(placed.iter().all(|placed| world.told_states(placed.order_id) == ["created", "pending"]));
}
