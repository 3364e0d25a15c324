//! Sessions end when they should, and their access tokens with them (AUT-2).

use std::time::Duration;

use contracts::SessionId;
use serde_json::json;
use testkit::{TestDatabase, both_databases};

use crate::world::{PASSWORD, World};

both_databases!(
    logging_out_ends_both_tokens_at_once,
    a_person_sees_their_own_living_sessions,
    ending_another_session_wants_the_password_shown_just_now,
    nobody_ends_somebody_elses_session,
    an_ended_session_is_refused_after_a_restart_and_by_other_instances,
    an_administrator_ends_all_sessions_of_a_person,
    sessions_that_ended_long_ago_are_forgotten,
    a_flood_of_sessions_is_forgotten_as_well,
);

fn logging_out_ends_both_tokens_at_once(database: &TestDatabase) {
    let world = World::new(database);
    let anna = world.register("anna@example.org");
    let elsewhere = world.login("anna@example.org", PASSWORD);
    let principal = world.principal(&anna);

    world.harness.post("/auth/logout").by(&principal).send().expect(204);

    assert!(world.who(&anna.access).is_none());
    assert_eq!(world.try_refresh(&anna.refresh).expect(401).code(), "auth.session-ended");
    assert!(world.who(&elsewhere.access).is_some());
    // A second try of a client that did not hear the answer.
    world.harness.post("/auth/logout").by(&principal).send().expect(204);
    world.assert_clean();
}

fn a_person_sees_their_own_living_sessions(database: &TestDatabase) {
    let world = World::new(database);
    let anna = world.register("anna@example.org");
    world.register("boris@example.org");
    let body = json!({"email": "anna@example.org", "password": PASSWORD});
    world.clock().advance(Duration::from_millis(2));
    world.harness.post("/auth/login").header("user-agent", "kettle\t2").json(&body).send().expect(200);
    let gone = world.login("anna@example.org", PASSWORD);
    world.ask("POST", "/auth/logout", &gone).send().expect(204);

    let list = world.ask("GET", "/auth/sessions", &anna).send().expect(200).json();

    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "{list}");
    assert_eq!(items[0]["device"], "kettle2", "the newest first, without control characters");
    assert_eq!((&items[0]["current"], &items[1]["current"]), (&json!(false), &json!(true)));
    assert_eq!(list["next_cursor"], json!(null));
    assert!(!list.to_string().contains("203.0.113"), "addresses stay inside");
}

fn ending_another_session_wants_the_password_shown_just_now(database: &TestDatabase) {
    let world = World::new(database);
    let anna = world.register("anna@example.org");
    let lost = world.login("anna@example.org", PASSWORD);
    let path = format!("/auth/sessions/{}", world.session_of(&lost));
    world.clock().advance(Duration::from_secs(301));

    let refused = world.ask("DELETE", &path, &anna).send().expect(403);

    assert_eq!(refused.code(), "auth.fresh-login-required");
    let fresh = world.login("anna@example.org", PASSWORD);
    world.ask("DELETE", &path, &fresh).send().expect(204);
    assert!(world.who(&lost.access).is_none());
    world.ask("DELETE", &path, &fresh).send().expect(404);
    let own = format!("/auth/sessions/{}", world.session_of(&anna));
    world.ask("DELETE", &own, &anna).send().expect(204);
    assert!(world.who(&anna.access).is_none(), "one's own session ends without further proof");
}

fn nobody_ends_somebody_elses_session(database: &TestDatabase) {
    let world = World::new(database);
    let anna = world.register("anna@example.org");
    let boris = world.register("boris@example.org");

    let theirs = world.ask("DELETE", &format!("/auth/sessions/{}", world.session_of(&anna)), &boris).send().expect(404);
    let nobodys =
        world.ask("DELETE", &format!("/auth/sessions/{}", SessionId::from_bits(7)), &boris).send().expect(404);

    assert_eq!(theirs.code(), nobodys.code());
    world.ask("DELETE", "/auth/sessions/ord_1", &boris).send().expect(404);
    assert!(world.who(&anna.access).is_some());
}

fn an_ended_session_is_refused_after_a_restart_and_by_other_instances(database: &TestDatabase) {
    let first = World::new(database);
    let anna = first.register("anna@example.org");
    let boris = first.register("boris@example.org");
    // SQLite serves one instance (decision 6); there the second one is a restart, later.
    let mut second = database.is_postgres().then(|| World::at(database, first.clock().clone(), &[]));
    first.ask("POST", "/auth/logout", &anna).send().expect(204);

    if let Some(beside) = &mut second {
        assert!(beside.who(&anna.access).is_some(), "it has not heard yet");
        beside.harness.pass(Duration::from_secs(2));
        assert!(beside.who(&anna.access).is_none(), "within 5 s everywhere");
    }
    let clock = first.clock().clone();
    drop((first, second));
    let restarted = World::at(database, clock, &[]);

    assert!(restarted.who(&anna.access).is_none());
    assert!(restarted.who(&boris.access).is_some(), "other tokens outlive the restart");
}

fn an_administrator_ends_all_sessions_of_a_person(database: &TestDatabase) {
    let world = World::new(database);
    let admin = world.admin();
    let anna = world.register("anna@example.org");
    let elsewhere = world.login("anna@example.org", PASSWORD);

    world.ask("DELETE", &format!("/users/{}/sessions", anna.id), &admin).send().expect(204);

    assert!(world.who(&anna.access).is_none() && world.who(&elsewhere.access).is_none());
    assert!(world.who(&admin.access).is_some());
    world.login("anna@example.org", PASSWORD);
    world.assert_clean();
}

store::statements! {
    /// How many sessions and tokens there are.
    COUNT_SESSIONS = "SELECT (SELECT COUNT(*) FROM sessions), (SELECT COUNT(*) FROM refresh_tokens)";
}

fn sessions_that_ended_long_ago_are_forgotten(database: &TestDatabase) {
    let mut world = World::with(database, &[("auth.guest_idle", "1d"), ("auth.guest_absolute", "2d")]);
    let anna = world.register("anna@example.org");
    world.try_refresh(&anna.refresh).expect(200);
    world.login("anna@example.org", PASSWORD);
    let count = |world: &World| {
        let row = |row: &store::Row<'_>| Ok::<(i64, i64), store::StoreError>((row.get(0)?, row.get(1)?));
        world.harness.db().read_blocking(move |snapshot| snapshot.one(&COUNT_SESSIONS, &[], row)).unwrap().unwrap()
    };
    assert_eq!(count(&world), (2, 3));

    world.harness.pass(Duration::from_secs(10 * 86_400));
    assert_eq!(count(&world), (2, 3), "they tell their owner for a while that they are over");
    world.harness.pass(Duration::from_secs(40 * 86_400));

    assert_eq!(count(&world), (0, 0));
}

/// More ended in an hour than a few transactions forget.
fn a_flood_of_sessions_is_forgotten_as_well(database: &TestDatabase) {
    store::statements! {
        /// One that ended long ago.
        ENDED = "INSERT INTO sessions (id, user_id, device, network, created_at, refreshed_at, ended_at, end_reason) \
            VALUES ($1, $2, '', '', 0, 0, 0, 'logout')";
        /// How many are kept.
        KEPT = "SELECT COUNT(*) FROM sessions";
    }
    let mut world = World::new(database);
    let anna = world.register("anna@example.org").id;
    let rows: Vec<_> = (0..22_000).map(|n| store::params![SessionId::from_bits(n), anna].to_vec()).collect();
    let flood: Result<_, store::StoreError> =
        world.harness.db().write_blocking(move |tx| tx.execute_many(&ENDED, &rows));
    assert_eq!(flood.unwrap().len(), 22_000);

    world.harness.pass(Duration::from_secs(3_600));

    let kept: Result<Option<i64>, store::StoreError> =
        world.harness.db().read_blocking(|snapshot| snapshot.one(&KEPT, &[], |row| row.get(0)));
    assert_eq!(kept.unwrap(), Some(1), "Anna's own");
}
