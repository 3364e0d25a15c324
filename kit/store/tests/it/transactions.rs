//! What a transaction promises on both databases.

use kernel::{Currency, Id, IdKind, Timestamp};
use store::{CODES, KIT_STATEMENTS, Param, StoreError, params};
use testkit::TestDatabase;

use crate::harness::{self, ADD, GET, LOCK, PUT, PUT_WHOLE, Runs, TAKE, amount, ids, put, put_now, things};

testkit::both_databases!(
    every_statement_prepares,
    a_misspelt_statement_does_not_prepare,
    what_a_closure_returns_decides_what_is_kept,
    a_panic_keeps_nothing_and_is_a_fault_of_ours,
    a_failed_statement_poisons_the_transaction,
    a_failed_read_is_not_answered_with_success,
    broken_constraints_are_named_alike,
    values_come_back_as_they_went_in,
    a_stored_value_that_does_not_parse_names_its_column,
    returning_answers_inside_a_write,
    several_rows_where_one_is_wanted_are_a_fault,
    many_rows_go_in_order_and_say_what_they_touched,
    a_snapshot_is_of_one_moment,
    a_reader_cannot_write_nor_lock,
    a_wrong_number_of_parameters_is_refused,
    after_shutdown_nothing_is_begun,
);

fn every_statement_prepares(database: &TestDatabase) {
    let store = database.open();

    things(&store).prepare_all(harness::STATEMENTS).unwrap();

    for statements in KIT_STATEMENTS {
        things(&store).prepare_all(statements).unwrap();
    }
}

fn a_misspelt_statement_does_not_prepare(database: &TestDatabase) {
    store::statements! { MISSPELT = "SELECT nn FROM things"; }

    let error = things(&database.open()).prepare_all(STATEMENTS).unwrap_err();

    assert!(matches!(&error, StoreError::Fault { at, .. } if at == "MISSPELT"), "{error:?}");
}

/// A service's own error.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    OutOfThings,
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn what_a_closure_returns_decides_what_is_kept(database: &TestDatabase) {
    let db = things(&database.open());

    put_now(&db, "kept", 1);
    let rejected = db.write_blocking(|tx| {
        put(tx, "rejected", 1)?;
        Err::<(), _>(Refusal::OutOfThings)
    });

    assert_eq!(rejected, Err(Refusal::OutOfThings));
    assert_eq!(ids(&db), ["kept"]);
    let stats = db.stats();
    assert_eq!(stats.rolled_back, 1);
}

fn a_panic_keeps_nothing_and_is_a_fault_of_ours(database: &TestDatabase) {
    let db = things(&database.open());

    let written: Result<(), StoreError> = db.write_blocking(|tx| {
        put(tx, "lost", 1)?;
        panic!("on purpose")
    });
    let read: Result<(), StoreError> = db.read_blocking(|_| panic!("on purpose"));

    for failure in [written.unwrap_err(), read.unwrap_err()] {
        assert!(matches!(&failure, StoreError::Fault { reason, .. } if reason.contains("on purpose")), "{failure:?}");
    }
    put_now(&db, "after", 1);
    assert_eq!(ids(&db), ["after"]);
}

fn a_failed_statement_poisons_the_transaction(database: &TestDatabase) {
    let db = things(&database.open());
    put_now(&db, "a", 1);

    let went_on: Result<(), StoreError> = db.write_blocking(|tx| {
        put(tx, "b", 1)?;
        let clash = put(tx, "a", 1);
        assert!(clash.unwrap_err().violates("things_pkey"));
        let after = put(tx, "c", 1);
        assert!(matches!(after, Err(StoreError::Fault { .. })), "{after:?}");
        Ok(())
    });

    assert!(matches!(went_on, Err(StoreError::Fault { .. })), "{went_on:?}");
    assert_eq!(ids(&db), ["a"]);
}

fn a_failed_read_is_not_answered_with_success(database: &TestDatabase) {
    store::statements! { DIVIDE = "SELECT nn FROM things"; }
    let db = things(&database.open());

    let read: Result<(), StoreError> = db.read_blocking(|snapshot| {
        drop(snapshot.list(&DIVIDE, &params![], |_| Ok(())));
        Ok(())
    });

    assert!(matches!(read, Err(StoreError::Fault { .. })), "{read:?}");
    assert_eq!(STATEMENTS.len(), 1);
}

fn broken_constraints_are_named_alike(database: &TestDatabase) {
    let db = things(&database.open());
    let whole = |id: &'static str, n: i64, rest: [Param<'static>; 5]| {
        let db = db.clone();
        move || -> Result<u64, StoreError> {
            let rest = rest.clone();
            db.write_blocking(move |tx| {
                let [label, weight, in_box, shelf, place] = rest.clone();
                tx.execute(&PUT_WHOLE, &params![id, n, label, weight, in_box, shelf, place])
            })
        }
    };
    whole("a", 1, params!["l", 1.5, None::<&str>, "s", 1])().unwrap();

    let unique = |constraint: &str| Err(StoreError::Unique { constraint: constraint.to_owned() });
    let none = || params![None::<&str>, None::<f64>, None::<&str>, None::<&str>, None::<i64>];
    assert_eq!(whole("a", 1, none())(), unique("things_pkey"));
    assert_eq!(whole("b", 1, params!["l", None::<f64>, None::<&str>, "t", 1])(), unique("things_label_unique"));
    assert_eq!(whole("b", 1, params!["m", None::<f64>, None::<&str>, "s", 1])(), unique("things_shelf_place_key"));
    assert_eq!(whole("b", 1, params!["m", 1.5, None::<&str>, "t", 1])(), unique("things_by_weight"));
    assert_eq!(whole("b", -1, none())(), Err(StoreError::Check { constraint: "things_n_not_negative".to_owned() }));
    let in_no_box = params![None::<&str>, None::<f64>, "nowhere", None::<&str>, None::<i64>];
    assert_eq!(whole("b", 1, in_no_box)(), Err(StoreError::ForeignKey));
    let empty: Result<u64, StoreError> = db.write_blocking(|tx| tx.execute(&PUT, &params!["b", None::<i64>]));
    assert_eq!(empty, Err(StoreError::NotNull { column: "n".to_owned() }));
}

enum Thing {}
impl IdKind for Thing {
    const PREFIX: &'static str = "thg";
}

fn values_come_back_as_they_went_in(database: &TestDatabase) {
    store::statements! {
        KEEP = "INSERT INTO kept (id, flag, at, currency, amount, weight, text, empty) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        KEPT = "SELECT id, flag, at, currency, amount, weight, text, empty, flag = 1 FROM kept";
    }
    const TABLE: &str = "CREATE TABLE kept (id TEXT, flag BIGINT, at BIGINT, currency TEXT, amount BIGINT, \
        weight DOUBLE PRECISION, text TEXT, empty TEXT)";
    let table = [store::Migration { name: "0001_kept", sqlite: TABLE, postgres: TABLE }];
    let store = database.open();
    let db = store.db("keeper", &table).unwrap();
    db.prepare_all(STATEMENTS).unwrap();
    let id = Id::<Thing>::from_bits(42);
    let at = Timestamp::from_micros(1_795_255_200_123_456);
    let text = "Кофе 'и' $1 ещё";

    db.write_blocking(move |tx| {
        tx.execute(&KEEP, &params![id, true, at, Currency::RUB, i64::MIN, 55.75, text, None::<String>])
    })
    .unwrap_or_else(|error: StoreError| panic!("{error:?}"));

    let kept = db.read_blocking::<_, StoreError, _>(|snapshot| {
        snapshot.one(&KEPT, &params![], |row| {
            assert_eq!(row.get::<Id<Thing>>(0)?.bits(), 42);
            assert!(row.get::<bool>(1)? && row.get::<bool>(8)?);
            assert_eq!(row.get::<Currency>(3)?, Currency::RUB);
            assert!((row.get::<f64>(5)? - 55.75).abs() < f64::EPSILON);
            Ok((row.get::<Timestamp>(2)?, row.get::<i64>(4)?, row.get::<String>(6)?, row.get::<Option<String>>(7)?))
        })
    });
    assert_eq!(kept.unwrap(), Some((at, i64::MIN, text.to_owned(), None)));
}

fn a_stored_value_that_does_not_parse_names_its_column(database: &TestDatabase) {
    let db = things(&database.open());
    put_now(&db, "a", 7);

    let read: Result<Option<bool>, StoreError> =
        db.read_blocking(|snapshot| snapshot.one(&GET, &params!["a"], |row| row.get(0)));

    assert!(matches!(&read, Err(StoreError::Corrupt { column, .. }) if column == "GET.n"), "{read:?}");
}

fn returning_answers_inside_a_write(database: &TestDatabase) {
    let db = things(&database.open());
    put_now(&db, "a", 7);

    let left: Option<i64> =
        db.write_blocking::<_, StoreError, _>(|tx| tx.one(&TAKE, &params!["a", 3], |row| row.get(0))).unwrap();

    assert_eq!(left, Some(4));
    assert_eq!(amount(&db, "a"), Some(4));
}

fn several_rows_where_one_is_wanted_are_a_fault(database: &TestDatabase) {
    let db = things(&database.open());
    put_now(&db, "a", 1);
    put_now(&db, "b", 1);

    let read = db.read_blocking(|snapshot| snapshot.one(&harness::IDS, &params![], |row| row.get::<String>(0)));

    assert!(matches!(read, Err(StoreError::Fault { .. })), "{read:?}");
}

fn many_rows_go_in_order_and_say_what_they_touched(database: &TestDatabase) {
    let db = things(&database.open());
    let names: Vec<String> = (0..1200).map(|number| format!("t{number:04}")).collect();

    let touched = db.write_blocking::<_, StoreError, _>(move |tx| {
        let rows: Vec<Vec<Param<'_>>> = names.iter().map(|name| params![name, 1].to_vec()).collect();
        tx.execute_many(&PUT, &rows)?;
        tx.execute_many(&ADD, &[params!["t0003", 1].to_vec(), params!["none", 1].to_vec()])
    });
    let clash = db.write_blocking::<_, StoreError, _>(|tx| {
        tx.execute_many(&PUT, &[params!["new", 1].to_vec(), params!["t0000", 1].to_vec(), params!["x", 1].to_vec()])
    });

    assert_eq!(touched, Ok(vec![1, 0]));
    assert!(clash.unwrap_err().violates("things_pkey"));
    assert_eq!(ids(&db).len(), 1200);
    assert_eq!(amount(&db, "t0003"), Some(2));
}

fn a_snapshot_is_of_one_moment(database: &TestDatabase) {
    let db = things(&database.open());
    put_now(&db, "a", 1);
    let writer = db.clone();

    let seen = db.read_blocking::<_, StoreError, _>(move |snapshot| {
        let before = snapshot.one(&GET, &params!["a"], |row| row.get::<i64>(0))?;
        writer.write_blocking::<_, StoreError, _>(|tx| tx.execute(&ADD, &params!["a", 1]))?;
        Ok((before, snapshot.one(&GET, &params!["a"], |row| row.get::<i64>(0))?))
    });

    assert_eq!(seen, Ok((Some(1), Some(1))));
    assert_eq!(amount(&db, "a"), Some(2));
}

fn a_reader_cannot_write_nor_lock(database: &TestDatabase) {
    let db = things(&database.open());
    put_now(&db, "a", 1);

    let write = db.read_blocking(|snapshot| snapshot.one(&TAKE, &params!["a", 1], |row| row.get::<i64>(0)));
    let lock = db.read_blocking(|snapshot| snapshot.one(&LOCK, &params!["a"], |row| row.get::<i64>(0)));

    assert!(matches!(write, Err(StoreError::Fault { .. })), "{write:?}");
    assert!(matches!(lock, Err(StoreError::Fault { .. })), "{lock:?}");
    assert_eq!(amount(&db, "a"), Some(1));
}

fn a_wrong_number_of_parameters_is_refused(database: &TestDatabase) {
    let db = things(&database.open());

    let written: Result<u64, StoreError> = db.write_blocking(|tx| tx.execute(&PUT, &params!["a"]));

    assert!(matches!(written, Err(StoreError::Fault { .. })), "{written:?}");
}

fn after_shutdown_nothing_is_begun(database: &TestDatabase) {
    let store = database.open();
    let db = things(&store);
    let runs = Runs::default();
    let counted = runs.clone();

    store.shutdown();
    let late: Result<(), StoreError> = db.write_blocking(move |tx| {
        counted.next();
        put(tx, "late", 1)
    });

    assert!(matches!(late, Err(StoreError::Unavailable { .. })), "{late:?}");
    assert_eq!(runs.count(), 0);
}

#[test]
fn codes_are_the_stores_and_unlike_each_other() {
    let mut codes: Vec<_> = CODES.iter().map(|code| code.code).collect();
    codes.sort_unstable();
    codes.dedup();

    assert_eq!(codes.len(), CODES.len());
    assert!(codes.iter().all(|code| code.starts_with("store.")));
}

#[tokio::test]
async fn tasks_wait_without_blocking_their_thread() {
    let database = TestDatabase::sqlite();
    let db = things(&database.open());

    let written = db.write(|tx| put(tx, "a", 1)).await;
    let read: Result<_, StoreError> = db.read(|snapshot| snapshot.one(&GET, &params!["a"], |row| row.get(0))).await;

    assert_eq!(written, Ok(()));
    assert_eq!(read, Ok(Some(1_i64)));
}
