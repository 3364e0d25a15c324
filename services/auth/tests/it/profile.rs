//! One's own profile, and the event that tells the others.

use std::time::Duration;

use contracts::auth::{Profile, ProfileChange};
use serde_json::json;
use testkit::{TestDatabase, both_databases};

use crate::world::{PASSWORD, World};

both_databases!(
    a_profile_is_read_with_its_grants_and_a_tag,
    what_is_left_out_of_a_change_stays,
    another_email_wants_the_password_shown_just_now,
    every_change_of_a_profile_is_told_once,
);

fn a_profile_is_read_with_its_grants_and_a_tag(database: &TestDatabase) {
    let world = World::new(database);
    let anna = world.register("anna@example.org");

    let answer = world.ask("GET", "/auth/me", &anna).send().expect(200);

    assert_eq!(answer.json()["id"], anna.id.to_string());
    assert_eq!(answer.json()["grants"], json!([]));
    assert_eq!(answer.json().get("disabled"), None, "only an administrator sees it");
    let tag = answer.header("etag").unwrap();
    world.ask("GET", "/auth/me", &anna).header("if-none-match", tag).send().expect(304);
    world.harness.get("/auth/me").send().expect(401);
}

fn what_is_left_out_of_a_change_stays(database: &TestDatabase) {
    let world = World::new(database);
    let anna = world.register("anna@example.org");
    let change = |body| world.ask("PATCH", "/auth/me", &anna).json(&body).send();

    let renamed = change(json!({"name": "Аня"})).expect(200).json();
    let english = change(json!({"language": "en"})).expect(200).json();
    let nameless = change(json!({"name": null})).expect(200).json();

    assert_eq!((&renamed["name"], &renamed["language"]), (&json!("Аня"), &json!("ru")));
    assert_eq!((&english["name"], &english["language"]), (&json!("Аня"), &json!("en")));
    assert_eq!((&nameless["name"], &nameless["email"]), (&json!(null), &json!("anna@example.org")));
    for body in [
        json!({"grants": []}),
        json!({"disabled": false}),
        json!({"id": "x"}),
        json!({"name": ""}),
        json!({"email": "x"}),
    ] {
        change(body).expect(422);
    }
}

fn another_email_wants_the_password_shown_just_now(database: &TestDatabase) {
    let world = World::new(database);
    let anna = world.register("anna@example.org");
    world.register("boris@example.org");
    let change = |email: &str, by| world.ask("PATCH", "/auth/me", by).json(&json!({"email": email})).send();

    assert_eq!(change("Boris@example.org", &anna).expect(409).code(), "auth.email-taken");
    change("anna@new.example", &anna).expect(200);
    world.clock().advance(Duration::from_secs(301));
    assert_eq!(change("anna@third.example", &anna).expect(403).code(), "auth.fresh-login-required");

    world.try_login("anna@example.org", PASSWORD).expect(401);
    assert_eq!(world.login("anna@new.example", PASSWORD).id, anna.id);
    let newcomer = world.register("anna@example.org");
    assert_ne!(newcomer.id, anna.id, "an address that was left is nobody's");
}

fn every_change_of_a_profile_is_told_once(database: &TestDatabase) {
    let mut world = World::new(database);
    let admin = world.admin();
    let anna = world.register("anna@example.org");
    world.ask("PATCH", "/auth/me", &anna).json(&json!({"name": "Аня"})).send().expect(200);
    world.ask("PATCH", "/auth/me", &anna).json(&json!({"name": "Аня"})).send().expect(200);
    world.grant(&admin, anna.id, &json!([{"role": "courier", "shop_id": null}])).expect(200);
    world.post("/auth/register", &json!({"email": "anna@example.org", "password": PASSWORD})).expect(409);

    let events = world.harness.platform().log().tail(0, &["profiles"], 100).unwrap();

    let told: Vec<Profile> = events.iter().map(|event| event.decode().unwrap()).collect();
    let of_anna: Vec<_> = told.iter().filter(|profile| profile.user_id == anna.id).collect();
    let changes: Vec<_> = of_anna.iter().map(|profile| profile.change).collect();
    assert_eq!(changes, [ProfileChange::Registered, ProfileChange::Changed, ProfileChange::Changed]);
    assert_eq!(of_anna[1].name.as_deref(), Some("Аня"));
    assert!(events.iter().all(|event| event.key.starts_with("usr_")));
}
