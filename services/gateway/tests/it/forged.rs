//! Headers by which a caller would be somebody else, somewhere else, or do something else (ASVS 4.1.3).

use http::Method;

use crate::door::{Door, PEER, get, request, signed_in, with};

const FORGED: [(&str, &str); 14] = [
    ("x-user-id", "usr_00000000000000000000000001"),
    ("x-user-roles", "admin"),
    ("x-user-grants", "[{\"role\":\"admin\",\"shop_id\":null}]"),
    ("x-shop-id", "shp_00000000000000000000000001"),
    ("x-forwarded-for", "127.0.0.1"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-user", "admin"),
    ("forwarded", "for=127.0.0.1;host=evil.example"),
    ("x-real-ip", "127.0.0.1"),
    ("x-original-url", "/api/v1/users"),
    ("x-rewrite-url", "/api/v1/users"),
    ("x-http-method-override", "DELETE"),
    ("x-method-override", "DELETE"),
    ("x-request-id", "req_00000000000000000000000001"),
];

#[tokio::test]
async fn forged_headers_make_nobody_an_administrator() {
    let door = Door::open();
    let guest = door.token(&door.person(1, &[]));
    for (name, value) in FORGED {
        let users = || with(get("/api/v1/users"), name, value);

        assert_eq!(door.ask(users()).await.is(), (401, "http.unauthenticated"), "{name}");
        assert_eq!(door.ask(signed_in(users(), &guest)).await.is(), (403, "http.forbidden"), "{name}");
    }
}

#[tokio::test]
async fn forged_headers_do_not_reach_a_service() {
    let door = Door::open();
    for (name, value) in FORGED {
        let answer = door.ask(with(get("/api/v1/menu"), name, value)).await;

        assert_eq!(answer.status, 200, "{name}");
        assert_eq!(answer.body["headers"].get(name), None, "{name}");
        assert_eq!(answer.body["user"], serde_json::Value::Null, "{name}");
        assert_eq!(answer.body["address"], PEER.map(|byte| byte.to_string()).join("."), "{name}");
        assert_eq!((&answer.body["method"], &answer.body["path"]), (&"GET".into(), &"/menu".into()), "{name}");
        assert_ne!(answer.header("x-request-id"), value, "{name}");
    }
}

#[tokio::test]
async fn a_service_hears_of_the_person_from_the_token_alone() {
    let door = Door::open();
    let anna = door.person(1, &[]);
    let asked = signed_in(request(&Method::GET, "/api/v1/orders"), &door.token(&anna));

    let answer = door.ask(with(asked, "x-user-id", "usr_00000000000000000000000009")).await;

    assert_eq!(answer.body["user"], anna.user_id.to_string());
}
