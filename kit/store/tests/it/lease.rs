//! Work that one instance does at a time (decision 44).

use std::sync::{Arc, Barrier};
use std::time::Duration;

use kernel::OsRng;
use store::lease::{self, Lease};
use store::{Db, StoreError};
use testkit::{FakeClock, TestDatabase};

use crate::harness::{ids, put, things};

testkit::both_databases!(
    one_holds_it_until_it_runs_out,
    a_stale_holder_cannot_act,
    a_renewed_lease_goes_on,
    a_lease_given_back_is_free_at_once,
    the_same_owner_starts_anew,
    of_ten_racing_owners_one_holds_it,
);

const LENGTH: Duration = Duration::from_secs(30);

fn open(database: &TestDatabase) -> (Db, FakeClock) {
    let clock = FakeClock::default();
    (things(&database.open_with(clock.shared(), Arc::new(OsRng))), clock)
}

fn acquire(db: &Db, owner: &'static str) -> Option<Lease> {
    db.write_blocking::<_, StoreError, _>(move |tx| lease::acquire(tx, "expire", owner, LENGTH)).unwrap()
}

fn renew(db: &Db, lease: &Lease) -> Result<Lease, StoreError> {
    let lease = lease.clone();
    db.write_blocking(move |tx| lease::renew(tx, &lease, LENGTH))
}

/// The effect, in the transaction that checks the token.
fn act(db: &Db, lease: &Lease, id: &'static str) -> Result<(), StoreError> {
    let lease = lease.clone();
    db.write_blocking(move |tx| {
        put(tx, id, 1)?;
        lease::check(tx, &lease)
    })
}

fn one_holds_it_until_it_runs_out(database: &TestDatabase) {
    let (db, clock) = open(database);

    let first = acquire(&db, "a").unwrap();
    assert_eq!(acquire(&db, "b"), None);
    clock.advance(LENGTH);
    let second = acquire(&db, "b").unwrap();

    assert!(second.token > first.token);
    assert_eq!(acquire(&db, "a"), None);
}

fn a_stale_holder_cannot_act(database: &TestDatabase) {
    let (db, clock) = open(database);
    let first = acquire(&db, "a").unwrap();
    act(&db, &first, "in time").unwrap();
    clock.advance(LENGTH);
    let second = acquire(&db, "b").unwrap();

    let late = act(&db, &first, "late");

    assert!(matches!(late, Err(StoreError::LeaseLost { .. })), "{late:?}");
    assert!(matches!(renew(&db, &first), Err(StoreError::LeaseLost { .. })));
    act(&db, &second, "next").unwrap();
    assert_eq!(ids(&db), ["in time", "next"]);
}

fn a_renewed_lease_goes_on(database: &TestDatabase) {
    let (db, clock) = open(database);
    let first = acquire(&db, "a").unwrap();

    clock.advance(LENGTH - Duration::from_secs(1));
    let renewed = renew(&db, &first).unwrap();
    clock.advance(LENGTH - Duration::from_secs(1));

    assert_eq!(acquire(&db, "b"), None);
    assert_eq!(renewed.token, first.token);
    clock.advance(Duration::from_secs(1));
    assert!(matches!(renew(&db, &renewed), Err(StoreError::LeaseLost { .. })), "a lease that ran out was renewed");
}

fn a_lease_given_back_is_free_at_once(database: &TestDatabase) {
    let (db, _) = open(database);
    let first = acquire(&db, "a").unwrap();
    let given_back = first.clone();

    db.write_blocking::<_, StoreError, _>(move |tx| lease::release(tx, &given_back)).unwrap();

    let second = acquire(&db, "b").unwrap();
    assert!(second.token > first.token);
}

fn the_same_owner_starts_anew(database: &TestDatabase) {
    let (db, _) = open(database);
    let before_restart = acquire(&db, "a").unwrap();

    let after_restart = acquire(&db, "a").unwrap();

    assert!(act(&db, &before_restart, "late").is_err());
    act(&db, &after_restart, "in time").unwrap();
}

fn of_ten_racing_owners_one_holds_it(database: &TestDatabase) {
    const OWNERS: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let (db, _) = open(database);
    let barrier = Barrier::new(OWNERS.len());

    let held = std::thread::scope(|scope| {
        let (db, barrier) = (&db, &barrier);
        let race = |owner| {
            scope.spawn(move || {
                barrier.wait();
                acquire(db, owner)
            })
        };
        OWNERS.map(race).map(|thread| thread.join().unwrap()).into_iter().flatten().count()
    });

    assert_eq!(held, 1);
}
