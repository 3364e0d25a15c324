//! Changing a password, and what is stored of it.

use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, Params, PasswordHasher as _};
use serde_json::json;
use store::params;
use testkit::{TestDatabase, both_databases};

use crate::world::{OTHER_PASSWORD, PASSWORD, World};

both_databases!(
    changing_the_password_ends_all_other_sessions,
    the_current_password_is_wanted,
    a_change_wants_the_password_shown_just_now,
    a_new_password_satisfies_the_rules,
    a_password_counts_verbatim,
    a_hash_of_weaker_parameters_is_replaced_at_login,
);

fn changing_the_password_ends_all_other_sessions(database: &TestDatabase) {
    let world = World::new(database);
    let anna = world.register("anna@example.org");
    let elsewhere = world.login("anna@example.org", PASSWORD);
    let body = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});

    world.ask("POST", "/auth/password", &anna).json(&body).send().expect(204);

    assert!(world.who(&elsewhere.access).is_none());
    world.try_refresh(&elsewhere.refresh).expect(401);
    assert!(world.who(&anna.access).is_some(), "the one that changed it stays");
    world.try_refresh(&anna.refresh).expect(200);
    world.try_login("anna@example.org", PASSWORD).expect(401);
    world.login("anna@example.org", OTHER_PASSWORD);
    world.assert_clean();
}

fn the_current_password_is_wanted(database: &TestDatabase) {
    let world = World::new(database);
    let anna = world.register("anna@example.org");
    let body = json!({"current_password": "not my password", "new_password": OTHER_PASSWORD});

    let refused = world.ask("POST", "/auth/password", &anna).json(&body).send().expect(403);

    assert_eq!(refused.code(), "auth.wrong-password");
    world.login("anna@example.org", PASSWORD);
}

fn a_change_wants_the_password_shown_just_now(database: &TestDatabase) {
    let world = World::new(database);
    let anna = world.register("anna@example.org");
    let body = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
    world.clock().advance(Duration::from_secs(301));

    let refused = world.ask("POST", "/auth/password", &anna).json(&body).send().expect(403);

    assert_eq!(refused.code(), "auth.fresh-login-required");
    let fresh = world.login("anna@example.org", PASSWORD);
    world.ask("POST", "/auth/password", &fresh).json(&body).send().expect(204);
}

fn a_new_password_satisfies_the_rules(database: &TestDatabase) {
    let world = World::new(database);
    let anna = world.register("anna.petrova@example.org");
    for (wanted, code) in [
        ("short", "too-short"),
        ("password1", "common-password"),
        ("Anna.Petrova1", "guessable-password"),
        ("nul\0in the middle", "nul"),
    ] {
        let body = json!({"current_password": PASSWORD, "new_password": wanted});

        let answer = world.ask("POST", "/auth/password", &anna).json(&body).send().expect(422).json();

        assert_eq!(answer["errors"][0]["pointer"], "/new_password", "{answer}");
        assert_eq!(answer["errors"][0]["code"], code, "{answer}");
    }
    let long = "ж".repeat(1024);
    let body = json!({"current_password": PASSWORD, "new_password": long});
    world.ask("POST", "/auth/password", &anna).json(&body).send().expect(204);
    world.login("anna.petrova@example.org", &long);
}

fn a_password_counts_verbatim(database: &TestDatabase) {
    let world = World::new(database);
    let password = "  Щука 🫖 плыла  ";
    world.post("/auth/register", &json!({"email": "anna@example.org", "password": password})).expect(201);

    world.login("anna@example.org", password);
    for other in [password.trim(), &password.to_lowercase(), &format!("{password} ")] {
        world.try_login("anna@example.org", other).expect(401);
    }
}

store::statements! {
    /// As an older version of the program would have stored it.
    SET_HASH = "UPDATE credentials SET password_hash = $1";
    /// What is stored.
    GET_HASH = "SELECT password_hash FROM credentials";
}

fn a_hash_of_weaker_parameters_is_replaced_at_login(database: &TestDatabase) {
    let world = World::of_the_product(database);
    let (db, cost) = (world.harness.db(), |hash: &str| {
        let params = Params::try_from(&PasswordHash::new(hash).unwrap()).unwrap();
        (params.m_cost(), params.t_cost())
    });
    let stored = || -> String { db.read_blocking(|s| s.one(&GET_HASH, &[], |row| row.get(0))).unwrap().unwrap() };
    world.register("anna@example.org");
    assert_eq!(cost(&stored()), (19_456, 2));
    let weak = Argon2::from(Params::new(8 * 1024, 1, 1, None).unwrap());
    let weak = weak.hash_password_with_salt(PASSWORD.as_bytes(), b"sixteen bytes ok").unwrap().to_string();
    db.write_blocking(move |tx| tx.execute(&SET_HASH, &params![&weak])).unwrap();

    world.try_login("anna@example.org", "a wrong password").expect(401);
    let before = stored();
    world.login("anna@example.org", PASSWORD);

    assert_eq!(cost(&before), (8_192, 1), "a wrong password changes nothing");
    assert_eq!(cost(&stored()), (19_456, 2));
    world.login("anna@example.org", PASSWORD);
}
