//! Statements that nobody waits for: they stand or fall with their transaction, wherever the server answers to them.

use store::{Param, StoreError, params};
use testkit::TestDatabase;

use crate::harness::{ADD, GET, IDS, PUT, TAKE, ThingPut, amount, event_keys, ids, put, put_now, things};

testkit::both_databases!(
    what_nobody_waits_for_is_seen_by_the_next_statement_and_kept,
    more_than_are_under_way_at_once_are_all_kept,
    a_failure_that_nobody_waited_for_keeps_nothing_and_is_named,
    a_failure_that_nobody_waited_for_is_that_of_the_statement_behind_it,
    a_row_that_was_expected_and_not_touched_keeps_nothing,
    a_row_that_was_expected_is_looked_for_before_the_commit,
    the_first_of_several_failures_is_told,
    a_closure_that_goes_on_after_an_untouched_row_keeps_nothing,
    what_nobody_waits_for_goes_with_a_rejection,
    many_rows_find_one_each_or_none,
    several_rows_for_one_of_many_are_a_fault,
    a_panic_over_the_first_of_many_rows_disturbs_nobody,
);

fn gone() -> StoreError {
    StoreError::LeaseLost { name: "gone".to_owned() }
}

fn what_nobody_waits_for_is_seen_by_the_next_statement_and_kept(database: &TestDatabase) {
    let db = things(&database.open());

    let seen = db.write_blocking::<_, StoreError, _>(|tx| {
        tx.execute_later(&PUT, &params!["a", 1])?;
        tx.expect_one(&ADD, &params!["a", 2], gone())?;
        let seen = tx.one(&GET, &params!["a"], |row| row.get::<i64>(0))?;
        tx.expect_one(&ADD, &params!["a", 4], gone())?;
        tx.execute_later(&ADD, &params!["none", 1])?;
        tx.publish(&ThingPut { id: "a".to_owned() })?;
        Ok(seen)
    });

    assert_eq!(seen, Ok(Some(3)));
    assert_eq!(amount(&db, "a"), Some(7));
    assert_eq!(event_keys(&db), ["a"]);
}

fn more_than_are_under_way_at_once_are_all_kept(database: &TestDatabase) {
    let db = things(&database.open());

    let written = db.write_blocking::<_, StoreError, _>(|tx| {
        (0..1200).try_for_each(|number| tx.execute_later(&PUT, &params![format!("t{number:04}"), number]))
    });

    assert_eq!(written, Ok(()));
    assert_eq!(ids(&db).len(), 1200);
    assert_eq!(amount(&db, "t1199"), Some(1199));
}

fn a_failure_that_nobody_waited_for_keeps_nothing_and_is_named(database: &TestDatabase) {
    let db = things(&database.open());
    put_now(&db, "a", 1);

    let written = db.write_blocking::<_, StoreError, _>(|tx| {
        put(tx, "before", 1)?;
        tx.execute_later(&PUT, &params!["a", 1])?;
        tx.execute_later(&PUT, &params!["after", 1])?;
        tx.publish(&ThingPut { id: "a".to_owned() })
    });

    assert!(written.unwrap_err().violates("things_pkey"));
    assert_eq!(ids(&db), ["a"]);
    assert!(event_keys(&db).is_empty());
    put_now(&db, "the next one is not disturbed", 1);
}

fn a_failure_that_nobody_waited_for_is_that_of_the_statement_behind_it(database: &TestDatabase) {
    let db = things(&database.open());
    put_now(&db, "a", 1);

    let read = db.write_blocking::<_, StoreError, _>(|tx| {
        tx.execute_later(&PUT, &params!["a", 1])?;
        tx.one(&GET, &params!["a"], |row| row.get::<i64>(0))
    });

    assert!(read.unwrap_err().violates("things_pkey"));
}

fn a_row_that_was_expected_and_not_touched_keeps_nothing(database: &TestDatabase) {
    let db = things(&database.open());

    let written = db.write_blocking::<_, StoreError, _>(|tx| {
        tx.execute_later(&PUT, &params!["a", 1])?;
        tx.expect_one(&ADD, &params!["none", 1], gone())?;
        put(tx, "b", 1)
    });

    assert_eq!(written, Err(gone()));
    assert!(ids(&db).is_empty());
}

fn a_row_that_was_expected_is_looked_for_before_the_commit(database: &TestDatabase) {
    let db = things(&database.open());

    let written = db.write_blocking::<_, StoreError, _>(|tx| {
        put(tx, "a", 1)?;
        tx.publish(&ThingPut { id: "a".to_owned() })?;
        tx.expect_one(&ADD, &params!["none", 1], gone())
    });
    let alone = db.write_blocking::<_, StoreError, _>(|tx| tx.expect_one(&ADD, &params!["none", 1], gone()));

    assert_eq!((written, alone), (Err(gone()), Err(gone())));
    assert!(ids(&db).is_empty());
    assert!(event_keys(&db).is_empty());
}

fn the_first_of_several_failures_is_told(database: &TestDatabase) {
    let db = things(&database.open());
    put_now(&db, "a", 1);

    let written = db.write_blocking::<_, StoreError, _>(|tx| {
        tx.expect_one(&ADD, &params!["none", 1], gone())?;
        tx.execute_later(&PUT, &params!["a", 1])?;
        put(tx, "b", 1)
    });

    assert_eq!(written, Err(gone()));
}

fn a_closure_that_goes_on_after_an_untouched_row_keeps_nothing(database: &TestDatabase) {
    let db = things(&database.open());

    let written = db.write_blocking::<_, StoreError, _>(|tx| {
        drop(tx.expect_one(&ADD, &params!["none", 1], gone()));
        drop(put(tx, "a", 1));
        Ok(())
    });

    assert!(matches!(written, Err(StoreError::Fault { .. })), "{written:?}");
    assert!(ids(&db).is_empty());
}

fn what_nobody_waits_for_goes_with_a_rejection(database: &TestDatabase) {
    let db = things(&database.open());

    let rejected = db.write_blocking::<(), StoreError, _>(|tx| {
        tx.execute_later(&PUT, &params!["a", 1])?;
        Err(gone())
    });

    assert_eq!(rejected, Err(gone()));
    put_now(&db, "b", 1);
    assert_eq!(ids(&db), ["b"]);
}

fn many_rows_find_one_each_or_none(database: &TestDatabase) {
    let db = things(&database.open());
    put_now(&db, "a", 5);
    put_now(&db, "b", 7);

    let left = db.write_blocking::<_, StoreError, _>(|tx| {
        let rows: Vec<Vec<Param<'_>>> =
            [("a", 1), ("none", 1), ("b", 2), ("a", 1)].map(|(id, units)| params![id, units].to_vec()).to_vec();
        tx.one_many(&TAKE, &rows, |row| row.get::<i64>(0))
    });
    let nothing = db.write_blocking::<_, StoreError, _>(|tx| tx.one_many(&TAKE, &[], |row| row.get::<i64>(0)));

    assert_eq!(left, Ok(vec![Some(4), None, Some(5), Some(3)]));
    assert_eq!(nothing, Ok(vec![]));
    assert_eq!((amount(&db, "a"), amount(&db, "b")), (Some(3), Some(5)));
}

fn several_rows_for_one_of_many_are_a_fault(database: &TestDatabase) {
    store::statements! { FROM = "SELECT n FROM things WHERE id >= $1"; }
    let db = things(&database.open());
    put_now(&db, "a", 1);
    put_now(&db, "b", 1);

    let found = db.write_blocking::<_, StoreError, _>(|tx| {
        tx.one_many(&FROM, &[params!["b"].to_vec(), params!["a"].to_vec()], |row| row.get::<i64>(0))
    });

    assert!(matches!(&found, Err(StoreError::Fault { at, .. }) if at == "FROM"), "{found:?}");
}

/// What was not read of an answer must not be taken for the answer to another question.
fn a_panic_over_the_first_of_many_rows_disturbs_nobody(database: &TestDatabase) {
    let db = things(&database.open());
    put_now(&db, "a", 1);
    put_now(&db, "b", 2);

    for _ in 0..10 {
        let panicked: Result<(), StoreError> =
            db.read_blocking(|snapshot| snapshot.each(&IDS, &[], |_| panic!("on purpose")));
        let panicking: Result<(), StoreError> = db.write_blocking(|tx| {
            put(tx, "c", 3)?;
            tx.each(&IDS, &[], |_| panic!("on purpose"))
        });
        assert!(panicked.is_err() && panicking.is_err());
        assert_eq!(amount(&db, "a"), Some(1));
        assert_eq!(ids(&db), ["a", "b"]);
    }
}

/// The driver refuses to send it, so that the server never hears of it: nor must it hear of the commit.
#[test]
fn a_statement_that_cannot_be_sent_is_not_left_out_of_a_commit() {
    let database = TestDatabase::postgres();
    let db = things(&database.open());

    let written = db.write_blocking::<_, StoreError, _>(|tx| {
        put(tx, "a", 1)?;
        tx.execute_later(&PUT, &params!["b", "no number"])
    });

    assert!(matches!(written, Err(StoreError::Fault { .. })), "{written:?}");
    assert!(ids(&db).is_empty());
    put_now(&db, "the next one is not disturbed", 1);
}

/// A number that was drawn is not given back by a rollback.
#[test]
fn what_travels_behind_a_failure_is_not_carried_out() {
    store::statements! {
        MAKE_DRAWN = "CREATE SEQUENCE drawn";
        DRAW = "SELECT nextval('drawn')";
        DRAWN = "SELECT last_value FROM drawn WHERE is_called";
    }
    let database = TestDatabase::postgres();
    let db = things(&database.open());
    db.write_blocking::<_, StoreError, _>(|tx| tx.execute_later(&MAKE_DRAWN, &[])).unwrap();
    put_now(&db, "a", 1);

    let written = db.write_blocking::<_, StoreError, _>(|tx| {
        tx.execute_later(&PUT, &params!["a", 1])?;
        tx.execute_later(&DRAW, &[])?;
        tx.one(&DRAW, &[], |row| row.get::<i64>(0))
    });

    assert!(written.unwrap_err().violates("things_pkey"));
    assert_eq!(
        db.read_blocking::<_, StoreError, _>(|snapshot| snapshot.one(&DRAWN, &[], |row| row.get(0))),
        Ok(None::<i64>)
    );
}

/// More than fits between the two at once: neither may wait for the other to read.
#[test]
fn many_long_answers_do_not_meet_many_long_questions() {
    store::statements! { ECHO = "SELECT repeat($1, 100)"; }
    let database = TestDatabase::postgres();
    let db = things(&database.open());

    let lens = db.write_blocking::<_, StoreError, _>(|tx| {
        let text = "long".repeat(500);
        let rows: Vec<Vec<Param<'_>>> = (0..300).map(|_| params![&text].to_vec()).collect();
        tx.execute_later(&PUT, &params!["a", 1])?;
        tx.one_many(&ECHO, &rows, |row| row.get::<String>(0).map(|text| text.len()))
    });

    assert_eq!(lens, Ok(vec![Some(200_000); 300]));
    assert_eq!(ids(&db), ["a"]);
}
