//! AUT-1: one live refresh token per family; reuse kills the family.

use std::sync::Barrier;
use std::time::Duration;

use serde_json::json;
use testkit::{TestDatabase, both_databases};

use crate::world::{PASSWORD, World, signed_in};

both_databases!(
    a_refresh_token_works_once,
    a_token_that_is_used_twice_kills_its_family_and_no_other,
    of_two_who_show_one_token_at_once_one_wins_and_the_family_dies,
    a_session_that_nobody_uses_runs_out,
    a_session_that_is_used_every_day_ends_at_last,
    staff_sessions_run_out_earlier,
    what_is_no_refresh_token_of_ours_is_refused,
    a_new_token_knows_the_grants_of_now,
);

const HOUR: Duration = Duration::from_secs(3600);

fn a_refresh_token_works_once(database: &TestDatabase) {
    let world = World::new(database);
    let anna = world.register("anna@example.org");
    let session = world.session_of(&anna);

    let next = signed_in(&world.try_refresh(&anna.refresh).expect(200));

    assert_ne!(next.refresh, anna.refresh);
    assert_eq!(world.session_of(&next), session, "it is the same session");
    let auth_time = world.who(&next.access).unwrap().auth_time;
    assert_eq!(auth_time, world.who(&anna.access).unwrap().auth_time, "the password was not shown again");
    world.assert_clean();
}

fn a_token_that_is_used_twice_kills_its_family_and_no_other(database: &TestDatabase) {
    let world = World::new(database);
    let stolen = world.register("anna@example.org");
    let elsewhere = world.login("anna@example.org", PASSWORD);
    let next = signed_in(&world.try_refresh(&stolen.refresh).expect(200));

    let reused = world.try_refresh(&stolen.refresh).expect(401);

    assert_eq!(reused.code(), "auth.token-reused");
    assert_eq!(world.try_refresh(&next.refresh).expect(401).code(), "auth.token-reused");
    assert!(world.who(&next.access).is_none(), "the access tokens of the family are refused at once");
    assert!(world.who(&stolen.access).is_none());
    assert!(world.who(&elsewhere.access).is_some());
    world.try_refresh(&elsewhere.refresh).expect(200);
    world.assert_clean();
}

fn of_two_who_show_one_token_at_once_one_wins_and_the_family_dies(database: &TestDatabase) {
    let world = World::with(database, &[("limits.enabled", "false")]);
    for round in 0..8 {
        let anna = world.register(&format!("anna{round}@example.org"));
        let barrier = Barrier::new(2);

        let mut answers = std::thread::scope(|scope| {
            let show = || {
                barrier.wait();
                world.try_refresh(&anna.refresh)
            };
            let (one, two) = (scope.spawn(show), scope.spawn(show));
            [one.join().unwrap(), two.join().unwrap()]
        });

        answers.sort_by_key(|answer| answer.status);
        let winner = signed_in(&answers[0].clone().expect(200));
        assert_eq!(answers[1].clone().expect(401).code(), "auth.token-reused");
        assert!(world.who(&winner.access).is_none(), "nobody can tell who the thief is: both are out");
        world.try_refresh(&winner.refresh).expect(401);
        world.assert_clean();
    }
}

fn a_session_that_nobody_uses_runs_out(database: &TestDatabase) {
    let world = World::with(database, &[("auth.guest_idle", "2h"), ("auth.guest_absolute", "10h")]);
    let anna = world.register("anna@example.org");

    world.clock().advance(2 * HOUR - Duration::from_secs(1));
    let used = signed_in(&world.try_refresh(&anna.refresh).expect(200));
    world.clock().advance(2 * HOUR);

    assert_eq!(world.try_refresh(&used.refresh).expect(401).code(), "auth.session-ended");
}

fn a_session_that_is_used_every_day_ends_at_last(database: &TestDatabase) {
    let world = World::with(database, &[("auth.guest_idle", "2h"), ("auth.guest_absolute", "10h")]);
    let mut anna = world.register("anna@example.org");

    for _ in 0..9 {
        world.clock().advance(HOUR);
        anna = signed_in(&world.try_refresh(&anna.refresh).expect(200));
    }
    world.clock().advance(HOUR);

    assert_eq!(world.try_refresh(&anna.refresh).expect(401).code(), "auth.session-ended");
}

fn staff_sessions_run_out_earlier(database: &TestDatabase) {
    let world = World::new(database);
    let guest = world.register("anna@example.org");
    let admin = world.admin();

    world.clock().advance(13 * HOUR);

    world.try_refresh(&guest.refresh).expect(200);
    assert_eq!(world.try_refresh(&admin.refresh).expect(401).code(), "auth.session-ended");
}

fn what_is_no_refresh_token_of_ours_is_refused(database: &TestDatabase) {
    let world = World::new(database);
    let anna = world.register("anna@example.org");

    for token in ["", "x", &anna.access, &anna.refresh[..42], &format!("{}=", anna.refresh), &"A".repeat(43)] {
        let token: String = token.chars().take(256).collect();
        assert_eq!(world.try_refresh(&token).expect(401).code(), "auth.invalid-refresh-token", "{token}");
    }
    world.post("/auth/refresh", &json!({"refresh_token": "x".repeat(257)})).expect(422);
    world.post("/auth/refresh", &json!({"session": "token"})).expect(422);
    world.try_refresh(&anna.refresh).expect(200);
}

fn a_new_token_knows_the_grants_of_now(database: &TestDatabase) {
    let world = World::new(database);
    let admin = world.admin();
    let anna = world.register("anna@example.org");
    let shop = "shp_00000000000000000000000001";

    world.grant(&admin, anna.id, &json!([{"role": "barista", "shop_id": shop}])).expect(200);

    assert!(world.who(&anna.access).unwrap().grants.is_empty(), "a token says what held when it was issued");
    let next = signed_in(&world.try_refresh(&anna.refresh).expect(200));
    let grants = world.who(&next.access).unwrap().grants;
    assert_eq!(serde_json::to_value(grants).unwrap(), json!([{"role": "barista", "shop_id": shop}]));
}
