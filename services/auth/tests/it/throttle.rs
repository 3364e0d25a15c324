//! Guessing is slow, and the victim is not locked out (ASVS 6.1.1, 6.3.1).

use std::time::Duration;

use serde_json::json;
use testkit::{Answer, TestDatabase, both_databases};

use crate::world::{OTHER_PASSWORD, PASSWORD, SignedIn, World, signed_in};

both_databases!(
    guesses_from_one_address_are_slowed,
    guesses_from_many_addresses_are_slowed_and_the_owner_still_gets_in,
    who_signed_out_lately_still_gets_in,
    an_address_where_a_token_was_stolen_is_not_known,
    strangers_guesses_do_not_stop_the_owner_from_changing_the_password,
    asking_whose_addresses_are_taken_is_slowed,
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

/// The account's bucket of strangers, empty.
fn besieged(world: &World) {
    for number in 0..5 {
        guess(world, "anna@example.org", "wrong horse", stranger(number)).expect(401);
    }
    guess(world, "anna@example.org", PASSWORD, stranger(200)).expect(429);
}

fn who_signed_out_lately_still_gets_in(database: &TestDatabase) {
    let world = World::with(database, &[("auth.failures_per_account_burst", "5")]);
    world.register("anna@example.org");
    let anna = signed_in(&guess(&world, "anna@example.org", PASSWORD, HOME).expect(200));
    world.ask("POST", "/auth/logout", &anna).send().expect(204);
    world.clock().advance(Duration::from_secs(29 * 86_400));

    besieged(&world);
    guess(&world, "anna@example.org", PASSWORD, HOME).expect(200);
}

fn an_address_where_a_token_was_stolen_is_not_known(database: &TestDatabase) {
    let world = World::with(database, &[("auth.failures_per_account_burst", "5")]);
    world.register("anna@example.org");
    let anna = signed_in(&guess(&world, "anna@example.org", PASSWORD, stranger(77)).expect(200));
    let refresh = || {
        let body = json!({"refresh_token": anna.refresh});
        world.harness.post("/auth/refresh").from_address(stranger(77)).json(&body).send()
    };
    refresh().expect(200);
    assert_eq!(refresh().expect(401).code(), "auth.token-reused");

    besieged(&world);
    guess(&world, "anna@example.org", PASSWORD, stranger(77)).expect(429);
}

fn strangers_guesses_do_not_stop_the_owner_from_changing_the_password(database: &TestDatabase) {
    let world = World::with(database, &[("auth.failures_per_account_burst", "5")]);
    let anna = world.register("anna@example.org");
    besieged(&world);
    let change = |current: &str| {
        let body = json!({"current_password": current, "new_password": OTHER_PASSWORD});
        world.ask("POST", "/auth/password", &anna).json(&body).send()
    };

    // Whoever holds a stolen token guesses as slowly.
    (0..4).for_each(|_| drop(change("wrong horse").expect(403)));
    change(PASSWORD).expect(204);
    change("wrong horse").expect(403);
    change("wrong horse").expect(429);
}

fn asking_whose_addresses_are_taken_is_slowed(database: &TestDatabase) {
    let limits = [("auth.failures_per_account_burst", "3"), ("auth.attempts_per_address_burst", "7")];
    let world = World::with(database, &limits);
    let anna = world.register("anna@example.org");
    let boris = world.register("boris@example.org");
    let ask = |by: &SignedIn| {
        let body = json!({"email": "admin@example.org"});
        world.ask("PATCH", "/auth/me", by).from_address(stranger(1)).json(&body).send()
    };
    world.register("admin@example.org");

    (0..3).for_each(|_| assert_eq!(ask(&anna).expect(409).code(), "auth.email-taken"));
    assert_eq!(ask(&anna).expect(429).code(), "auth.too-many-attempts");
    (0..3).for_each(|_| drop(ask(&boris).expect(409)));
    let clara = world.register("clara@example.org");
    assert_eq!(ask(&clara).expect(429).code(), "auth.too-many-attempts", "the address is counted over all persons");
    let renamed = world.ask("PATCH", "/auth/me", &anna).from_address(stranger(1)).json(&json!({"name": "Аня"}));
    renamed.send().expect(200);
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
