//! Lists: whose, which, in pages.

use contracts::orders::{OrderLife, OrderPlaced, OrderUpdated, State, StateRequest};
use contracts::{OrderId, feed::OrderFeed};
use eventlog::DeadLetterQuery;
use kernel::Event as _;
use serde_json::{Value, json};
use store::StoreError;
use testkit::{Admin, Barista, Guest, TestDatabase, both_databases};

use crate::support::{World, id_of, minutes, other_shop, shop};

both_databases!(
    a_guest_lists_the_own_orders_in_pages,
    staff_list_the_orders_of_their_shops,
    a_list_is_narrowed_by_state_and_time,
    a_reader_who_has_it_gets_no_body,
    the_feed_tells_every_change_of_status,
    the_feed_tells_each_of_several_orders_and_leaves_out_what_is_none,
    the_life_of_orders_is_told_to_catalog,
);

fn ids(page: &Value) -> Vec<OrderId> {
    page["items"].as_array().unwrap().iter().map(id_of).collect()
}

fn a_guest_lists_the_own_orders_in_pages(database: &TestDatabase) {
    let world = World::new(database);
    let mut mine: Vec<OrderId> = (0..5)
        .map(|n| {
            world.harness.clock().advance(minutes(1));
            world.a_placed_order(&format!("k{n}")).0
        })
        .collect();
    world.place_as(Guest(2), "k", &world.basket(1)).expect(201);
    mine.reverse();

    let mut seen = Vec::new();
    let mut path = "/orders?limit=2".to_owned();
    for _ in 0..5 {
        let page = world.harness.get(&path).by(&Guest(1)).send().expect(200).json();
        seen.extend(ids(&page));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        world.place_as(Guest(1), cursor.get(..20).unwrap(), &world.basket(1)).expect(201);
        path = format!("/orders?limit=2&cursor={cursor}");
    }

    assert_eq!(seen, mine, "stable while orders are placed");
}

fn staff_list_the_orders_of_their_shops(database: &TestDatabase) {
    let world = World::new(database);
    let (id, _) = world.a_placed_order("k1");
    let list = |path: &str, by: &dyn Fn(testkit::TestRequest<'_>) -> testkit::Answer| {
        ids(&by(world.harness.get(path)).expect(200).json())
    };
    let of_shop = format!("/orders?shop_id={}", shop());

    assert_eq!(list("/orders", &|r| r.by(&Barista(shop())).send()), [id]);
    assert_eq!(list(&of_shop, &|r| r.by(&Barista(shop())).send()), [id]);
    assert_eq!(list("/orders", &|r| r.by(&Admin).send()), [id]);
    assert_eq!(list(&of_shop, &|r| r.by(&Guest(1)).send()), [id]);
    assert!(list("/orders", &|r| r.by(&Barista(other_shop())).send()).is_empty());
    assert!(list(&of_shop, &|r| r.by(&Barista(other_shop())).send()).is_empty());
    assert!(list(&of_shop, &|r| r.by(&Guest(2)).send()).is_empty());
}

fn a_list_is_narrowed_by_state_and_time(database: &TestDatabase) {
    let mut world = World::new(database);
    let paid = world.a_paid_order("k1");
    world.harness.clock().advance(minutes(5));
    let (placed, _) = world.a_placed_order("k2");
    let list =
        |query: &str| ids(&world.harness.get(&format!("/orders?{query}")).by(&Guest(1)).send().expect(200).json());

    assert_eq!(list("state=paid"), [paid]);
    assert_eq!(list("state=placed"), [placed]);
    assert_eq!(list("from=2026-11-21T10:05:00Z"), [placed]);
    assert_eq!(list("to=2026-11-21T10:05:00Z"), [paid]);
    assert!(list("from=2026-11-22T00:00:00Z").is_empty());
    world.harness.get("/orders?state=lost&limit=0&colour=red").by(&Guest(1)).send().expect(422);
}

fn a_reader_who_has_it_gets_no_body(database: &TestDatabase) {
    let world = World::new(database);
    let (id, _) = world.a_placed_order("k1");
    let path = format!("/orders/{id}");
    let first = world.harness.get(&path).by(&Guest(1)).send().expect(200);
    let tag = first.header("etag").unwrap();

    let same = world.harness.get(&path).by(&Guest(1)).header("if-none-match", tag).send().expect(304);
    world.cancel_by(&Guest(1), id, &json!({})).expect(200);
    let changed = world.harness.get(&path).by(&Guest(1)).header("if-none-match", tag).send();

    assert!(same.body.is_empty());
    changed.expect(200);
}

fn the_feed_tells_every_change_of_status(database: &TestDatabase) {
    let mut world = World::new(database);
    let id = world.a_paid_order("k1");
    for state in ["preparing", "ready", "closed"] {
        world.harness.clock().advance(minutes(1));
        world.status(id, state).expect(200);
        world.harness.settle();
    }

    let feed = world.told::<OrderFeed>();

    let last = serde_json::to_value(feed.last().unwrap()).unwrap();
    assert_eq!(feed.len(), 5);
    assert!(feed.iter().all(|message| message.object_id == feed[0].object_id && message.order_id == id));
    assert_eq!((&last["object_type"], &last["sent_dttm"]), (&json!("order"), &json!("2026-11-21 10:03:00")));
    assert_eq!(
        last["payload"]["statuses"],
        json!([{"status": "CLOSED", "dttm": "2026-11-21 10:03:00"}, {"status": "COOKING", "dttm": "2026-11-21 10:01:00"},
               {"status": "OPEN", "dttm": "2026-11-21 10:00:00"}])
    );
    assert_eq!((&last["payload"]["final_status"], &last["payload"]["cost"]), (&json!("CLOSED"), &json!(620)));
    assert_eq!(last["payload"]["order_items"][0]["price"], 310);
    assert_eq!(last["payload"]["order_items"][0]["name"], "Латте");
}

/// All are heard of in one transaction. Each message belongs to the trace of the event that it is made for.
fn the_feed_tells_each_of_several_orders_and_leaves_out_what_is_none(database: &TestDatabase) {
    let mut world = World::new(database);
    let (first, _) = world.a_placed_order("k1");
    let (second, _) = world.a_placed_order("k2");
    world.cancel_by(&Guest(1), second, &json!({})).expect(200);
    let placed: Vec<OrderPlaced> = world.told();
    let nobody = OrderPlaced { order_id: OrderId::from_bits(99), ..placed[0].clone() };
    let unpaid = OrderUpdated { refund_due: true, ..world.told::<OrderUpdated>().remove(0) };
    let stays = OrderUpdated { from: unpaid.to, ..unpaid };
    let trace = |number: usize| format!("00-4bf92f3577b34da6a3ce929d0e0e473{number}-00f067aa0ba902b7-01");
    let again = placed.clone();
    let published = world.harness.db().write_blocking(move |tx| {
        tx.publish(&nobody)?;
        tx.publish(&stays)?;
        again.iter().enumerate().try_for_each(|(number, placed)| {
            tx.in_trace(Some(&trace(number)));
            tx.publish(placed)
        })
    });
    published.unwrap_or_else(|error: StoreError| panic!("{error}"));

    world.harness.settle();

    let feed = world.told::<OrderFeed>();
    let told: Vec<_> = feed.iter().map(|message| (message.order_id, message.payload.statuses.len())).collect();
    assert_eq!(told, [(first, 1), (second, 2), (second, 2), (first, 1), (second, 2)]);
    let log = eventlog::Log::open(world.harness.store()).unwrap();
    log.advance().unwrap();
    let traces: Vec<_> =
        log.tail(0, &[OrderFeed::TOPIC], 10).unwrap().into_iter().map(|event| event.traceparent).collect();
    assert_eq!(traces[3..], [Some(trace(0)), Some(trace(1))]);
    let letters = log.dead_letters(DeadLetterQuery::default()).unwrap();
    let keys: Vec<_> = letters.iter().map(|letter| (letter.consumer.as_str(), letter.key.clone())).collect();
    assert_eq!(keys, [("orders.feed", OrderId::from_bits(99).to_string())]);
}

fn the_life_of_orders_is_told_to_catalog(database: &TestDatabase) {
    let mut world = World::new(database);
    let paid = world.a_paid_order("k1");
    let (placed, _) = world.a_placed_order("k2");
    let (gone, _) = world.a_placed_order("k3");
    world.cancel_by(&Guest(1), gone, &json!({})).expect(200);
    let nobody = OrderId::from_bits(5);
    let ask = || {
        let request = StateRequest { order_ids: vec![nobody, placed, gone, paid, nobody] };
        world.harness.calls().call_blocking::<State>(&request).unwrap().lives
    };

    let first = ask();

    let ask_at = "2026-11-21T10:11:00Z".parse().unwrap();
    let expected = [
        OrderLife::Ended { order_id: nobody },
        OrderLife::Live { order_id: placed, ask_at },
        OrderLife::Ended { order_id: gone },
        OrderLife::Paid { order_id: paid },
        OrderLife::Ended { order_id: nobody },
    ];
    assert_eq!(first, expected);
    assert_eq!(ask(), expected, "asked again it is the same");
    world.assert_clean();
}
