//! The store, on both databases.
use std::sync::Arc;
use store::*;
store::statements! {
    PUT = "INSERT INTO things (id, n) VALUES ($1, $2)";
    GET = "SELECT n FROM things WHERE id = $1 FOR UPDATE";
}
static M: &[Migration] = &[Migration { name: "0001_things", sqlite: T, postgres: T }];
const T: &str = "CREATE TABLE things (id TEXT PRIMARY KEY, n BIGINT NOT NULL)";
#[test]
fn smoke() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(
        StoreConfig::sqlite(dir.path().join("a.db")),
        Arc::new(kernel::SystemClock::new()),
        Arc::new(kernel::OsRng),
    )
    .unwrap();
    let db = store.db("things", M).unwrap();
    db.prepare_all(STATEMENTS).unwrap();
    for list in KIT_STATEMENTS {
        db.prepare_all(list).unwrap();
    }
    db.write_blocking(|tx| tx.execute(&PUT, &params!["a", 1])).unwrap();
    let e: StoreError = db.write_blocking(|tx| tx.execute(&PUT, &params!["a", 1])).unwrap_err();
    assert!(e.violates("things_pkey"), "{e:?}");
    let n: Option<i64> = db.read_blocking(|s| s.one(&GET, &params!["a"], |r| r.get(0))).unwrap();
    assert_eq!(n, Some(1));
}
