//! Many at once.

use contracts::orders::PaymentMethod;
use futures_util::future::join_all;
use serde_json::json;
use testkit::{Answer, TestDatabase, TestRequest, runtime};

use crate::world::{ANNA, TOTAL, World, barista, manager};

testkit::both_databases!(
    refunds_at_once_never_exceed_what_was_captured,
    twenty_requests_with_one_key_make_one_refund,
    twenty_baristas_receive_once,
    attempts_at_once_leave_one_open,
);

/// All of these requests at once.
fn at_once<'w>(requests: impl Iterator<Item = TestRequest<'w>>) -> Vec<Answer> {
    let requests: Vec<_> = requests.collect();
    runtime().block_on(join_all(requests.into_iter().map(TestRequest::answer)))
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status.as_u16()).collect()
}

/// security.md P11.
fn refunds_at_once_never_exceed_what_was_captured(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, payment) = world.paid_order();
    let path = format!("/payments/{payment}/refunds");
    let ask = json!({"amount": {"amount": 10_000, "currency": "RUB"}, "reason": "r"});

    let statuses = statuses(&at_once(
        (0..20).map(|number| world.harness.post(&path).by(&manager()).key(&format!("k{number}")).json(&ask)),
    ));
    world.harness.settle();

    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 6, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 14, "{statuses:?}");
    assert_eq!(world.at_bank(id)[0]["refunded"]["amount"], 60_000);
    world.assert_clean();
}

fn twenty_requests_with_one_key_make_one_refund(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, payment) = world.paid_order();
    let path = format!("/payments/{payment}/refunds");
    let ask = json!({"amount": {"amount": 10_000, "currency": "RUB"}, "reason": "r"});

    let answers = at_once((0..20).map(|_| world.harness.post(&path).by(&manager()).key("k").json(&ask)));
    world.harness.settle();

    let made: Vec<_> = answers.iter().filter(|answer| answer.status.as_u16() == 201).collect();
    assert!(!made.is_empty() && made.iter().all(|answer| answer.body == made[0].body));
    assert!(answers.iter().all(|answer| matches!(answer.status.as_u16(), 201 | 409)));
    assert_eq!(world.at_bank(id)[0]["refunded"]["amount"], 10_000);
}

fn twenty_baristas_receive_once(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Counter);
    let payment = world.payment(id)["id"].as_str().unwrap().to_owned();
    let path = format!("/payments/{payment}/receive");
    let cash = json!({"how": "cash"});

    let statuses = statuses(&at_once(
        (0..20).map(|number| world.harness.post(&path).by(&barista()).key(&format!("k{number}")).json(&cash)),
    ));

    assert_eq!(statuses, [200; 20]);
    assert_eq!(
        world.ledger(id),
        [("capture".into(), "till.cash".into(), TOTAL), ("capture".into(), "orders.paid".into(), -TOTAL)]
    );
    world.assert_clean();
}

fn attempts_at_once_leave_one_open(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Online);
    let path = format!("/orders/{id}/payments");
    let again = json!({"method": "online"});

    let statuses = statuses(&at_once(
        (0..8).map(|number| world.harness.post(&path).by(&ANNA).key(&format!("k{number}")).json(&again)),
    ));
    world.harness.settle();

    assert_eq!(statuses, [201; 8]);
    let open = world.payments(id).iter().filter(|payment| payment["state"] == "pending").count();
    assert_eq!(open, 1);
    assert_eq!(world.at_bank(id).iter().filter(|payment| payment["state"] == "pending").count(), 1);
    world.assert_clean();
}
