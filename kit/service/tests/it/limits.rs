//! Turning work away, with time in the test's hands.

use std::sync::Arc;
use std::time::Duration;

use kernel::Coded as _;
use service::{Admission, AdmissionLimits, Overloaded, Permit};
use testkit::FakeClock;

const LIMITS: AdmissionLimits =
    AdmissionLimits { in_flight_min: 4, in_flight_max: 100, target: Duration::from_millis(100) };

fn a_door(clock: &FakeClock) -> Arc<Admission> {
    Admission::new(LIMITS, clock.shared())
}

/// Everybody who is let in at once.
fn a_full_house(door: &Arc<Admission>) -> Vec<Permit> {
    std::iter::from_fn(|| door.enter().ok()).collect()
}

#[test]
fn more_than_the_bound_are_turned_away_with_a_time_to_come_back() {
    let door = a_door(&FakeClock::default());

    let inside = a_full_house(&door);
    let refused = door.enter().unwrap_err();

    assert_eq!(inside.len(), 100);
    assert_eq!(refused, Overloaded { in_flight: 100 });
    assert_eq!(door.look(), Err(refused), "looking tells the same and takes no place");
    assert_eq!(refused.retry_after_s(), Some(1));
    drop(inside);
    assert_eq!(door.in_flight(), 0);
    assert!(door.enter().is_ok());
}

#[test]
fn slow_answers_close_the_door_to_what_can_be_answered_in_time() {
    let clock = FakeClock::default();
    let door = a_door(&clock);

    // Ten windows of overload: each time as many as are let in, of which 25 are answered in every 100 ms, in turn.
    let mut inside = std::collections::VecDeque::new();
    for _ in 0..40 {
        inside.extend(a_full_house(&door));
        clock.advance(Duration::from_millis(100));
        inside.drain(..inside.len().min(25));
    }

    // 250 a second and a target of 100 ms: about 25 at once, and never so many that they wait twice the target.
    assert!((20..=50).contains(&door.bound()), "the bound is {}", door.bound());
}

#[test]
fn the_door_never_closes_entirely() {
    let clock = FakeClock::default();
    let door = a_door(&clock);

    for _ in 0..20 {
        let inside = a_full_house(&door);
        clock.advance(Duration::from_secs(30));
        drop(inside);
    }

    assert_eq!(door.bound(), LIMITS.in_flight_min);
}

#[test]
fn quick_answers_open_it_again_up_to_the_most() {
    let clock = FakeClock::default();
    let door = a_door(&clock);
    let inside = a_full_house(&door);
    clock.advance(Duration::from_secs(30));
    drop(inside);
    let closed = door.bound();

    for _ in 0..40 {
        let permit = door.enter().unwrap();
        clock.advance(Duration::from_millis(50));
        drop(permit);
        clock.advance(Duration::from_millis(60));
    }

    assert!(closed < LIMITS.in_flight_max);
    assert_eq!(door.bound(), LIMITS.in_flight_max);
}
