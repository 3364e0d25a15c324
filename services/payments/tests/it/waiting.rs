//! Waiting for news: for whom, how many at once, and how often it is looked.

use std::time::Duration;

use contracts::OrderId;
use contracts::orders::PaymentMethod;
use futures_util::future::join_all;
use serde_json::json;
use testkit::{Answer, TestDatabase, runtime};

use crate::world::{ANNA, BORIS, World};

testkit::both_databases!(
    another_guest_is_told_at_once_that_there_is_nothing,
    those_who_find_no_place_are_answered_at_once,
    every_commit_wakes_a_waiter_and_not_every_one_is_a_look,
    news_end_the_waiting,
);

/// Far below the 25 s that a wait may take, far above what an answer takes.
const AT_ONCE: Duration = Duration::from_secs(10);

fn wait(id: OrderId, since: &str) -> String {
    format!("/orders/{id}/payment?wait=25s&since={since}")
}

/// The answer, if it comes without waiting.
fn at_once(answer: impl Future<Output = Answer>) -> Option<Answer> {
    runtime().block_on(async { tokio::time::timeout(AT_ONCE, answer).await.ok() })
}

fn another_guest_is_told_at_once_that_there_is_nothing(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, _) = world.paid_order();
    world.clock.advance(Duration::from_secs(60));

    let foreign = at_once(world.harness.get(&wait(id, "captured")).by(&BORIS).answer());
    let unknown = world.harness.get(&wait(OrderId::from_bits(5), "captured")).by(&BORIS).send().expect(404);

    let without_id = |answer: Answer| {
        let mut body = answer.json();
        body.as_object_mut().unwrap().remove("request_id");
        body
    };
    let foreign = foreign.expect("nobody waits for what is not theirs").expect(404);
    assert_eq!(without_id(foreign), without_id(unknown), "foreign and unknown look alike");
}

fn those_who_find_no_place_are_answered_at_once(database: &TestDatabase) {
    let mut world = World::with(database, &[("payments.waiters_max", "0")]);
    let id = world.order(PaymentMethod::Counter);

    let answer = at_once(world.harness.get(&wait(id, "pending")).by(&ANNA).answer());

    assert_eq!(answer.expect("there is no place to wait").expect(200).json()["state"], "pending");
}

fn every_commit_wakes_a_waiter_and_not_every_one_is_a_look(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Counter);
    let path = format!("/orders/{id}/payment?wait=500ms&since=pending");
    let before = world.harness.store().stats().reads;

    runtime().block_on(async {
        let waiting = world.harness.get(&path).by(&ANNA).answer();
        tokio::pin!(waiting);
        loop {
            tokio::select! {
                answer = &mut waiting => return drop(answer.expect(200)),
                () = commit(&world) => {}
            }
        }
    });

    let looks = world.harness.store().stats().reads - before;
    assert!(looks <= 8, "{looks} looks in half a second");
}

/// Somebody publishes something.
async fn commit(world: &World) {
    let placed = world.placed(PaymentMethod::Counter, 100);
    let written: Result<(), store::StoreError> =
        world.harness.other_db("orders").write(move |tx| tx.publish(&placed)).await;
    written.unwrap();
}

fn news_end_the_waiting(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Counter);
    let payment = world.payment(id)["id"].as_str().unwrap().to_owned();
    let receive = format!("/payments/{payment}/receive");
    let cash = json!({"how": "cash"});

    let requests = [
        world.harness.get(&wait(id, "pending")).by(&ANNA),
        world.harness.post(&receive).by(&crate::world::barista()).key("k").json(&cash),
    ];
    let all = join_all(requests.map(testkit::TestRequest::answer));
    let answers = runtime().block_on(async { tokio::time::timeout(AT_ONCE, all).await });

    assert_eq!(answers.expect("the news came")[0].json()["state"], "captured");
}
