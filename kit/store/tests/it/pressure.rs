//! More than can be done is refused at once, and slow closures are named.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::bounded;
use kernel::{Coded, OsRng};
use store::{ServerLock, Store, StoreConfig, StoreError};
use testkit::{FakeClock, TestDatabase};

use crate::harness::{ids, put, things, wait_until};

testkit::both_databases!(
    a_full_queue_refuses_at_once,
    nothing_is_begun_for_callers_who_are_gone,
    a_slow_closure_is_counted,
);

/// One thread and room for two in the queue.
fn narrow(database: &TestDatabase) -> StoreConfig {
    let mut config = database.config();
    match &mut config {
        StoreConfig::Sqlite(config) => config.queue_max = 2,
        StoreConfig::Postgres(config) => {
            config.writers = 1;
            config.queue_max = 2;
        }
    }
    config
}

fn a_full_queue_refuses_at_once(database: &TestDatabase) {
    let store = Store::open(narrow(database), FakeClock::default().shared(), Arc::new(OsRng)).unwrap();
    let db = things(&store);
    let (release, released) = bounded::<()>(0);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let gate = db.clone();
    let held = runtime.spawn(async move {
        let wait = move |_: &mut store::Tx<'_>| -> Result<(), StoreError> {
            released.recv().ok();
            Ok(())
        };
        gate.write(wait).await
    });
    wait_until("the writer is busy", || db.stats().waited_us.buckets.iter().any(|(_, count)| *count > 0));
    let queued: Vec<_> = ["a", "b"]
        .into_iter()
        .map(|id| {
            let db = db.clone();
            runtime.spawn(async move { db.write(move |tx| put(tx, id, 1)).await })
        })
        .collect();
    wait_until("the queue is full", || db.stats().write_queue == 2);

    let refused = runtime.block_on(db.write(|tx| put(tx, "c", 1))).unwrap_err();

    assert_eq!(refused, StoreError::Overloaded { queued: 2 });
    assert_eq!(refused.retry_after_s(), Some(1));
    assert_eq!(db.stats().refused, 1);
    drop(release);
    for answer in queued {
        assert_eq!(runtime.block_on(answer).unwrap(), Ok(()));
    }
    assert_eq!(runtime.block_on(held).unwrap(), Ok(()));
}

#[test]
fn a_full_pile_refuses_at_once_and_a_closing_store_ends_what_lies_there() {
    let database = TestDatabase::postgres();
    let store = Store::open(narrow(&database), FakeClock::default().shared(), Arc::new(OsRng)).unwrap();
    let db = things(&store);
    let (release, released) = bounded::<()>(0);
    let gate = db.clone();
    let held = std::thread::spawn(move || {
        gate.write_blocking::<_, StoreError, _>(move |_| {
            released.recv().ok();
            Ok(())
        })
    });
    wait_until("the writer is busy", || db.stats().waited_us.buckets.iter().any(|(_, count)| *count > 0));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let write = |id: &'static str| {
        let db = db.clone();
        runtime.spawn(async move { db.write_in_company(move |tx| put(tx, id, 1)).await })
    };
    let queued = ["a", "b"].map(write);
    // The two, and the turn of the thread that will come for them.
    wait_until("two are there", || db.stats().write_queue == 3);

    let refused: StoreError = runtime.block_on(write("c")).unwrap().unwrap_err();
    let closing = std::thread::spawn(move || store.shutdown());
    let is_closing = || matches!(runtime.block_on(write("d")).unwrap(), Err(StoreError::Unavailable { .. }));
    wait_until("it is closing", is_closing);
    drop(release);
    let answers = queued.map(|answer| runtime.block_on(answer).unwrap());

    assert_eq!(refused, StoreError::Overloaded { queued: 2 });
    assert_eq!(answers, [Ok(()), Ok(())]);
    closing.join().unwrap();
    held.join().unwrap().unwrap();
}

fn nothing_is_begun_for_callers_who_are_gone(database: &TestDatabase) {
    let store = Store::open(narrow(database), FakeClock::default().shared(), Arc::new(OsRng)).unwrap();
    let db = things(&store);
    let (release, released) = bounded::<()>(0);
    let gate = db.clone();
    let held = std::thread::spawn(move || {
        gate.write_blocking(move |tx| {
            released.recv().ok();
            put(tx, "held", 1)
        })
    });
    wait_until("the writer is busy", || db.stats().waited_us.buckets.iter().any(|(_, count)| *count > 0));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let leaving = db.clone();
    let gone = runtime.spawn(async move { leaving.write(|tx| put(tx, "gone", 1)).await });
    runtime.block_on(async { tokio::task::yield_now().await });
    wait_until("the closure is queued", || db.stats().write_queue == 1);

    gone.abort();
    assert!(runtime.block_on(gone).is_err_and(|ended| ended.is_cancelled()));
    let stays = db.clone();
    let stays = std::thread::spawn(move || stays.write_blocking(|tx| put(tx, "stays", 1)));
    wait_until("the second one is queued", || db.stats().write_queue == 2);
    drop(release);

    assert_eq!((held.join().unwrap(), stays.join().unwrap()), (Ok(()), Ok(())));
    assert_eq!(ids(&db), ["held", "stays"]);
    assert_eq!(db.stats().abandoned, 1);
}

fn a_slow_closure_is_counted(database: &TestDatabase) {
    let clock = FakeClock::default();
    let db = things(&database.open_with(clock.shared(), Arc::new(OsRng)));

    let passing = clock.clone();
    db.write_blocking::<_, StoreError, _>(move |_| {
        passing.advance(Duration::from_millis(501));
        Ok(())
    })
    .unwrap();
    db.write_blocking::<_, StoreError, _>(|_| Ok(())).unwrap();

    assert_eq!(db.stats().slow, 1);
}

#[test]
fn a_file_is_served_by_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samovar.db");

    let held = ServerLock::take(&path).unwrap();
    let second = ServerLock::take(&path);
    drop(held);

    assert!(matches!(second, Err(StoreError::Configuration { .. })));
    assert!(ServerLock::take(&path).is_ok());
}
