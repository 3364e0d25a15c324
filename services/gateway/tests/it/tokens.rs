//! Tokens that are not ours to take (ASVS V9), as the door answers them. Why each is none is in `service::token`.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use http::Request;
use ring::hmac;
use serde_json::{Value, json};
use service::Role;
use service::token::{AccessToken, SigningKey};

use crate::door::{Door, KEY, SEED, get, signed_in, with};

fn parts(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().unwrap()
}

/// The claims of a good token under another header, with another signature.
fn under(header: &Value, claims: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(header.to_string()));
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(sign(message.as_bytes())))
}

/// A name for each forgery, and the forgery.
fn forgeries(door: &Door, admin: &AccessToken) -> Vec<(&'static str, String)> {
    let good = door.token(admin);
    let [header, claims, signature] = parts(&good);
    let header_of = |alg: &str, kid: &str| json!({"typ": "at+jwt", "alg": alg, "kid": kid});
    let public = SigningKey::from_seed(KEY.to_owned(), &SEED).verification_key().ed25519;
    let secret = hmac::Key::new(hmac::HMAC_SHA256, &public);
    let hs256 = |message: &[u8]| hmac::sign(&secret, message).as_ref().to_vec();
    let padded = URL_SAFE.encode(URL_SAFE_NO_PAD.decode(signature).unwrap());
    let richer = json!({"sub": admin.user_id.to_string(), "grants": [{"role": "admin", "shop_id": null}]}).to_string();
    let old = AccessToken { issued_at: admin.issued_at.minus(Duration::from_secs(600)), ..admin.clone() };
    let stranger = |kid: &str| SigningKey::from_seed(kid.to_owned(), &[9; 32]).sign(admin);
    vec![
        ("algorithm none", under(&header_of("none", KEY), claims, |_| Vec::new())),
        ("HS256 over the public key", under(&header_of("HS256", KEY), claims, hs256)),
        ("without its signature", format!("{header}.{claims}.")),
        ("two parts", format!("{header}.{claims}")),
        ("padded signature", format!("{header}.{claims}.{padded}")),
        ("other claims", format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(richer))),
        ("expired", door.token(&old)),
        ("a key of that name that is not ours", stranger(KEY)),
        ("a name of a key that is not ours", stranger("their-key")),
        ("garbage", "a.b.c".to_owned()),
        ("nothing", String::new()),
        ("a hundred kilobytes", "a".repeat(100_000)),
    ]
}

fn refused(answer: &crate::door::Answer) -> bool {
    answer.is() == (401, "http.unauthenticated")
        && answer.header("content-type") == "application/problem+json"
        && answer.header("www-authenticate") == "Bearer"
}

#[tokio::test]
async fn a_forged_token_signs_nobody_in() {
    let door = Door::open();
    let admin = door.person(1, &Role::ALL);
    assert_eq!(door.ask(signed_in(get("/api/v1/users"), &door.token(&admin))).await.status, 200);
    for (name, token) in forgeries(&door, &admin) {
        let users = door.ask(signed_in(get("/api/v1/users"), &token)).await;
        let menu = door.ask(signed_in(get("/api/v1/menu"), &token)).await;

        assert!(refused(&users), "{name}: {users:?}");
        assert_eq!((menu.status, &menu.body["user"]), (200, &Value::Null), "{name}: public, as nobody");
    }
}

#[tokio::test]
async fn every_refused_token_gets_the_same_words() {
    let door = Door::open();
    let without = door.ask(get("/api/v1/users")).await.body;
    for (name, token) in forgeries(&door, &door.person(1, &Role::ALL)) {
        let mut body = door.ask(signed_in(get("/api/v1/users"), &token)).await.body;

        body["request_id"] = without["request_id"].clone();
        assert_eq!(body, without, "{name}");
    }
}

#[tokio::test]
async fn only_one_bearer_token_is_read() {
    let door = Door::open();
    let admin = door.token(&door.person(1, &Role::ALL));
    let users = || get("/api/v1/users");
    let header = |value: &str| with(users(), "authorization", value);
    for (name, request) in [
        ("another scheme", header(&format!("Basic {admin}"))),
        ("no scheme", header(&admin)),
        ("two in one", header(&format!("Bearer {admin}, Bearer {admin}"))),
        ("in the query", get(&format!("/api/v1/users?access_token={admin}"))),
        ("in a cookie", with(users(), "cookie", &format!("access_token={admin}"))),
        ("not text", not_text()),
    ] {
        let answer = door.ask(request).await;
        assert!(refused(&answer), "{name}: {answer:?}");
    }
    assert_eq!(door.ask(header(&format!("bearer  {admin}"))).await.status, 200, "schemes have no case (RFC 9110)");
}

fn not_text() -> Request<axum::body::Body> {
    let mut request = get("/api/v1/users");
    let value = http::HeaderValue::from_bytes(b"Bearer \xff\xfe").unwrap();
    request.headers_mut().insert("authorization", value);
    request
}

#[tokio::test]
async fn a_token_that_was_checked_once_runs_out_all_the_same() {
    let door = Door::open();
    let token = door.token(&door.person(1, &[]));
    let me = || signed_in(get("/api/v1/auth/me"), &token);
    assert_eq!(door.ask(me()).await.status, 200);

    door.clock.advance(Duration::from_secs(599));
    assert_eq!(door.ask(me()).await.status, 200);
    door.clock.advance(Duration::from_secs(1));

    assert!(refused(&door.ask(me()).await));
}

#[tokio::test]
async fn a_key_that_was_taken_away_signs_nobody_in() {
    let door = Door::open();
    let person = door.person(1, &[]);
    door.keys.replace([SigningKey::from_seed("the next".to_owned(), &[8; 32]).verification_key()]);

    let answer = door.ask(signed_in(get("/api/v1/auth/me"), &door.token(&person))).await;

    assert!(refused(&answer), "{answer:?}");
}
