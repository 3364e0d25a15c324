//! The audit names damage: each kind is planted and has to be found.

use contracts::orders::PaymentMethod;
use contracts::payments::PaymentMoved;
use service::{Deps, FactSet, Mount, Service};
use store::params;
use testkit::{FakeClock, ScriptedOutbound, TestDatabase};

use crate::world::{MOUNT, World, mount, rub};

testkit::both_databases!(
    a_line_without_its_transaction_is_named,
    a_payment_that_the_ledger_does_not_know_is_named,
    refunds_that_do_not_add_up_are_named,
    an_order_paid_by_another_payment_is_named,
    stray_money_is_named,
    a_refund_at_the_bank_behind_our_back_is_named,
    a_payment_that_the_bank_does_not_know_is_named,
    an_order_that_says_something_else_is_named,
    money_of_an_order_that_nobody_makes_is_named_until_it_goes_back,
    a_state_says_what_money_there_is,
    a_bank_whose_list_does_not_go_on_is_not_read_for_ever,
    a_payment_that_others_know_otherwise_is_named,
    news_of_a_payment_that_is_not_there_are_named,
    news_that_lead_back_are_named,
    an_event_that_cannot_be_read_any_more_is_named,
    without_a_bank_the_comparison_with_it_is_said_to_be_left_out,
);

store::statements! {
    /// Half a transaction.
    ORPHAN_LINE = "INSERT INTO ledger_entries (transaction_id, line, account, currency, debit_minor, credit_minor) \
        VALUES ('ldt_orphan', 1, 'till.cash', 'RUB', 5, 0)";
    /// Money that nobody posted.
    CAPTURE = "UPDATE payments SET state = 'captured', authorized_minor = amount_minor, captured_minor = amount_minor \
        WHERE id = $1";
    /// A refund that never was.
    REFUNDED = "UPDATE payments SET state = 'partially_refunded', refunded_minor = 5 WHERE id = $1";
    /// Another payment paid the order.
    OTHER_PAYER = "UPDATE payment_orders SET paid_by = 'pay_00000000000000000000000000'";
    /// The money does not count.
    DOES_NOT_COUNT = "UPDATE payments SET state = 'failed' WHERE id = $1";
    /// What is here.
    HELD = "SELECT order_id, captured_minor - refunded_minor FROM payments WHERE captured_minor > refunded_minor";
    /// The bank is not asked any more.
    NOT_ASKED = "UPDATE payments SET ask_at = NULL WHERE id = $1";
    /// Another payment at the bank.
    OTHER_REFERENCE = "UPDATE payments SET provider_ref = 'bnk_nobody' WHERE id = $1";
}

fn plant(world: &World, statement: &'static store::Statement, id: Option<&str>) {
    let id = id.map(str::to_owned);
    let planted = world.harness.db().write_blocking(move |tx| match &id {
        Some(id) => tx.execute(statement, &params![id]),
        None => tx.execute(statement, &[]),
    });
    assert_eq!(planted.unwrap(), 1);
}

fn assert_names(world: &World, check: &str, words: &str) {
    let findings = world.findings();
    let is_named = findings.iter().any(|finding| finding.starts_with(check) && finding.contains(words));
    assert!(is_named, "no {check} with {words:?} in {findings:?}");
}

fn a_line_without_its_transaction_is_named(database: &TestDatabase) {
    let mut world = World::open(database);
    world.paid_order();
    world.assert_clean();

    plant(&world, &ORPHAN_LINE, None);

    assert_names(&world, "MON-1", "ldt_orphan");
}

fn a_payment_that_the_ledger_does_not_know_is_named(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Counter);
    let payment = world.payment(id)["id"].as_str().unwrap().to_owned();

    plant(&world, &CAPTURE, Some(&payment));

    assert_names(&world, "MON-2", &payment);
    assert_names(&world, "MON-5", &id.to_string());
}

fn refunds_that_do_not_add_up_are_named(database: &TestDatabase) {
    let mut world = World::open(database);
    let (_, payment) = world.paid_order();

    plant(&world, &REFUNDED, Some(&payment));

    assert_names(&world, "MON-3", &payment);
    assert_names(&world, "MON-2", &payment);
    assert_names(&world, "MON-8", &payment);
}

fn an_order_paid_by_another_payment_is_named(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, _) = world.paid_order();

    plant(&world, &OTHER_PAYER, None);

    assert_names(&world, "MON-5", &id.to_string());
}

fn stray_money_is_named(database: &TestDatabase) {
    let mut world = World::open(database);
    let (_, payment) = world.paid_order();

    plant(&world, &DOES_NOT_COUNT, Some(&payment));

    assert_names(&world, "MON-5", &payment);
}

fn a_refund_at_the_bank_behind_our_back_is_named(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, payment) = world.paid_order();
    let reference = world.at_bank(id)[0]["id"].as_str().unwrap().to_owned();

    let ask = serde_json::json!({"amount": rub(5), "reference": "by hand"}).to_string();
    let url = format!("{}/v1/payments/{reference}/refunds", world.bank_url);
    ureq::post(url).header("idempotency-key", "by hand").send(ask.as_bytes()).unwrap();

    assert_names(&world, "MON-8", &payment);
}

fn a_payment_that_the_bank_does_not_know_is_named(database: &TestDatabase) {
    let mut world = World::open(database);
    let (_, payment) = world.paid_order();

    plant(&world, &OTHER_REFERENCE, Some(&payment));

    assert_names(&world, "MON-8", &payment);
    assert_names(&world, "MON-8", "no payment of ours knows it");
}

fn lying_orders(deps: Deps) -> Service {
    payments::service(deps).facts(FactSet::new("orders.paid", |_| Ok(vec![("ord_ghost".to_owned(), (5, "RUB"))])))
}

/// MON-4.
fn an_order_that_says_something_else_is_named(database: &TestDatabase) {
    let world = World::open(database);
    let placed = world.placed(PaymentMethod::Counter, 0);
    drop(world);
    let lying = Mount { service: lying_orders, ..MOUNT };
    let mut harness = testkit::ServiceHarness::mount_with(database, lying, testkit::HarnessOptions::default());
    harness.publish("orders", &contracts::orders::OrderPlaced { total: rub(500), ..placed.clone() });
    harness.settle();
    let path = format!("/orders/{}/payment", placed.order_id);
    let payment = harness.get(&path).by(&crate::world::ANNA).send().expect(200).json();
    let path = format!("/payments/{}/receive", payment["id"].as_str().unwrap());
    let cash = serde_json::json!({"how": "cash"});
    harness.post(&path).by(&crate::world::barista()).key("k").json(&cash).send().expect(200);

    let report = harness.audit();

    let check = report.checks.iter().find(|check| check.id == "MON-4" && check.service == "payments").unwrap();
    let subjects: Vec<_> = check.findings.iter().map(|finding| finding.subject.clone()).collect();
    assert_eq!(subjects, [format!("order {}", placed.order_id), "order ord_ghost".to_owned()]);
}

/// Whatever payments holds is of cancelled orders.
fn cancelled_orders(deps: Deps) -> Service {
    payments::service(deps).facts(FactSet::new("orders.unmade", |snapshot| {
        snapshot.list(&HELD, &[], |row| Ok((row.get(0)?, ("cancelled", row.get::<i64>(1)?, "RUB"))))
    }))
}

/// MON-10. The task that lies before the bank has the payment for its key, and excuses nothing of the order.
fn money_of_an_order_that_nobody_makes_is_named_until_it_goes_back(database: &TestDatabase) {
    let mut world = World::open(database);
    let (order, payment) = world.paid_order();
    let named = || {
        let mount = Mount { service: cancelled_orders, ..MOUNT };
        let harness = testkit::ServiceHarness::mount_with(database, mount, testkit::HarnessOptions::default());
        let report = harness.audit();
        let check = report.checks.iter().find(|check| check.id == "MON-10").unwrap();
        check.findings.iter().map(|finding| finding.subject.clone()).collect::<Vec<_>>()
    };
    let here = named();
    world.fault(&serde_json::json!({"kind": "down", "probability": 1, "seed": 7}));
    world.order_goes(order, contracts::orders::OrderState::Cancelled, 3, true);
    let on_its_way = named();

    plant(&world, &NOT_ASKED, Some(&payment));

    assert_eq!((here, on_its_way), (vec![format!("order {order}")], vec![]));
    assert_eq!(named(), [format!("order {order}")], "nobody asks how it ended");
}

fn a_state_says_what_money_there_is(database: &TestDatabase) {
    static UNTRUE: [store::Statement; 7] = [
        sql("UPDATE payments SET state = 'refunded'"),
        sql("UPDATE payments SET state = 'refunded', refunded_minor = captured_minor - 1"),
        sql("UPDATE payments SET state = 'partially_refunded'"),
        sql("UPDATE payments SET state = 'partially_refunded', refunded_minor = captured_minor"),
        sql("UPDATE payments SET refunded_minor = 1"),
        sql("UPDATE payments SET state = 'pending'"),
        sql("UPDATE payments SET state = 'cancelled'"),
    ];
    let mut world = World::open(database);
    world.paid_order();

    for untrue in &UNTRUE {
        let written: Result<u64, store::StoreError> =
            world.harness.db().write_blocking(move |tx| tx.execute(untrue, &[]));
        let refused = written.expect_err(untrue.sql);
        assert!(refused.violates("payments_state_and_money"), "{}: {refused}", untrue.sql);
    }
    world.assert_clean();
}

const fn sql(sql: &'static str) -> store::Statement {
    store::Statement { name: "UNTRUE", sql }
}

fn a_bank_whose_list_does_not_go_on_is_not_read_for_ever(database: &TestDatabase) {
    let pages = ["bnk_2", "bnk_2", "bnk_1", "bnk_1"]
        .map(|next| Ok(testkit::json_answer(200, &serde_json::json!({"items": [], "next_cursor": next}))));
    let settings = [("payments.bank_url", "http://bank.example")];
    let harness = mount(database, &FakeClock::default(), &settings, ScriptedOutbound::queued(pages), 1);

    let report = harness.audit();

    let check = report.checks.iter().find(|check| check.id == "MON-8").unwrap();
    assert!(check.not_made.as_ref().is_some_and(|reason| reason.contains("does not go on")), "{report}");
}

/// EVT-1: the money moved and nobody heard of it.
fn a_payment_that_others_know_otherwise_is_named(database: &TestDatabase) {
    static LOST: store::Statement = sql(
        "DELETE FROM events WHERE topic = 'payments' AND seq = (SELECT MAX(seq) FROM events WHERE topic = 'payments')",
    );
    let mut world = World::open(database);
    let (_, payment) = world.paid_order();

    world.harness.damage_log(&LOST);

    assert_names(&world, "EVT-1", &format!("payment {payment}: no event tells what its version"));
}

/// EVT-1: of a transaction that was rolled back.
fn news_of_a_payment_that_is_not_there_are_named(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, _) = world.paid_order();
    let known = world.told(id).pop().unwrap();
    let nobody = contracts::PaymentId::from_bits(1);

    world.harness.publish("payments", &PaymentMoved { payment_id: nobody, ..known.clone() });
    world.harness.publish("payments", &PaymentMoved { version: known.version + 1, ..known.clone() });
    world.harness.publish("payments", &PaymentMoved { refunded: known.captured, ..known });

    assert_names(&world, "EVT-1", &format!("of payment {nobody}, which never came to be"));
    let of_event = |finding: &&String| finding.starts_with("EVT-1 event");
    assert_eq!(world.findings().iter().filter(of_event).count(), 3, "nobody's, a version too many, another sum");
}

fn news_that_lead_back_are_named(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, payment) = world.paid_order();
    let first = world.told(id).remove(0);

    world.harness.publish("payments", &first);

    assert_names(&world, "MON-9", &format!("payment {payment}: was told as created after it had been captured"));
}

fn an_event_that_cannot_be_read_any_more_is_named(database: &TestDatabase) {
    static UNREADABLE: [store::Statement; 3] = [
        sql("UPDATE events SET payload = '{}' WHERE topic = 'payments'"),
        sql("UPDATE events SET payload = '[]' WHERE topic = 'payment_tasks'"),
        sql("UPDATE events SET kind = 'x' WHERE topic = 'payment_callbacks'"),
    ];
    let mut world = World::open(database);
    world.paid_order();

    for (damage, words) in UNREADABLE.iter().zip(["payments.moved.v1", "provider-wanted.v1", "nobody reads a x"]) {
        world.harness.damage_log(damage);
        assert_names(&world, "EVT-5", words);
    }
}

/// MON-8 says that it was not made.
fn without_a_bank_the_comparison_with_it_is_said_to_be_left_out(database: &TestDatabase) {
    let harness = mount(database, &FakeClock::default(), &[], ScriptedOutbound::silent(), 1);

    let report = harness.audit();

    let check = report.checks.iter().find(|check| check.id == "MON-8").unwrap();
    assert_eq!(check.not_made.as_deref(), Some("no bank is configured (payments.bank_url)"));
    assert!(check.left_out, "{report}");
}
