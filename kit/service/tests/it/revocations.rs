//! Revocations: refused at once, forgotten after ten minutes, and known to be old when nobody refreshes them.

use std::time::Duration;

use kernel::Clock as _;
use service::{REVOCATION_LIFETIME, Revocation, Revocations};
use testkit::FakeClock;

fn session(id: &str, clock: &FakeClock) -> Revocation {
    Revocation::Session { id: id.to_owned(), at: clock.now() }
}

fn user(id: &str, clock: &FakeClock) -> Revocation {
    Revocation::User { id: id.to_owned(), at: clock.now() }
}

#[test]
fn a_revoked_session_is_refused_and_its_neighbour_is_not() {
    let (clock, revocations) = (FakeClock::default(), Revocations::default());

    revocations.add(session("s1", &clock));

    assert!(revocations.refuses("s1", "u1", clock.now()));
    assert!(!revocations.refuses("s2", "u1", clock.now()));
}

#[test]
fn a_revoked_user_is_refused_until_the_next_login() {
    let (clock, revocations) = (FakeClock::default(), Revocations::default());
    let before = clock.now();
    clock.advance(Duration::from_secs(5));

    revocations.add(user("u1", &clock));

    assert!(revocations.refuses("any", "u1", before));
    assert!(revocations.refuses("any", "u1", clock.now()), "issued in the same moment");
    clock.advance(Duration::from_secs(1));
    assert!(!revocations.refuses("any", "u1", clock.now()), "issued afterwards");
    assert!(!revocations.refuses("any", "u2", before));
}

#[test]
fn an_older_entry_does_not_take_a_newer_one_back() {
    let (clock, revocations) = (FakeClock::default(), Revocations::default());
    let old = user("u1", &clock);
    clock.advance(Duration::from_secs(60));
    let issued = clock.now();
    revocations.add(user("u1", &clock));

    revocations.refresh([old], &clock);

    assert!(revocations.refuses("s", "u1", issued));
}

#[test]
fn entries_are_forgotten_when_no_token_can_be_that_old() {
    let (clock, revocations) = (FakeClock::default(), Revocations::default());
    let issued = clock.now();
    revocations.refresh([session("s1", &clock), user("u1", &clock)], &clock);

    clock.advance(REVOCATION_LIFETIME);
    revocations.refresh([], &clock);
    assert!(revocations.refuses("s1", "u1", issued), "at ten minutes a token may still be good");

    clock.advance(Duration::from_secs(1));
    revocations.refresh([], &clock);
    assert!(!revocations.refuses("s1", "u1", issued));
}

#[test]
fn a_refresh_keeps_what_was_added_while_the_list_was_read() {
    let (clock, revocations) = (FakeClock::default(), Revocations::default());

    revocations.add(session("s1", &clock));
    revocations.refresh([session("s2", &clock)], &clock);

    assert!(revocations.refuses("s1", "u", clock.now()));
    assert!(revocations.refuses("s2", "u", clock.now()));
}

#[test]
fn a_list_that_nobody_refreshes_is_known_to_be_old() {
    let (clock, revocations) = (FakeClock::default(), Revocations::default());
    let limit = Duration::from_secs(5);
    assert_eq!(revocations.age(&clock), None);
    assert!(revocations.older_than(limit, &clock), "never refreshed");

    revocations.refresh([], &clock);
    clock.advance(limit);
    assert!(!revocations.older_than(limit, &clock));

    clock.advance(Duration::from_millis(1));
    assert!(revocations.older_than(limit, &clock));
    clock.set("2020-01-01T00:00:00Z".parse().unwrap());
    assert!(revocations.older_than(limit, &clock), "setting the wall clock back makes no list young");
}
