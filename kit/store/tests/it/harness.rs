//! A service with two tables, and ways to wait without sleeping.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kernel::Event;
use serde::{Deserialize, Serialize};
use store::{Db, Migration, Store, StoreError, Tx, params};

pub(crate) static MIGRATIONS: &[Migration] = &[Migration { name: "0001_things", sqlite: TABLES, postgres: TABLES }];

const TABLES: &str = "
    CREATE TABLE boxes (id TEXT PRIMARY KEY);
    CREATE TABLE things (
        id TEXT NOT NULL PRIMARY KEY,
        n BIGINT NOT NULL CONSTRAINT things_n_not_negative CHECK (n >= 0),
        label TEXT CONSTRAINT things_label_unique UNIQUE,
        weight DOUBLE PRECISION,
        box_id TEXT REFERENCES boxes (id),
        shelf TEXT,
        place BIGINT,
        UNIQUE (shelf, place)
    );
    CREATE UNIQUE INDEX things_by_weight ON things (weight);";

store::statements! {
    PUT = "INSERT INTO things (id, n) VALUES ($1, $2)";
    PUT_WHOLE = "INSERT INTO things (id, n, label, weight, box_id, shelf, place) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    ADD = "UPDATE things SET n = n + $2 WHERE id = $1";
    TAKE = "UPDATE things SET n = n - $2 WHERE id = $1 RETURNING n";
    GET = "SELECT n FROM things WHERE id = $1";
    LOCK = "SELECT n FROM things WHERE id = $1 FOR UPDATE";
    IDS = "SELECT id FROM things ORDER BY id";
    COUNT = "SELECT count(*) FROM things";
    TOTAL = "SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM things";
    EVENTS = "SELECT seq, id, topic, kind, source, key, time_at, traceparent, payload FROM events ORDER BY seq";
}

/// An event of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ThingPut {
    pub(crate) id: String,
}

impl Event for ThingPut {
    const TOPIC: &'static str = "things";
    const TYPE: &'static str = "test.things.put.v1";
    const SOURCE: &'static str = "/things";

    fn key(&self) -> String {
        self.id.clone()
    }
}

pub(crate) fn things(store: &Store) -> Db {
    store.db("things", MIGRATIONS).unwrap()
}

pub(crate) fn put(tx: &mut Tx<'_>, id: &str, n: i64) -> Result<(), StoreError> {
    tx.execute(&PUT, &params![id, n]).map(drop)
}

pub(crate) fn put_now(db: &Db, id: &'static str, n: i64) {
    db.write_blocking(move |tx| put(tx, id, n)).unwrap();
}

pub(crate) fn ids(db: &Db) -> Vec<String> {
    db.read_blocking::<_, StoreError, _>(|snapshot| snapshot.list(&IDS, &params![], |row| row.get(0))).unwrap()
}

pub(crate) fn amount(db: &Db, id: &'static str) -> Option<i64> {
    db.read_blocking::<_, StoreError, _>(move |snapshot| snapshot.one(&GET, &params![id], |row| row.get(0))).unwrap()
}

pub(crate) fn event_keys(db: &Db) -> Vec<String> {
    db.read_blocking::<_, StoreError, _>(|snapshot| snapshot.list(&EVENTS, &params![], |row| row.get(5))).unwrap()
}

/// Waits until something is so; the bound only ends a test that would never end.
pub(crate) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..20_000 {
        if is_so() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    panic!("waited in vain until {what}");
}

/// Counts the runs of a closure.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runs(Arc<AtomicUsize>);

impl Runs {
    /// Which run this is, counted from 1.
    pub(crate) fn next(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}
