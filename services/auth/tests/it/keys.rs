//! Signing keys: published before they sign, known until their last token has run out, sealed at rest.

use std::time::Duration;

use auth::rotate_keys;
use serde_json::Value;
use testkit::{TestDatabase, both_databases};

use crate::world::{PASSWORD, World, signed_in};

both_databases!(
    the_public_keys_are_there_for_everybody_and_nothing_else,
    a_rotation_leaves_old_tokens_alive_to_their_end,
    keys_are_rotated_by_themselves,
    tokens_outlive_a_restart,
    sealed_keys_open_with_their_secret_only,
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

fn a_rotation_leaves_old_tokens_alive_to_their_end(database: &TestDatabase) {
    let mut world = World::new(database);
    let before = world.register("anna@example.org");
    // As the command line does it, beside the running process.
    rotate_keys(world.harness.db(), &String::new().into()).unwrap();

    world.harness.pass(Duration::from_secs(2));
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
    let clock = world.clock().clone();
    drop(world);

    let world = World::at(database, clock, &[]);

    assert!(world.who(&anna.access).is_some(), "at once, before any timer");
    signed_in(&world.try_refresh(&anna.refresh).expect(200));
}

fn sealed_keys_open_with_their_secret_only(database: &TestDatabase) {
    let secret = [("auth.key_secret", "a secret of the house")];
    let world = World::with(database, &secret);
    let anna = world.register("anna@example.org");
    let clock = world.clock().clone();
    drop(world);

    let right = World::at(database, clock.clone(), &secret);
    right.try_refresh(&anna.refresh).expect(200);
    drop(right);
    let wrong = World::at(database, clock, &[("auth.key_secret", "another secret")]);

    assert!(wrong.who(&anna.access).is_some(), "checking needs the public half only");
    let refused = wrong.try_login("anna@example.org", PASSWORD).expect(503);
    assert_eq!(refused.code(), "auth.no-signing-key");
}
