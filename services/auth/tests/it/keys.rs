//! Signing keys: published before they sign, known until their last token has run out, sealed at rest.

use std::time::Duration;

use serde_json::Value;
use store::params;
use testkit::{FakeClock, TestDatabase, both_databases};

use crate::world::{PASSWORD, World, signed_in};

both_databases!(
    the_public_keys_are_there_for_everybody_and_nothing_else,
    a_new_key_leaves_old_tokens_alive_to_their_end,
    keys_are_rotated_by_themselves,
    tokens_outlive_a_restart,
    sealed_keys_open_with_their_secret_only,
    a_key_that_lies_open_is_replaced_and_forgotten_once_there_is_a_secret,
    a_service_that_is_only_looked_at_writes_nothing,
    an_instance_with_the_old_secret_signs_on_while_it_is_replaced,
);

fn kids(world: &World) -> Vec<String> {
    let set = world.harness.get("/.well-known/jwks.json").send().expect(200).json();
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn kid(token: &str) -> String {
    use base64::Engine as _;
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

fn the_public_keys_are_there_for_everybody_and_nothing_else(database: &TestDatabase) {
    let world = World::new(database);
    let anna = world.register("anna@example.org");

    let answer = world.harness.get("/.well-known/jwks.json").send().expect(200);

    let set = answer.json();
    let key = &set["keys"][0];
    assert_eq!(set["keys"].as_array().unwrap().len(), 1);
    assert_eq!((&key["kty"], &key["crv"], &key["use"]), (&"OKP".into(), &"Ed25519".into(), &"sig".into()));
    assert_eq!(key["kid"], kid(&anna.access));
    assert_eq!(key.get("d"), None, "the private half is not there");
}

fn a_moment_later(world: &World) -> FakeClock {
    world.clock().advance(Duration::from_millis(1));
    world.clock().clone()
}

const SECRET: [(&str, &str); 1] = [("auth.key_secret", "a secret of the house")];

fn a_new_key_leaves_old_tokens_alive_to_their_end(database: &TestDatabase) {
    let world = World::new(database);
    let before = world.register("anna@example.org");
    let clock = a_moment_later(&world);
    drop(world);

    let mut world = World::at(database, clock, &SECRET);
    assert_eq!(kids(&world).len(), 2, "the new key is published");
    assert_eq!(kid(&world.login("anna@example.org", PASSWORD).access), kid(&before.access), "and does not sign yet");
    world.harness.pass(Duration::from_secs(10));
    let after = world.login("anna@example.org", PASSWORD);

    assert_ne!(kid(&after.access), kid(&before.access));
    assert!(world.who(&before.access).is_some() && world.who(&after.access).is_some());
    world.harness.pass(Duration::from_secs(590));
    assert!(world.who(&before.access).is_none(), "it has run out");
    world.harness.pass(Duration::from_secs(120));
    assert_eq!(kids(&world), [kid(&after.access)], "the old key is gone");
}

fn keys_are_rotated_by_themselves(database: &TestDatabase) {
    let mut world = World::with(database, &[("auth.key_rotation", "1d")]);
    let before = kids(&world);

    world.harness.pass(Duration::from_secs(86_400));
    let during = kids(&world);

    assert_eq!(during.len(), 2);
    assert_eq!(during[1], before[0]);
}

fn tokens_outlive_a_restart(database: &TestDatabase) {
    let world = World::new(database);
    let anna = world.register("anna@example.org");
    let clock = a_moment_later(&world);
    drop(world);

    let world = World::at(database, clock, &[]);

    assert!(world.who(&anna.access).is_some(), "at once, before any timer");
    signed_in(&world.try_refresh(&anna.refresh).expect(200));
}

fn sealed_keys_open_with_their_secret_only(database: &TestDatabase) {
    let world = World::with(database, &SECRET);
    let anna = world.register("anna@example.org");
    let clock = a_moment_later(&world);
    drop(world);

    let right = World::at(database, clock.clone(), &SECRET);
    right.try_refresh(&anna.refresh).expect(200);
    let clock = a_moment_later(&right);
    drop(right);
    let wrong = World::at(database, clock, &[("auth.key_secret", "another secret")]);

    assert!(wrong.who(&anna.access).is_some(), "checking needs the public half only");
    let again = wrong.login("anna@example.org", PASSWORD);
    assert_ne!(kid(&again.access), kid(&anna.access), "the old private half cannot be used");
    assert!(wrong.who(&again.access).is_some());
}

store::statements! {
    /// What a copy of the database would show.
    PRIVATE_HALVES = "SELECT private_key FROM signing_keys WHERE sealed = $1 ORDER BY generation LIMIT 10";
}

fn private_halves(world: &World, sealed: bool) -> Vec<String> {
    world.harness.db().read_blocking(move |s| s.list(&PRIVATE_HALVES, &params![sealed], |row| row.get(0))).unwrap()
}

fn a_key_that_lies_open_is_replaced_and_forgotten_once_there_is_a_secret(database: &TestDatabase) {
    let world = World::new(database);
    let before = world.register("anna@example.org");
    let clock = a_moment_later(&world);
    drop(world);

    let mut world = World::at(database, clock, &SECRET);
    world.harness.pass(Duration::from_secs(12));
    let after = world.login("anna@example.org", PASSWORD);
    let still_there = private_halves(&world, false);
    world.harness.pass(Duration::from_secs(60));

    assert_ne!(kid(&after.access), kid(&before.access));
    assert!(!still_there[0].is_empty(), "an instance whose clock is slow still signs with it");
    assert_eq!(private_halves(&world, false), [""]);
    assert_eq!(private_halves(&world, true).len(), 1, "and one new key, however often it is looked");
    assert!(world.who(&before.access).is_some(), "its tokens live to their end");
}

/// A command mounts the service as well, and must not change what it looks at.
fn a_service_that_is_only_looked_at_writes_nothing(database: &TestDatabase) {
    let world = World::new(database);
    world.register("anna@example.org");
    let clock = a_moment_later(&world);
    drop(world);
    drop(World::at(database, clock.clone(), &SECRET));
    clock.advance(Duration::from_secs(120));

    let mut world = World::at(database, clock, &SECRET);
    let mounted = private_halves(&world, false);
    world.harness.pass(Duration::from_secs(2));

    assert!(!mounted[0].is_empty(), "it lies open still");
    assert_eq!(private_halves(&world, false), [""], "until a timer runs");
}

fn an_instance_with_the_old_secret_signs_on_while_it_is_replaced(database: &TestDatabase) {
    let mut old = World::with(database, &SECRET);
    let anna = old.register("anna@example.org");
    let new = World::at(database, a_moment_later(&old), &[("auth.key_secret", "another secret")]);
    old.harness.pass(Duration::from_secs(4));

    let signed_by_old = old.login("anna@example.org", PASSWORD);
    let signed_by_new = new.login("anna@example.org", PASSWORD);

    assert_eq!(kid(&signed_by_old.access), kid(&anna.access));
    assert_ne!(kid(&signed_by_new.access), kid(&anna.access));
    for token in [&signed_by_old.access, &signed_by_new.access] {
        assert!(old.who(token).is_some() && new.who(token).is_some());
    }
}
