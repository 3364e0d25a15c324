//! Events are committed with what they tell of, or not at all.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Clock, OsRng};
use store::{EventId, Hooks, Store, StoreError, params};
use testkit::{FakeClock, SeededRng, TestDatabase};

use crate::harness::{EVENTS, ThingPut, event_keys, put, put_now, things};

testkit::both_databases!(
    an_event_says_everything_that_a_reader_needs,
    a_rolled_back_change_has_no_event,
    events_of_a_transaction_keep_their_order,
    a_commit_with_events_wakes_who_waits,
    a_commit_without_events_wakes_nobody,
    an_event_alone_is_a_transaction,
);

fn event(id: &str) -> ThingPut {
    ThingPut { id: id.to_owned() }
}

fn an_event_says_everything_that_a_reader_needs(database: &TestDatabase) {
    let clock = FakeClock::default();
    let hooks = Hooks { traceparent: || Some("00-trace".to_owned()), ..Hooks::default() };
    let config = database.config().with_hooks(hooks);
    let store = Store::open(config, clock.shared(), SeededRng::new(1).shared()).unwrap();
    let db = things(&store);

    db.write_blocking::<_, StoreError, _>(|tx| {
        put(tx, "a", 1)?;
        tx.publish(&event("a"))
    })
    .unwrap();

    let rows = db.read_blocking::<_, StoreError, _>(|snapshot| {
        snapshot.list(&EVENTS, &params![], |row| {
            let texts = [2, 3, 4, 5, 7, 8].map(|index| row.get::<String>(index));
            Ok((row.get::<i64>(0)?, row.get::<EventId>(1)?, row.get::<kernel::Timestamp>(6)?, texts))
        })
    });
    let [(seq, _, time, texts)] = &rows.unwrap()[..] else { panic!("one event was published") };
    assert_eq!((*seq, *time), (1, clock.now()));
    let texts = texts.clone().map(Result::unwrap);
    assert_eq!(texts, ["things", "test.things.put.v1", "/things", "a", "00-trace", r#"{"id":"a"}"#]);
}

fn a_rolled_back_change_has_no_event(database: &TestDatabase) {
    let db = things(&database.open());
    put_now(&db, "a", 1);

    let rejected: Result<(), StoreError> = db.write_blocking(|tx| {
        tx.publish(&event("rejected"))?;
        put(tx, "a", 1)
    });
    let panicking: Result<(), StoreError> = db.write_blocking(|tx| {
        tx.publish(&event("panicking"))?;
        panic!("on purpose")
    });
    let poisoned: Result<(), StoreError> = db.write_blocking(|tx| {
        drop(put(tx, "a", 1));
        tx.publish(&event("poisoned"))
    });

    assert!(rejected.is_err() && panicking.is_err() && poisoned.is_err());
    assert_eq!(event_keys(&db), [""; 0]);
    assert_eq!(db.stats().events, 0);
}

fn events_of_a_transaction_keep_their_order(database: &TestDatabase) {
    let db = things(&database.open());

    db.write_blocking::<_, StoreError, _>(|tx| {
        put(tx, "a", 1)?;
        ["c", "a", "b", "c"].iter().try_for_each(|id| tx.publish(&event(id)))
    })
    .unwrap();

    assert_eq!(event_keys(&db), ["c", "a", "b", "c"]);
    assert_eq!(db.stats().events, 4);
}

fn a_commit_with_events_wakes_who_waits(database: &TestDatabase) {
    let db = things(&database.open());
    let seen = db.commits().count();
    let commits = db.commits().clone();
    let waiting = std::thread::spawn(move || commits.wait(seen, Duration::from_secs(20)));

    db.write_blocking(|tx| tx.publish(&event("a"))).unwrap_or_else(|error: StoreError| panic!("{error}"));

    assert_eq!(waiting.join().unwrap(), seen + 1);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(db.commits().changed(seen)), seen + 1);
}

fn a_commit_without_events_wakes_nobody(database: &TestDatabase) {
    let db = things(&database.open());
    let seen = db.commits().count();

    put_now(&db, "a", 1);

    assert_eq!(db.commits().wait(seen, Duration::ZERO), seen);
}

fn an_event_alone_is_a_transaction(database: &TestDatabase) {
    let db = things(&database.open_with(FakeClock::default().shared(), Arc::new(OsRng)));

    db.write_blocking(|tx| tx.publish(&event("alone"))).unwrap_or_else(|error: StoreError| panic!("{error}"));

    assert_eq!(event_keys(&db), ["alone"]);
}
