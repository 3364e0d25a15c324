//! No service reaches another's tables (decision 5).

use store::{Db, Migration, Store, StoreError, params};
use testkit::TestDatabase;

use crate::harness::{self, GET, PUT, put_now, things};

testkit::both_databases!(
    a_service_cannot_touch_a_foreign_table,
    the_same_text_prepared_by_its_owner_is_still_refused_to_others,
    tables_of_the_kit_are_open_to_all,
);

const CRATES: &str = "CREATE TABLE crates (id TEXT PRIMARY KEY)";

fn crates(store: &Store) -> Db {
    store.db("crates", &[Migration { name: "0001_crates", sqlite: CRATES, postgres: CRATES }]).unwrap()
}

/// On SQLite the fence says whose table it is; on PostgreSQL the name means nothing outside of its schema.
fn is_refused<T>(result: Result<T, StoreError>) -> bool {
    match result {
        Err(StoreError::Fenced { service, table }) => service == "crates" && table.contains("things"),
        Err(StoreError::Fault { reason, .. }) => reason.contains("does not exist"),
        Ok(_) | Err(_) => false,
    }
}

fn a_service_cannot_touch_a_foreign_table(database: &TestDatabase) {
    store::statements! {
        READ = "SELECT n FROM things";
        COUNT = "SELECT count(*) FROM things";
        NESTED = "SELECT id FROM crates WHERE id IN (SELECT id FROM things)";
        JOINED = "WITH t AS (SELECT id FROM things) SELECT count(*) FROM t";
        INSERT = "INSERT INTO things (id, n) VALUES ('x', 1)";
        UPDATE = "UPDATE things SET n = 2";
        DELETE = "DELETE FROM things";
    }
    let store = database.open();
    put_now(&things(&store), "a", 1);
    let crates = crates(&store);

    for statement in STATEMENTS {
        let written = crates.write_blocking(|tx| tx.execute(statement, &params![]));
        let read = crates.read_blocking(|snapshot| snapshot.list(statement, &params![], |_| Ok(())));

        assert!(is_refused(written), "{}", statement.name);
        assert!(is_refused(read), "{}", statement.name);
    }
    assert_eq!(harness::ids(&things(&store)), ["a"]);
}

fn the_same_text_prepared_by_its_owner_is_still_refused_to_others(database: &TestDatabase) {
    let store = database.open();
    let (things, crates) = (things(&store), crates(&store));
    put_now(&things, "a", 1);
    assert_eq!(harness::amount(&things, "a"), Some(1));

    let written = crates.write_blocking(|tx| tx.execute(&PUT, &params!["b", 1]));
    let read = crates.read_blocking(|snapshot| snapshot.one(&GET, &params!["a"], |_| Ok(())));

    assert!(is_refused(written));
    assert!(is_refused(read));
    put_now(&things, "c", 1);
}

fn tables_of_the_kit_are_open_to_all(database: &TestDatabase) {
    store::statements! {
        NOTE = "INSERT INTO kit_notes (id) VALUES ($1)";
        NOTES = "SELECT id FROM kit_notes";
        WITH_NAMES = "WITH names AS (SELECT id FROM crates) SELECT count(*) FROM names";
    }
    const NOTES_TABLE: &str = "CREATE TABLE kit_notes (id TEXT PRIMARY KEY)";
    let store = database.open();
    let kit =
        store.kit("notes", &[Migration { name: "0001_notes", sqlite: NOTES_TABLE, postgres: NOTES_TABLE }]).unwrap();
    let crates = crates(&store);

    crates.prepare_all(STATEMENTS).unwrap();
    crates.write_blocking::<_, StoreError, _>(|tx| tx.execute(&NOTE, &params!["a"])).unwrap();

    let read = kit.read_blocking::<_, StoreError, _>(|snapshot| snapshot.list(&NOTES, &params![], |row| row.get(0)));
    assert_eq!(read, Ok(vec!["a".to_owned()]));
    assert_eq!(WITH_NAMES.name, "WITH_NAMES");
}

#[test]
fn a_service_cannot_look_into_the_schema_or_change_it() {
    store::statements! {
        SCHEMA = "SELECT name FROM sqlite_schema";
        COLUMNS = "SELECT name FROM pragma_table_info('things')";
        PRAGMA = "PRAGMA synchronous = OFF";
        CREATE = "CREATE TABLE mine (id TEXT)";
        DROP = "DROP TABLE crates";
        ATTACH = "ATTACH DATABASE 'other.db' AS other";
    }
    let database = TestDatabase::sqlite();
    let store = database.open();
    put_now(&things(&store), "a", 1);
    let crates = crates(&store);

    for statement in STATEMENTS {
        let refused = crates.write_blocking(|tx| tx.execute(statement, &params![]));

        assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{}: {refused:?}", statement.name);
    }
}
