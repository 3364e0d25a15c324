//! One effect per key (decision 17).

use std::sync::{Arc, Barrier};
use std::time::Duration;

use kernel::OsRng;
use store::idempotency::{self, Claim, Held, KEPT, Key, LEASE, StoredAnswer};
use store::{Db, StoreError};
use testkit::{FakeClock, TestDatabase};

use crate::harness::{ids, put, things};

testkit::both_databases!(
    the_first_claim_is_fresh_and_the_next_waits,
    a_key_is_claimed_first_by_one_only,
    who_never_heard_that_the_claim_is_his_claims_it_again,
    an_answer_is_given_again,
    another_body_is_a_mismatch,
    keys_of_others_are_other_keys,
    a_dead_lease_is_taken_over_with_the_same_resource,
    the_overtaken_cannot_finish,
    a_key_that_was_let_go_of_and_claimed_anew_is_not_the_old_claim,
    a_released_key_is_free,
    of_twenty_racing_claims_one_is_fresh,
    old_keys_are_pruned,
);

fn key() -> Key {
    Key { principal: "usr_1".to_owned(), route: "POST /orders".to_owned(), key: "k1".to_owned() }
}

fn open(database: &TestDatabase) -> (Db, FakeClock) {
    let clock = FakeClock::default();
    (things(&database.open_with(clock.shared(), Arc::new(OsRng))), clock)
}

fn claim(db: &Db, key: &Key, body: &'static str, resource: &'static str) -> Claim {
    let key = key.clone();
    db.write_blocking::<_, StoreError, _>(move |tx| idempotency::claim(tx, &key, body, resource)).unwrap()
}

fn held(claim: Claim) -> Held {
    match claim {
        Claim::Fresh(held) | Claim::TakenOver(held) => held,
        Claim::Replay(_) | Claim::InProgress { .. } | Claim::Mismatch => panic!("{claim:?} gives no right to act"),
    }
}

fn created() -> StoredAnswer {
    StoredAnswer { status: 201, headers: "{}".to_owned(), body: r#"{"id":"ord_1"}"#.to_owned() }
}

/// The last transaction of a request: the effect and the answer.
fn finish(db: &Db, held: &Held) -> Result<(), StoreError> {
    let held = held.clone();
    db.write_blocking(move |tx| {
        put(tx, &held.resource, 1)?;
        idempotency::answer(tx, &held, &created())
    })
}

fn the_first_claim_is_fresh_and_the_next_waits(database: &TestDatabase) {
    let (db, clock) = open(database);

    let first = claim(&db, &key(), "b", "ord_1");
    clock.advance(LEASE - Duration::from_secs(2));

    assert_eq!(held(first).resource, "ord_1");
    assert_eq!(claim(&db, &key(), "b", "ord_2"), Claim::InProgress { retry_after_s: 2 });
}

fn claim_first(db: &Db, resource: &'static str) -> Result<Held, StoreError> {
    db.write_blocking(move |tx| idempotency::claim_first(tx, &key(), "b", resource))
}

fn is_claimed(answer: &Result<Held, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Untouched { .. }))
}

fn a_key_is_claimed_first_by_one_only(database: &TestDatabase) {
    let (db, _clock) = open(database);

    let first = claim_first(&db, "ord_1");

    assert!(is_claimed(&claim_first(&db, "ord_2")));
    assert_eq!(claim(&db, &key(), "b", "ord_2"), Claim::InProgress { retry_after_s: 5 });
    finish(&db, &first.unwrap()).unwrap();
    assert_eq!(claim(&db, &key(), "b", "ord_3"), Claim::Replay(created()));
}

/// The answer to the first claim was lost, so it was made twice.
fn who_never_heard_that_the_claim_is_his_claims_it_again(database: &TestDatabase) {
    let (db, clock) = open(database);
    claim_first(&db, "ord_1").unwrap();

    let again = claim_first(&db, "ord_1");
    let claim_next = |resource: &'static str| {
        db.write_blocking::<_, StoreError, _>(move |tx| idempotency::claim_next(tx, &key(), "b", resource)).unwrap()
    };
    let known = held(claim_next("ord_1"));

    assert!(is_claimed(&again));
    assert_eq!(claim_next("ord_2"), Claim::InProgress { retry_after_s: 5 });
    clock.advance(LEASE + Duration::from_secs(1));
    let next = held(claim_next("ord_2"));
    assert_eq!(claim_next("ord_1"), Claim::InProgress { retry_after_s: 5 }, "it was taken over");
    assert!(matches!(finish(&db, &known), Err(StoreError::LeaseLost { .. })));
    finish(&db, &next).unwrap();
}

fn an_answer_is_given_again(database: &TestDatabase) {
    let (db, clock) = open(database);

    finish(&db, &held(claim(&db, &key(), "b", "ord_1"))).unwrap();
    clock.advance(KEPT - Duration::from_secs(1));

    assert_eq!(claim(&db, &key(), "b", "ord_2"), Claim::Replay(created()));
    assert_eq!(ids(&db), ["ord_1"]);
}

fn another_body_is_a_mismatch(database: &TestDatabase) {
    let (db, clock) = open(database);

    let first = held(claim(&db, &key(), "b", "ord_1"));

    assert_eq!(claim(&db, &key(), "other", "ord_2"), Claim::Mismatch);
    clock.advance(LEASE);
    assert_eq!(claim(&db, &key(), "other", "ord_2"), Claim::Mismatch);
    finish(&db, &first).unwrap();
    assert_eq!(claim(&db, &key(), "other", "ord_2"), Claim::Mismatch);
}

fn keys_of_others_are_other_keys(database: &TestDatabase) {
    let (db, _) = open(database);
    claim(&db, &key(), "b", "ord_1");

    for other in [
        Key { principal: "usr_2".to_owned(), ..key() },
        Key { route: "POST /refunds".to_owned(), ..key() },
        Key { key: "k2".to_owned(), ..key() },
    ] {
        assert!(matches!(claim(&db, &other, "b", "ord_2"), Claim::Fresh(_)), "{other:?}");
    }
}

fn a_dead_lease_is_taken_over_with_the_same_resource(database: &TestDatabase) {
    let (db, clock) = open(database);
    claim(&db, &key(), "b", "ord_1");

    clock.advance(LEASE);
    let second = claim(&db, &key(), "b", "ord_2");

    let Claim::TakenOver(second) = second else { panic!("{second:?}") };
    assert_eq!(second.resource, "ord_1");
    assert!(matches!(claim(&db, &key(), "b", "ord_3"), Claim::InProgress { .. }));
    finish(&db, &second).unwrap();
}

fn the_overtaken_cannot_finish(database: &TestDatabase) {
    let (db, clock) = open(database);
    let first = held(claim(&db, &key(), "b", "ord_1"));
    clock.advance(LEASE);
    let second = held(claim(&db, &key(), "b", "ord_1"));

    let late = finish(&db, &first);
    let overtaken = first.clone();
    db.write_blocking::<_, StoreError, _>(move |tx| idempotency::release(tx, &overtaken)).unwrap();

    assert!(matches!(late, Err(StoreError::LeaseLost { .. })), "{late:?}");
    assert_eq!(ids(&db), [""; 0]);
    finish(&db, &second).unwrap();
    assert!(matches!(finish(&db, &second), Err(StoreError::Unique { .. })));
    assert_eq!(claim(&db, &key(), "b", "ord_9"), Claim::Replay(created()));
}

/// The token begins at 1 again with a fresh claim: only the thing that is made tells the two apart.
fn a_key_that_was_let_go_of_and_claimed_anew_is_not_the_old_claim(database: &TestDatabase) {
    let (db, clock) = open(database);
    let stalled = held(claim(&db, &key(), "b", "ord_1"));
    clock.advance(LEASE);
    let second = held(claim(&db, &key(), "b", "ord_1"));
    let release = |held: &Held| {
        let held = held.clone();
        db.write_blocking::<_, StoreError, _>(move |tx| idempotency::release(tx, &held)).unwrap()
    };
    assert!(release(&second));
    let third = held(claim(&db, &key(), "b", "ord_3"));

    let late = finish(&db, &stalled);

    assert!(matches!(late, Err(StoreError::LeaseLost { .. })), "{late:?}");
    assert!(!release(&stalled), "nor does it let go of what is another's");
    assert_eq!(ids(&db), [""; 0]);
    finish(&db, &third).unwrap();
    assert_eq!(ids(&db), ["ord_3"]);
}

fn a_released_key_is_free(database: &TestDatabase) {
    let (db, _) = open(database);
    let first = held(claim(&db, &key(), "b", "ord_1"));

    db.write_blocking::<_, StoreError, _>(move |tx| idempotency::release(tx, &first)).unwrap();

    assert_eq!(held(claim(&db, &key(), "mended", "ord_2")).resource, "ord_2");
}

fn of_twenty_racing_claims_one_is_fresh(database: &TestDatabase) {
    let (db, _) = open(database);
    let barrier = Barrier::new(20);

    let claims: Vec<Claim> = std::thread::scope(|scope| {
        let race = || {
            barrier.wait();
            claim(&db, &key(), "b", "ord_1")
        };
        let racing: Vec<_> = (0..20).map(|_| scope.spawn(race)).collect();
        racing.into_iter().map(|thread| thread.join().unwrap()).collect()
    });

    let fresh = claims.iter().filter(|claim| matches!(claim, Claim::Fresh(_))).count();
    let waiting = claims.iter().filter(|claim| matches!(claim, Claim::InProgress { .. })).count();
    assert_eq!((fresh, waiting), (1, 19));
}

fn old_keys_are_pruned(database: &TestDatabase) {
    let (db, clock) = open(database);
    let prune = || db.write_blocking::<_, StoreError, _>(|tx| idempotency::prune(tx, 1)).unwrap();
    finish(&db, &held(claim(&db, &key(), "b", "ord_1"))).unwrap();
    claim(&db, &Key { key: "k2".to_owned(), ..key() }, "b", "ord_2");

    assert_eq!(prune(), 0);
    clock.advance(KEPT + Duration::from_secs(1));

    assert_eq!((prune(), prune(), prune()), (1, 1, 0));
    assert!(matches!(claim(&db, &key(), "b", "ord_3"), Claim::Fresh(_)));
}
