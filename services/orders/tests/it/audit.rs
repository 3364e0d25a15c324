//! Every check, with the damage that it must name.

use std::collections::BTreeMap;

use contracts::orders::{OrderState, OrderUpdated};
use kernel::Currency;
use service::{Check, FactError, Facts, Finding, Mount};
use store::{Statement, StoreError};
use testkit::{ServiceHarness, TestDatabase, both_databases};

use crate::support::{World, minutes};

both_databases!(
    a_sound_database_is_clean,
    lines_that_do_not_make_the_items_are_named,
    money_that_does_not_add_up_is_named,
    money_that_nothing_is_made_for_is_told,
    a_paid_order_without_its_money_is_named,
    a_jump_in_a_history_is_named,
    a_history_that_leads_elsewhere_is_named,
    an_order_without_history_is_named,
    an_order_that_should_have_expired_is_named,
    an_answer_without_an_order_is_named,
    a_gap_in_the_versions_is_named,
    a_slot_that_is_miscounted_is_named,
    a_guest_who_is_miscounted_is_named,
    a_state_that_nobody_was_told_of_is_named,
    an_event_of_what_never_came_to_be_is_named,
    an_event_that_cannot_be_read_any_more_is_named,
);

/// A paid order in a limited slot, an unpaid one, and one that was cancelled.
fn busy(database: &TestDatabase) -> World {
    let mut world = World::new(database);
    world.catalog.change_terms(|terms| terms.slot_capacity = Some(5));
    world.a_paid_order("k1");
    world.a_placed_order("k2");
    let (id, _) = world.a_placed_order("k3");
    world.cancel_by(&testkit::Guest(1), id, &serde_json::json!({})).expect(200);
    world.harness.settle();
    world
}

/// The checks that find something after this damage.
fn found_after(database: &TestDatabase, damage: &'static [Statement]) -> Vec<&'static str> {
    let world = busy(database);
    let done: Result<(), StoreError> = world
        .harness
        .db()
        .write_blocking(move |tx| damage.iter().try_for_each(|statement| tx.execute(statement, &[]).map(drop)));
    done.unwrap();
    faulty(&world)
}

fn faulty(world: &World) -> Vec<&'static str> {
    let report = world.harness.audit();
    assert!(report.checks.iter().all(|check| check.not_made.is_none()), "{report}");
    let mine = report.checks.iter().filter(|check| check.service == "orders");
    mine.filter(|check| !check.findings.is_empty()).map(|check| check.id).collect()
}

const fn sql(sql: &'static str) -> Statement {
    Statement { name: "DAMAGE", sql }
}

fn a_sound_database_is_clean(database: &TestDatabase) {
    let world = busy(database);

    world.assert_clean();
}

fn lines_that_do_not_make_the_items_are_named(database: &TestDatabase) {
    static DAMAGE: [Statement; 1] =
        [sql("UPDATE orders SET items_minor = items_minor + 1, total_minor = total_minor + 1 WHERE state = 'placed'")];

    assert_eq!(found_after(database, &DAMAGE), ["MON-6"]);
}

fn money_that_does_not_add_up_is_named(database: &TestDatabase) {
    static DAMAGE: [Statement; 1] = [sql("UPDATE orders SET captured_minor = captured_minor + 1 WHERE state = 'paid'")];

    assert_eq!(found_after(database, &DAMAGE), ["MON-4"]);
}

/// What payments' half of MON-10 hears of orders.
fn unmade(facts: &Facts) -> Result<Vec<Finding>, FactError> {
    let unmade: BTreeMap<String, (OrderState, i64, Currency)> = facts.of("orders.unmade")?;
    let told = unmade.into_iter();
    Ok(told.map(|(id, (state, minor, currency))| Finding::new(id, format!("{state} {minor} {currency}"))).collect())
}

fn money_that_nothing_is_made_for_is_told(database: &TestDatabase) {
    let mut world = World::new(database);
    world.a_paid_order("k1");
    let (id, _) = world.a_placed_order("k2");
    let told = || {
        let service = |deps| orders::service(deps).check(Check::across("TOLD-1", unmade));
        let report = ServiceHarness::mount(database, Mount { service, ..orders::MOUNT }).audit();
        let check = report.checks.iter().find(|check| check.id == "TOLD-1").unwrap();
        check.findings.iter().map(|told| format!("{}: {}", told.subject, told.message)).collect::<Vec<_>>()
    };
    let nothing = told();
    world.payment(id).captured(100).publish();
    world.harness.settle();
    let too_little = told();

    world.harness.pass(minutes(10));

    assert_eq!((nothing, too_little), (vec![], vec![format!("{id}: placed 100 RUB")]));
    assert_eq!(told(), [format!("{id}: expired 100 RUB")]);
}

fn a_paid_order_without_its_money_is_named(database: &TestDatabase) {
    static ANOTHER_PAYER: [Statement; 1] =
        [sql("UPDATE orders SET paid_by = 'pay_00000000000000000000000001' WHERE state = 'paid'")];
    static TOO_LITTLE: [Statement; 2] = [
        sql("UPDATE orders SET captured_minor = 61999 WHERE state = 'paid'"),
        sql("UPDATE order_payments SET captured_minor = 61999"),
    ];

    assert_eq!(found_after(database, &ANOTHER_PAYER), ["MON-4"]);
    assert_eq!(found_after(database, &TOO_LITTLE), ["MON-4"]);
}

fn a_jump_in_a_history_is_named(database: &TestDatabase) {
    static DAMAGE: [Statement; 2] = [
        sql("UPDATE orders SET state = 'ready' WHERE state = 'paid'"),
        sql("UPDATE order_history SET state = 'ready' WHERE state = 'paid'"),
    ];

    assert_eq!(found_after(database, &DAMAGE), ["EVT-1", "ORD-1"]);
}

fn a_history_that_leads_elsewhere_is_named(database: &TestDatabase) {
    static DAMAGE: [Statement; 1] = [sql("UPDATE orders SET state = 'preparing' WHERE state = 'paid'")];

    assert_eq!(found_after(database, &DAMAGE), ["ORD-1"]);
}

fn an_order_without_history_is_named(database: &TestDatabase) {
    static DAMAGE: [Statement; 1] =
        [sql("DELETE FROM order_history WHERE order_id IN (SELECT id FROM orders WHERE state = 'placed')")];

    assert_eq!(found_after(database, &DAMAGE), ["EVT-1", "ORD-1"]);
}

fn an_order_that_should_have_expired_is_named(database: &TestDatabase) {
    let world = busy(database);
    world.harness.clock().advance(minutes(12));

    assert_eq!(faulty(&world), ["ORD-2"]);
}

fn an_answer_without_an_order_is_named(database: &TestDatabase) {
    static DAMAGE: [Statement; 1] =
        [sql("UPDATE idempotency_keys SET resource_id = 'ord_00000000000000000000000001' WHERE key = 'k2'")];

    assert_eq!(found_after(database, &DAMAGE), ["ORD-3"]);
}

fn a_gap_in_the_versions_is_named(database: &TestDatabase) {
    static DAMAGE: [Statement; 1] = [sql("UPDATE order_history SET version = 3 WHERE state = 'paid'")];

    assert_eq!(found_after(database, &DAMAGE), ["EVT-1", "ORD-4"]);
}

fn a_slot_that_is_miscounted_is_named(database: &TestDatabase) {
    static DAMAGE: [Statement; 1] = [sql("UPDATE order_slots SET taken = taken + 1")];

    assert_eq!(found_after(database, &DAMAGE), ["ORD-5"]);
}

fn a_guest_who_is_miscounted_is_named(database: &TestDatabase) {
    static DAMAGE: [Statement; 1] = [sql("UPDATE order_guests SET unpaid = unpaid + 1")];

    assert_eq!(found_after(database, &DAMAGE), ["ORD-6"]);
}

/// EVT-1, for each of the three topics.
fn a_state_that_nobody_was_told_of_is_named(database: &TestDatabase) {
    static LOST: [Statement; 3] = [
        sql("DELETE FROM events WHERE topic = 'new_orders'"),
        sql("DELETE FROM events WHERE topic = 'payed_orders'"),
        sql("DELETE FROM events WHERE topic = 'order_updates'"),
    ];
    let world = busy(database);
    let findings = || {
        let report = world.harness.audit();
        let checks = report.checks.iter().filter(|check| check.id == "EVT-1");
        checks.flat_map(|check| check.findings.clone()).map(|finding| finding.message).collect::<Vec<_>>()
    };
    let untold = |version: i64| format!("no event tells what its version {version} is");

    world.harness.damage_log(&LOST[0]);
    assert_eq!(findings(), [untold(1), untold(1), untold(1)]);
    world.harness.damage_log(&LOST[1]);
    assert_eq!(findings().iter().filter(|message| **message == untold(2)).count(), 1, "who is paid");
    world.harness.damage_log(&LOST[2]);
    assert_eq!(findings().iter().filter(|message| **message == untold(2)).count(), 3, "and who moved to where");
}

/// EVT-1: of a transaction that was rolled back, of a version that an order does not have, or of another state than it had.
fn an_event_of_what_never_came_to_be_is_named(database: &TestDatabase) {
    let world = busy(database);
    let known = world.told::<OrderUpdated>().remove(0);
    let strange = [
        OrderUpdated { order_id: contracts::OrderId::from_bits(1), ..known.clone() },
        OrderUpdated { version: known.version + 1, ..known.clone() },
        OrderUpdated { to: OrderState::Closed, ..known },
    ];
    for (told, event) in (1..).zip(strange) {
        world.harness.publish("orders", &event);

        let report = world.harness.audit();
        let found = report.checks.iter().find(|check| check.id == "EVT-1").unwrap();
        assert_eq!(found.findings.len(), told, "{report}");
        assert!(found.findings.iter().all(|finding| finding.message.ends_with("which never came to be")), "{report}");
    }
}

fn an_event_that_cannot_be_read_any_more_is_named(database: &TestDatabase) {
    static UNREADABLE: Statement = sql("UPDATE events SET payload = '{}' WHERE topic = 'order-service_orders'");
    static UNKNOWN: Statement = sql("UPDATE events SET kind = 'samovar.orders.paid.v0' WHERE topic = 'payed_orders'");
    let world = busy(database);

    world.harness.damage_log(&UNREADABLE);
    assert_eq!(faulty(&world), ["EVT-5"]);
    world.harness.damage_log(&UNKNOWN);

    assert_eq!(faulty(&world), ["EVT-1", "EVT-5"], "what cannot be read tells nobody of anything");
    let report = world.harness.audit().to_string();
    assert!(report.contains("nobody reads a samovar.orders.paid.v0 on payed_orders"), "{report}");
}
