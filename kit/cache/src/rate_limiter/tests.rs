//! The limiter against time that a test hands out.

use std::time::Duration;

use super::{Rate, RateLimiter};

const SECOND: Duration = Duration::from_secs(1);

fn limiter() -> RateLimiter {
    RateLimiter::new(Rate::new(2, SECOND, 4), 1024)
}

#[test]
fn a_burst_passes_and_the_next_one_is_told_how_long_to_wait() {
    let limiter = limiter();

    let passed = (0..10).filter(|_| limiter.take("anna", SECOND).is_ok()).count();

    assert_eq!(passed, 4);
    assert_eq!(limiter.take("anna", SECOND), Err(Duration::from_millis(500)));
    assert_eq!(limiter.take("anna", SECOND + Duration::from_millis(500)), Ok(()));
    assert!(limiter.take("anna", SECOND + Duration::from_millis(500)).is_err());
}

#[test]
fn a_quiet_key_has_its_burst_again() {
    let limiter = limiter();
    while limiter.take("anna", SECOND).is_ok() {}

    let later = (0..10).filter(|_| limiter.take("anna", 10 * SECOND).is_ok()).count();

    assert_eq!(later, 4);
}

#[test]
fn keys_do_not_share_their_counts() {
    let limiter = limiter();
    while limiter.take("anna", SECOND).is_ok() {}

    assert_eq!(limiter.take("boris", SECOND), Ok(()));
}

#[test]
fn what_is_given_back_may_be_taken_again() {
    let limiter = limiter();
    while limiter.take("anna", SECOND).is_ok() {}

    limiter.give_back("anna");

    assert_eq!(limiter.take("anna", SECOND), Ok(()));
    assert!(limiter.take("anna", SECOND).is_err());
}

#[test]
fn a_flood_of_new_keys_closes_the_limiter_and_quiet_keys_make_room() {
    let limiter = RateLimiter::new(Rate::new(1, SECOND, 1), 64);

    let passed = (0..10_000).filter(|key| limiter.take(key, SECOND).is_ok()).count();
    let later = limiter.take("anna", 60 * SECOND);

    assert!(passed <= 64, "{passed} keys were remembered");
    assert_eq!(later, Ok(()));
}
