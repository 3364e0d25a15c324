//! Waiting for news: for whom, how many at once, and how often it is looked.

use std::time::Duration;

use contracts::OrderId;
use contracts::orders::PaymentMethod;
use futures_util::future::{join_all, select_all};
use kernel::{Clock as _, OsRng, SystemClock};
use serde_json::json;
use testkit::{Answer, TestDatabase, runtime};

use crate::world::{ANNA, BORIS, World};

testkit::both_databases!(
    another_guest_is_told_at_once_that_there_is_nothing,
    those_who_find_no_place_are_answered_at_once,
    one_person_does_not_take_everybodys_places,
    an_order_that_was_not_heard_of_is_waited_for_a_moment,
    a_made_up_order_does_not_keep_a_reader,
    every_commit_wakes_a_waiter_and_not_every_one_is_a_look,
    news_end_the_waiting,
    an_order_heard_of_while_waiting_is_waited_for_until_it_has_a_page,
    the_end_of_the_process_ends_the_waiting,
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

/// Anna waits in six windows: five of them may, and there is a place left for the barista.
fn one_person_does_not_take_everybodys_places(database: &TestDatabase) {
    let mut world = World::with(database, &[("payments.waiters_max", "6")]);
    let id = world.order(PaymentMethod::Counter);
    let path = wait(id, "pending");

    runtime().block_on(async {
        let windows = (0..6).map(|_| Box::pin(world.harness.get(&path).by(&ANNA).answer()));
        let sixth = tokio::time::timeout(AT_ONCE, select_all(windows)).await;
        let (answer, _, waiting) = sixth.expect("one of six is answered at once");
        assert_eq!(answer.expect(200).json()["state"], "pending");
        let staff = crate::world::barista();
        let others = waiting.into_iter().chain([Box::pin(world.harness.get(&path).by(&staff).answer())]);
        let nobody = tokio::time::timeout(Duration::from_millis(500), select_all(others)).await;
        assert!(nobody.is_err(), "five of Anna's wait, and the barista does");
    });
}

/// There is no place at all, and still the order may be heard of in a moment.
fn an_order_that_was_not_heard_of_is_waited_for_a_moment(database: &TestDatabase) {
    let world = World::with(database, &[("payments.waiters_max", "0")]);
    let id = world.place(PaymentMethod::Counter);
    let clock = SystemClock::new();

    let begun = clock.elapsed();
    world.harness.get(&format!("/orders/{id}/payment")).by(&ANNA).send().expect(404);

    assert!(clock.elapsed() - begun >= Duration::from_millis(250));
}

/// An id that looks as if the order was placed just now.
fn a_made_up_order_does_not_keep_a_reader(database: &TestDatabase) {
    let world = World::open(database);
    let made_up = OrderId::new(world.clock.now(), &OsRng);

    let answer = at_once(world.harness.get(&wait(made_up, "captured")).by(&ANNA).answer());

    answer.expect("nobody waits long for what may never be there").expect(404);
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

/// Its first look comes before payments hears of the order, and then the bank takes its time.
fn an_order_heard_of_while_waiting_is_waited_for_until_it_has_a_page(database: &TestDatabase) {
    let world = World::open(database);
    let mut consumers = world.beside(database);
    world.fault(&json!({"kind": "down", "probability": 1, "seed": 7}));
    let id = world.place(PaymentMethod::Online);
    let path = format!("/orders/{id}/payment?wait=25s");
    let mut waiting = Box::pin(world.harness.get(&path).by(&ANNA).answer());
    let mut answered_within = |ms| {
        let limit = Duration::from_millis(ms);
        runtime().block_on(async { tokio::time::timeout(limit, &mut waiting).await.ok() })
    };

    assert!(answered_within(100).is_none(), "the order is waited for");
    consumers.settle();
    assert!(answered_within(1_500).is_none(), "it is there, and has no page");
    world.no_faults();
    consumers.pass(Duration::from_secs(60));
    let answer = answered_within(10_000).expect("there is a page").expect(200).json();

    assert!(answer["payment_url"].is_string(), "{answer}");
}

fn the_end_of_the_process_ends_the_waiting(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Counter);
    let closing = world.harness.platform().closing().clone();
    let path = wait(id, "pending");
    let mut waiting = Box::pin(world.harness.get(&path).by(&ANNA).answer());

    let early = runtime().block_on(async { tokio::time::timeout(Duration::from_millis(100), &mut waiting).await });
    closing.ask();
    let answer = at_once(waiting);

    assert!(early.is_err(), "nothing has happened yet");
    assert_eq!(answer.expect("told what there is").expect(200).json()["state"], "pending");
}
