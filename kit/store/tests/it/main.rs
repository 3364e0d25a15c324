//! The store, on both databases.
#[path = "../../../testkit/src/database.rs"]
mod database;
use store::*;
store::statements! {
    PUT = "INSERT INTO things (id, n) VALUES ($1, $2)";
    GET = "SELECT n FROM things WHERE id = $1 FOR UPDATE";
}
static M: &[Migration] = &[Migration { name: "0001_things", sqlite: T, postgres: T }];
const T: &str = "CREATE TABLE things (id TEXT PRIMARY KEY, n BIGINT NOT NULL)";
#[test]
fn smoke() {
    database::for_each_database(|d| {
    let store = d.open();
    let db = store.db("things", M).unwrap();
    db.prepare_all(STATEMENTS).unwrap();
    for list in KIT_STATEMENTS { db.prepare_all(list).unwrap(); }
    db.write_blocking(|tx| tx.execute(&PUT, &params!["a", 1])).unwrap();
    let e: StoreError = db.write_blocking(|tx| tx.execute(&PUT, &params!["a", 1])).unwrap_err();
    assert!(e.violates("things_pkey"), "{e:?}");
    let n: Option<i64> = db.write_blocking(|s| s.one(&GET, &params!["a"], |r| r.get(0))).unwrap();
    assert_eq!(n, Some(1));
    });
}
