//! Guessing is slow, and the victim is not locked out (ASVS 6.1.1, 6.3.1).

use std::time::Duration;

use serde_json::json;
use testkit::{Answer, TestDatabase, both_databases};

use crate::world::{PASSWORD, World};

both_databases!(
    guesses_from_one_address_are_slowed,
    guesses_from_many_addresses_are_slowed_and_the_owner_still_gets_in,
    an_account_that_does_not_exist_is_throttled_like_one_that_does,
    good_passwords_do_not_count,
    limits_can_be_turned_off,
);

fn guess(world: &World, email: &str, password: &str, address: [u8; 4]) -> Answer {
    let body = json!({"email": email, "password": password});
    world.harness.post("/auth/login").from_address(address).json(&body).send()
}

fn stranger(number: u8) -> [u8; 4] {
    [198, 51, 100, number]
}

const HOME: [u8; 4] = [203, 0, 113, 7];

fn guesses_from_one_address_are_slowed(database: &TestDatabase) {
    let world =
        World::with(database, &[("auth.attempts_per_address_burst", "5"), ("auth.attempts_per_address_per_min", "1")]);
    world.register("anna@example.org");

    let answers: Vec<_> =
        (0..6).map(|n| guess(&world, &format!("nobody{n}@example.org"), "wrong horse", stranger(1))).collect();

    assert!(answers[..5].iter().all(|answer| answer.status == 401));
    let refused = answers[5].clone().expect(429);
    assert_eq!(refused.code(), "auth.too-many-attempts");
    assert_eq!(refused.header("retry-after"), Some("61"));
    guess(&world, "anna@example.org", PASSWORD, HOME).expect(200);
    world.clock().advance(Duration::from_secs(61));
    guess(&world, "anna@example.org", "wrong horse", stranger(1)).expect(401);
}

fn guesses_from_many_addresses_are_slowed_and_the_owner_still_gets_in(database: &TestDatabase) {
    let world = World::with(database, &[("auth.failures_per_account_burst", "5")]);
    world.register("anna@example.org");

    let answers: Vec<_> = (0..40).map(|n| guess(&world, "anna@example.org", "wrong horse", stranger(n))).collect();

    let tried = answers.iter().filter(|answer| answer.status == 401).count();
    assert_eq!(tried, 5, "a hundred addresses guess no faster than one");
    assert!(answers[5..].iter().all(|answer| answer.status == 429));
    guess(&world, "anna@example.org", PASSWORD, stranger(200)).expect(429);
    guess(&world, "anna@example.org", PASSWORD, HOME).expect(200);
}

fn an_account_that_does_not_exist_is_throttled_like_one_that_does(database: &TestDatabase) {
    let world = World::with(database, &[("auth.failures_per_account_burst", "3")]);
    world.register("anna@example.org");

    let statuses = |email: &str| -> Vec<u16> {
        (0..6).map(|n| guess(&world, email, "wrong horse", stranger(n)).status.as_u16()).collect()
    };

    assert_eq!(statuses("anna@example.org"), statuses("nobody@example.org"));
    assert_eq!(statuses("ANNA@example.org"), [429; 6], "every spelling is the same account");
}

fn good_passwords_do_not_count(database: &TestDatabase) {
    let world = World::with(database, &[("auth.failures_per_account_burst", "2")]);
    world.register("anna@example.org");

    for _ in 0..10 {
        guess(&world, "anna@example.org", PASSWORD, stranger(1)).expect(200);
    }
}

fn limits_can_be_turned_off(database: &TestDatabase) {
    let off = [
        ("limits.enabled", "false"),
        ("auth.failures_per_account_burst", "1"),
        ("auth.attempts_per_address_burst", "1"),
    ];
    let world = World::with(database, &off);
    world.register("anna@example.org");

    for _ in 0..4 {
        guess(&world, "anna@example.org", "wrong horse", stranger(1)).expect(401);
    }
}
