//! The tables of the ledger guard themselves, whoever writes.

use contracts::orders::PaymentMethod;
use store::{StoreError, params};
use testkit::TestDatabase;

use crate::world::{World, manager};

testkit::both_databases!(
    posted_rows_are_never_changed_or_removed,
    an_unbalanced_transaction_is_not_taken,
    a_posted_transaction_takes_no_more_lines,
    one_fact_is_posted_once,
    a_database_keeps_at_most_one_captured_payment_per_order,
    the_ledger_comes_in_pages,
);

store::statements! {
    /// Changes a line.
    CHANGE_LINE = "UPDATE ledger_entries SET debit_minor = debit_minor + 1 WHERE debit_minor > 0";
    /// Removes lines.
    REMOVE_LINES = "DELETE FROM ledger_entries";
    /// Changes a header.
    CHANGE_HEADER = "UPDATE ledger_transactions SET posted_at = 0";
    /// Removes headers.
    REMOVE_HEADERS = "DELETE FROM ledger_transactions";
    /// A line of any kind.
    ADD_LINE = "INSERT INTO ledger_entries (transaction_id, line, account, currency, debit_minor, credit_minor) \
        VALUES ($1, $2, 'till.cash', $3, $4, $5)";
    /// A header of any kind.
    ADD_HEADER = "INSERT INTO ledger_transactions (id, kind, source, payment_id, order_id, shop_id, posted_at) \
        SELECT $1, 'capture', $2, id, order_id, shop_id, 0 FROM payments LIMIT 1";
    /// A transaction.
    SOME_TRANSACTION = "SELECT id FROM ledger_transactions LIMIT 1";
    /// A captured payment of the same order as another.
    CAPTURE_ALL = "UPDATE payments SET state = 'captured', authorized_minor = amount_minor, captured_minor = amount_minor";
}

fn refused(world: &World, act: impl FnMut(&mut store::Tx<'_>) -> Result<(), StoreError> + Send + 'static) -> String {
    match world.harness.db().write_blocking(act) {
        Err(StoreError::Check { constraint } | StoreError::Unique { constraint }) => constraint,
        other => panic!("not refused by a constraint: {other:?}"),
    }
}

/// MON-2.
fn posted_rows_are_never_changed_or_removed(database: &TestDatabase) {
    let mut world = World::open(database);
    world.paid_order();

    for statement in [&CHANGE_LINE, &REMOVE_LINES, &CHANGE_HEADER, &REMOVE_HEADERS] {
        let constraint = refused(&world, move |tx| tx.execute(statement, &[]).map(drop));
        assert_eq!(constraint, "ledger_append_only", "{}", statement.name);
    }
    world.assert_clean();
}

/// MON-1.
fn an_unbalanced_transaction_is_not_taken(database: &TestDatabase) {
    let mut world = World::open(database);
    world.paid_order();

    let one_sided = refused(&world, |tx| {
        tx.execute(&ADD_LINE, &params!["ldt_x", 1, "RUB", 5, 0])?;
        tx.execute(&ADD_HEADER, &params!["ldt_x", "s"]).map(drop)
    });
    let two_currencies = refused(&world, |tx| {
        tx.execute(&ADD_LINE, &params!["ldt_x", 1, "RUB", 5, 0])?;
        tx.execute(&ADD_LINE, &params!["ldt_x", 2, "USD", 0, 5])?;
        tx.execute(&ADD_HEADER, &params!["ldt_x", "s"]).map(drop)
    });
    let empty = refused(&world, |tx| tx.execute(&ADD_HEADER, &params!["ldt_x", "s"]).map(drop));
    let two_sided_line = refused(&world, |tx| tx.execute(&ADD_LINE, &params!["ldt_x", 1, "RUB", 5, 5]).map(drop));

    assert_eq!([one_sided, two_currencies, empty], ["ledger_balanced"; 3]);
    assert_eq!(two_sided_line, "ledger_entries_one_side");
    world.assert_clean();
}

fn a_posted_transaction_takes_no_more_lines(database: &TestDatabase) {
    let mut world = World::open(database);
    world.paid_order();

    let constraint = refused(&world, |tx| {
        let id: Option<String> = tx.one(&SOME_TRANSACTION, &[], |row| row.get(0))?;
        let id = id.unwrap();
        tx.execute(&ADD_LINE, &params![&id, 3, "RUB", 5, 0])?;
        tx.execute(&ADD_LINE, &params![&id, 4, "RUB", 0, 5]).map(drop)
    });

    assert_eq!(constraint, "ledger_closed");
}

fn one_fact_is_posted_once(database: &TestDatabase) {
    let mut world = World::open(database);
    let (_, payment) = world.paid_order();
    let source = format!("capture:{payment}");

    let constraint = refused(&world, move |tx| {
        tx.execute(&ADD_LINE, &params!["ldt_x", 1, "RUB", 5, 0])?;
        tx.execute(&ADD_LINE, &params!["ldt_x", 2, "RUB", 0, 5])?;
        tx.execute(&ADD_HEADER, &params!["ldt_x", &source]).map(drop)
    });

    assert_eq!(constraint, "ledger_transactions_source_unique");
}

/// MON-5.
fn a_database_keeps_at_most_one_captured_payment_per_order(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Counter);
    let again = serde_json::json!({"method": "counter"});
    let path = format!("/orders/{id}/payments");
    world.harness.post(&path).by(&crate::world::ANNA).key("k").json(&again).send().expect(201);

    let constraint = refused(&world, |tx| tx.execute(&CAPTURE_ALL, &[]).map(drop));

    assert_eq!(constraint, "payments_one_captured");
}

fn the_ledger_comes_in_pages(database: &TestDatabase) {
    let mut world = World::open(database);
    for _ in 0..3 {
        world.paid_order();
        world.tick();
    }

    let first = world.harness.get("/ledger?limit=2").by(&manager()).send().expect(200).json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = world.harness.get(&format!("/ledger?limit=2&cursor={cursor}")).by(&manager()).send().expect(200).json();
    let payments = world.harness.get("/payments?limit=2").by(&manager()).send().expect(200).json();
    let cursor = payments["next_cursor"].as_str().unwrap();
    let others =
        world.harness.get(&format!("/payments?limit=2&cursor={cursor}")).by(&manager()).send().expect(200).json();

    assert_eq!((first["items"].as_array().unwrap().len(), rest["items"].as_array().unwrap().len()), (2, 1));
    assert_eq!((payments["items"].as_array().unwrap().len(), others["items"].as_array().unwrap().len()), (2, 1));
    world.harness.get("/ledger?cursor=rubbish").by(&manager()).send().expect(422);
}
