//! Nobody knows which sessions were revoked: what closes, and what stays open (decision 26).

use std::time::Duration;

use gateway::policy::{GATEWAY, TABLE};
use gateway::{Access, Row};
use http::Method;
use service::{Revocation, Role};

use crate::door::{Door, example, get, request, signed_in};

const CLOSED: (u16, &str) = (503, "gateway.revocations-unknown");

/// Whether the row is open for this kind of person while the list is too old: everybody may look at what is public,
/// a guest may go on reading what is theirs.
fn is_open(row: &Row, is_staff: bool) -> bool {
    match row.access {
        Access::Public => true,
        Access::SignedIn => row.method == Method::GET && !is_staff,
        Access::Roles(_) => false,
    }
}

#[tokio::test]
async fn an_old_list_closes_every_row_but_what_is_public_and_what_guests_read() {
    let door = Door::configured(&[("limits.enabled", "false")]);
    let people = [(door.person(1, &[]), false), (door.barista(2), true), (door.person(3, &Role::ALL), true)];
    door.clock.advance(Duration::from_millis(5_001));
    for row in TABLE {
        for (person, is_staff) in &people {
            let answer = door.ask(signed_in(request(&row.method, &example(row)), &door.token(person))).await;

            let place = format!("{} {} staff: {is_staff}", row.method, row.path);
            if is_open(row, *is_staff) {
                assert_eq!(answer.status, 200, "{place}");
                let is_passed_on = row.service == GATEWAY || answer.body["user"] == person.user_id.to_string();
                assert!(is_passed_on, "{place}: {:?}", answer.body);
            } else {
                assert_eq!(answer.is(), CLOSED, "{place}");
                assert!(!answer.header("retry-after").is_empty(), "{place}");
            }
        }
    }
}

#[tokio::test]
async fn who_is_not_signed_in_is_told_so_whatever_the_list() {
    let door = Door::configured(&[("limits.enabled", "false")]);
    door.clock.advance(Duration::from_secs(60));
    for row in TABLE {
        let answer = door.ask(request(&row.method, &example(row))).await;

        let expected = if row.access == Access::Public { 200 } else { 401 };
        assert_eq!(answer.status, expected, "{} {}", row.method, row.path);
    }
}

#[tokio::test]
async fn a_fresh_list_opens_the_rows_again() {
    let door = Door::open();
    let admin = door.person(1, &[Role::Admin]);
    let users = || signed_in(get("/api/v1/users"), &door.token(&admin));
    door.clock.advance(Duration::from_secs(5));
    assert_eq!(door.ask(users()).await.status, 200, "five seconds are not too old");
    door.clock.advance(Duration::from_millis(1));
    assert_eq!(door.ask(users()).await.is(), CLOSED);

    door.revocations.refresh([], &door.clock);

    assert_eq!(door.ask(users()).await.status, 200);
}

#[tokio::test]
async fn a_revoked_session_is_refused_at_once_also_while_the_list_is_old() {
    let door = Door::open();
    let (anna, boris) = (door.person(1, &[]), door.person(2, &[]));
    let me = |token: &str| signed_in(get("/api/v1/auth/me"), token);
    let (of_anna, of_boris) = (door.token(&anna), door.token(&boris));
    assert_eq!(door.ask(me(&of_anna)).await.status, 200, "so its signature is remembered");

    door.revocations.add(Revocation::Session { id: anna.session_id.to_string(), at: anna.issued_at });
    door.revocations.add(Revocation::User { id: boris.user_id.to_string(), at: boris.issued_at });
    door.clock.advance(Duration::from_secs(60));

    for token in [&of_anna, &of_boris] {
        assert_eq!(door.ask(me(token)).await.is(), (401, "http.unauthenticated"));
        let menu = door.ask(signed_in(get("/api/v1/menu"), token)).await;
        assert_eq!((menu.status, &menu.body["user"]), (200, &serde_json::Value::Null), "public, as nobody");
    }
}
