//! The tables hold what the code holds, even against code that forgets.

use contracts::orders::OrderState;
use store::{Statement, StoreError};
use testkit::{TestDatabase, both_databases};

use crate::support::World;

both_databases!(
    every_statement_prepares,
    totals_that_do_not_add_up_are_refused_by_the_table,
    a_slot_is_not_oversold_by_the_table,
    a_number_is_given_once_by_the_table,
    a_paid_order_without_a_payment_is_refused_by_the_table,
    an_ended_order_holds_no_slot_by_the_table,
    a_conversion_in_parts_is_refused_by_the_table,
);

fn every_statement_prepares(database: &TestDatabase) {
    let mut world = World::new(database);

    world.harness.platform().prepare_all().unwrap();
}

/// What breaks when this is run.
fn broken_by(world: &World, statement: &'static Statement) -> StoreError {
    let run: Result<u64, StoreError> = world.harness.db().write_blocking(move |tx| tx.execute(statement, &[]));
    run.unwrap_err()
}

fn totals_that_do_not_add_up_are_refused_by_the_table(database: &TestDatabase) {
    static MORE: Statement = Statement { name: "MORE", sql: "UPDATE orders SET total_minor = total_minor + 1" };
    static NEGATIVE: Statement =
        Statement { name: "NEGATIVE", sql: "UPDATE orders SET discount_minor = -1, total_minor = total_minor + 1" };
    let world = World::new(database);
    world.a_placed_order("k1");

    assert!(broken_by(&world, &MORE).violates("orders_total_adds_up"));
    assert!(broken_by(&world, &NEGATIVE).violates("orders_parts_not_negative"));
}

fn a_slot_is_not_oversold_by_the_table(database: &TestDatabase) {
    static MORE: Statement = Statement { name: "MORE", sql: "UPDATE order_slots SET taken = taken + 1" };
    let world = World::new(database);
    world.catalog.change_terms(|terms| terms.slot_capacity = Some(1));
    world.a_placed_order("k1");

    assert!(broken_by(&world, &MORE).violates("order_slots_not_oversold"));
}

fn a_number_is_given_once_by_the_table(database: &TestDatabase) {
    static SAME: Statement = Statement { name: "SAME", sql: "UPDATE orders SET number = 1" };
    let world = World::new(database);
    world.a_placed_order("k1");
    world.a_placed_order("k2");

    assert!(broken_by(&world, &SAME).violates("orders_number_unique"));
}

fn a_paid_order_without_a_payment_is_refused_by_the_table(database: &TestDatabase) {
    static PAID: Statement = Statement { name: "PAID", sql: "UPDATE orders SET state = 'paid'" };
    let world = World::new(database);
    world.a_placed_order("k1");

    assert!(broken_by(&world, &PAID).violates("orders_paid_has_receipt"));
}

fn an_ended_order_holds_no_slot_by_the_table(database: &TestDatabase) {
    static ENDED: Statement = Statement { name: "ENDED", sql: "UPDATE orders SET state = 'expired'" };
    let world = World::new(database);
    world.catalog.change_terms(|terms| terms.slot_capacity = Some(1));
    world.a_placed_order("k1");

    assert!(broken_by(&world, &ENDED).violates("orders_ended_holds_no_slot"));
}

/// MON-7.
fn a_conversion_in_parts_is_refused_by_the_table(database: &TestDatabase) {
    static NO_RATE: Statement =
        Statement { name: "NO_RATE", sql: "UPDATE orders SET converted_currency = 'EUR', converted_total_minor = 1" };
    let world = World::new(database);
    world.a_placed_order("k1");

    assert!(broken_by(&world, &NO_RATE).violates("orders_conversion_whole"));
}

#[test]
fn the_words_of_states_are_those_of_the_table() {
    let migration = orders::MIGRATIONS[0].sqlite;

    for state in OrderState::ALL {
        assert!(migration.contains(&format!("'{state}'")), "{state}");
    }
}
