//! Browsers keep the refresh token in a cookie.

use serde_json::{Value, json};
use testkit::{Answer, TestDatabase, both_databases};

use crate::world::{PASSWORD, World};

both_databases!(
    the_refresh_token_is_in_the_cookie_and_nowhere_else,
    a_refresh_from_the_cookie_stays_in_the_cookie,
    another_site_cannot_use_the_cookie,
    signing_in_again_ends_the_session_of_the_cookie,
    logging_out_takes_the_cookie_away,
);

fn register(world: &World) -> Answer {
    let body = json!({"email": "anna@example.org", "password": PASSWORD, "session": "cookie"});
    world.post("/auth/register", &body).expect(201)
}

/// The cookie as a browser sends it back.
fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

fn refresh(world: &World, cookie: &str, headers: &[(&'static str, &str)]) -> Answer {
    let request = world.harness.post("/auth/refresh").header("cookie", cookie).json(&json!({}));
    headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send()
}

const OWN_PAGE: (&str, &str) = ("origin", "https://shop.example");
const HOST: (&str, &str) = ("host", "shop.example");

fn the_refresh_token_is_in_the_cookie_and_nowhere_else(database: &TestDatabase) {
    let world = World::new(database);

    let answer = register(&world);

    let set = answer.header("set-cookie").unwrap();
    assert!(set.starts_with("__Host-"), "{set}");
    for attribute in ["; Path=/", "; HttpOnly", "; Secure", "; SameSite=Strict", "; Max-Age=2592000"] {
        assert!(set.contains(attribute), "{set} has no {attribute}");
    }
    assert!(!set.contains("Domain"), "{set}");
    let body = answer.json();
    assert_eq!(body.get("refresh_token"), None);
    let token = cookie(&answer).split_once('=').unwrap().1.to_owned();
    assert!(!body.to_string().contains(&token));
}

fn a_refresh_from_the_cookie_stays_in_the_cookie(database: &TestDatabase) {
    let world = World::new(database);
    let first = cookie(&register(&world));

    let answer = refresh(&world, &first, &[HOST, OWN_PAGE]).expect(200);

    assert_eq!(answer.json().get("refresh_token"), None);
    assert_ne!(cookie(&answer), first);
    refresh(&world, &cookie(&answer), &[("samovar-session", "cookie")]).expect(200);
    // A script that could ask for the token in the body would have it.
    let body = json!({"session": "token"});
    let asked = world.harness.post("/auth/refresh").header("cookie", &first).header("samovar-session", "cookie");
    assert_eq!(asked.json(&body).send().expect(422).json()["errors"][0]["pointer"], "/refresh_token");
}

fn another_site_cannot_use_the_cookie(database: &TestDatabase) {
    let world = World::new(database);
    let first = cookie(&register(&world));

    for headers in [
        &[HOST, ("origin", "https://evil.example")][..],
        &[HOST, ("origin", "null")],
        &[HOST, ("sec-fetch-site", "cross-site")],
        &[HOST],
    ] {
        assert_eq!(refresh(&world, &first, headers).expect(403).code(), "auth.cross-site", "{headers:?}");
    }
    let form = world.harness.post("/auth/refresh").header("cookie", &first);
    form.bytes("text/plain", b"{}".to_vec()).send().expect(415);

    refresh(&world, &first, &[HOST, OWN_PAGE]).expect(200);
}

fn signing_in_again_ends_the_session_of_the_cookie(database: &TestDatabase) {
    let world = World::new(database);
    let registered = register(&world);
    let old: Value = registered.json();
    let body = json!({"email": "anna@example.org", "password": PASSWORD, "session": "cookie"});

    let again = world.harness.post("/auth/login").header("cookie", &cookie(&registered)).json(&body).send().expect(200);

    assert!(world.who(old["access_token"].as_str().unwrap()).is_none(), "the old session is dead");
    assert!(world.who(again.json()["access_token"].as_str().unwrap()).is_some());
    world.assert_clean();
}

fn logging_out_takes_the_cookie_away(database: &TestDatabase) {
    let world = World::new(database);
    let registered = register(&world);
    let anna = crate::world::signed_in(&registered);

    let answer = world.ask("POST", "/auth/logout", &anna).send().expect(204);

    let set = answer.header("set-cookie").unwrap();
    assert!(set.contains("=;") && set.contains("Max-Age=0") && set.contains("Secure"), "{set}");
    refresh(&world, &cookie(&registered), &[HOST, OWN_PAGE]).expect(401);
}
