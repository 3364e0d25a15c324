//! How often somebody may ask, and what happens to everybody else meanwhile.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::response::IntoResponse as _;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Method, Request, StatusCode};
use service::{Admitted, Role};
use tokio::sync::Semaphore;

use crate::door::{Answer, Door, PEER, get, request, said, signed_in, with};

const FEW: [(&str, &str); 4] = [
    ("limits.principal_per_s", "1"),
    ("limits.principal_burst", "3"),
    ("limits.address_per_s", "1"),
    ("limits.address_burst", "3"),
];

const LIMITED: (u16, &str) = (429, "http.rate-limited");

async fn statuses(door: &Door, peer: IpAddr, count: usize, make: impl Fn() -> Request<Body>) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(door.ask_from(peer, make()).await.status);
    }
    statuses
}

/// Whole seconds to wait, at least one.
fn retry_after(answer: &Answer) -> u64 {
    answer.header("retry-after").parse().unwrap_or(0)
}

#[tokio::test]
async fn a_person_who_asks_too_often_waits_and_nobody_else_does() {
    let door = Door::configured(&FEW);
    let (anna, boris) = (door.token(&door.person(1, &[])), door.token(&door.person(2, &[])));
    let as_anna = || signed_in(get("/api/v1/orders"), &anna);

    assert_eq!(statuses(&door, PEER.into(), 5, as_anna).await, [200, 200, 200, 429, 429]);

    let refused = door.ask(as_anna()).await;
    assert_eq!(refused.is(), LIMITED);
    assert!(retry_after(&refused) >= 1);
    let elsewhere = door.ask_from([198, 51, 100, 9].into(), as_anna()).await;
    assert_eq!(elsewhere.is(), LIMITED, "another address is the same person");
    assert_eq!(door.ask(signed_in(get("/api/v1/orders"), &boris)).await.status, 200, "another person, same address");
    assert_eq!(door.ask(get("/api/v1/menu")).await.status, 200, "nobody in particular, same address");
    door.clock.advance(Duration::from_secs(retry_after(&refused)));
    assert_eq!(door.ask(as_anna()).await.status, 200, "after the time that was stated");
}

#[tokio::test]
async fn an_address_without_a_sign_in_waits_and_no_other_address_does() {
    let door = Door::configured(&FEW);
    let menu = || get("/api/v1/menu");

    assert_eq!(statuses(&door, PEER.into(), 5, menu).await, [200, 200, 200, 429, 429]);

    let refused = door.ask(menu()).await;
    assert_eq!(refused.is(), LIMITED);
    assert!(retry_after(&refused) >= 1);
    let forged = with(menu(), "x-forwarded-for", "198.51.100.9");
    assert_eq!(door.ask(forged).await.is(), LIMITED, "an address that the caller made up");
    assert_eq!(door.ask_from([198, 51, 100, 9].into(), menu()).await.status, 200);
    let anna = door.token(&door.person(1, &[]));
    assert_eq!(door.ask(signed_in(menu(), &anna)).await.status, 200, "a person behind the same address");
    let shed = door.metrics.text();
    assert!(shed.contains("samovar_http_shed_total{reason=\"rate-limit\"} 4"), "{shed}");
}

#[tokio::test]
async fn one_subscriber_of_ipv6_is_one_address() {
    let door = Door::configured(&FEW);
    for host in 1..=3 {
        let peer: IpAddr = format!("2001:db8:1:2::{host}").parse().unwrap();
        assert_eq!(door.ask_from(peer, get("/api/v1/menu")).await.status, 200);
    }

    let same: IpAddr = "2001:db8:1:2:ffff::9".parse().unwrap();
    let other: IpAddr = "2001:db8:1:3::1".parse().unwrap();

    assert_eq!(door.ask_from(same, get("/api/v1/menu")).await.is(), LIMITED);
    assert_eq!(door.ask_from(other, get("/api/v1/menu")).await.status, 200);
}

#[tokio::test]
async fn guessing_tokens_is_counted_by_address() {
    let door = Door::configured(&FEW);
    let guess = || signed_in(get("/api/v1/orders"), "a.b.c");

    assert_eq!(statuses(&door, PEER.into(), 4, guess).await, [401, 401, 401, 429]);
}

#[tokio::test]
async fn what_a_role_forbids_is_counted_as_well() {
    let door = Door::configured(&FEW);
    let guest = door.token(&door.person(1, &[]));
    let probe = || signed_in(get("/api/v1/users"), &guest);

    assert_eq!(statuses(&door, PEER.into(), 4, probe).await, [403, 403, 403, 429]);
}

const CALLBACK: &str = "/api/v1/payments/callbacks/sandbox";

/// A door before a payments that knows its bank by a word.
fn before_a_bank() -> Door {
    Door::before(&FEW, |service, request| async move {
        let is_callback = request.uri().path() == "/payments/callbacks/sandbox";
        if is_callback && !request.headers().contains_key("x-bank-signature") {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        said(service, &request)
    })
}

fn forged_callback() -> Request<Body> {
    request(&Method::POST, CALLBACK)
}

fn callback() -> Request<Body> {
    with(forged_callback(), "x-bank-signature", "good")
}

#[tokio::test]
async fn who_only_says_to_be_a_bank_has_the_measure_of_a_stranger() {
    let door = before_a_bank();
    let never_sent = || forged_callback().map(|_| Body::from_stream(futures_util::stream::pending::<Sent>()));

    assert_eq!(statuses(&door, PEER.into(), 5, forged_callback).await, [401, 401, 401, 429, 429]);

    let refused = door.ask(never_sent()).await;
    assert_eq!(refused.is(), LIMITED, "before its body is waited for");
    assert_eq!(refused.refused.map(|caller| caller.route), Some("/api/v1/payments/callbacks/{provider}"));
    assert!(retry_after(&refused) >= 1);
    assert_eq!(door.ask(get("/api/v1/menu")).await.is(), LIMITED, "what was refused counts here too");
    let bank = [198, 51, 100, 9].into();
    assert_eq!(statuses(&door, bank, 20, callback).await, [200; 20], "a bank at another address");
    door.clock.advance(Duration::from_secs(retry_after(&refused)));
    assert_eq!(door.ask(callback()).await.status, 200, "after the time that was stated");
}

#[tokio::test]
async fn a_bank_behind_an_address_that_many_read_from_is_let_in() {
    let door = before_a_bank();

    assert_eq!(statuses(&door, PEER.into(), 4, || get("/api/v1/menu")).await, [200, 200, 200, 429]);

    assert_eq!(statuses(&door, PEER.into(), 20, callback).await, [200; 20]);
}

#[tokio::test]
async fn forged_callbacks_that_come_at_once_have_the_measure_of_a_stranger_together() {
    let door = before_a_bank();
    let gate = Arc::new(Semaphore::new(0));
    let body_after = |gate: &Arc<Semaphore>| {
        let gate = Arc::clone(gate);
        Body::from_stream(futures_util::stream::once(async move {
            gate.acquire().await.unwrap().forget();
            Sent::Ok("{}")
        }))
    };
    let asked = (0..10).map(|_| door.ask(forged_callback().map(|_| body_after(&gate))));

    let (answers, ()) = tokio::join!(futures_util::future::join_all(asked), async { gate.add_permits(10) });

    let told: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(told.iter().filter(|&&status| status == 401).count(), 3, "{told:?}");
    assert_eq!(told.iter().filter(|&&status| status == 429).count(), 7, "{told:?}");
}

#[tokio::test]
async fn a_callback_is_taken_as_far_as_payments_reads_it() {
    let door = before_a_bank();
    let of_kib = |kib: usize| callback().map(|_| Body::from(vec![b' '; kib * 1024]));

    assert_eq!(door.ask(of_kib(64)).await.status, 200);
    assert_eq!(door.ask(of_kib(65)).await.is(), (413, "http.too-large"));
}

/// A part of a body.
type Sent = Result<&'static str, Infallible>;

/// 32 is the least that may be configured.
#[tokio::test]
async fn what_is_too_much_at_once_is_turned_away_and_what_waits_elsewhere_is_not() {
    let (gate, inside) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let (held, counted) = (Arc::clone(&gate), Arc::clone(&inside));
    let door = Arc::new(Door::before(&[("server.in_flight_max", "32")], move |service, request| {
        let (held, counted) = (Arc::clone(&held), Arc::clone(&counted));
        async move {
            if request.uri().path() == "/menu" {
                counted.fetch_add(1, Ordering::SeqCst);
                held.acquire().await.unwrap().forget();
            }
            said(service, &request)
        }
    }));
    let held: Vec<_> = (0..32)
        .map(|_| {
            let door = Arc::clone(&door);
            tokio::spawn(async move { door.ask(get("/api/v1/menu")).await.status })
        })
        .collect();
    while inside.load(Ordering::SeqCst) < 32 {
        tokio::task::yield_now().await;
    }

    let refused = door.ask(get("/api/v1/shops")).await;
    let login = door.ask(request(&Method::POST, "/api/v1/auth/login")).await;
    gate.add_permits(32);
    for asked in held {
        assert_eq!(asked.await.unwrap(), 200, "who was let in is answered");
    }

    assert_eq!(refused.is(), (503, "http.overloaded"));
    assert!(retry_after(&refused) >= 1);
    assert_eq!(login.status, 200, "a password hash has a queue of its own");
    assert_eq!(door.ask(get("/api/v1/shops")).await.status, 200, "there is room again");
}

#[tokio::test]
async fn work_that_goes_on_for_a_caller_who_has_gone_counts_until_it_ends() {
    let (gate, inside) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let (held, counted) = (Arc::clone(&gate), Arc::clone(&inside));
    let door = Door::before(&[("server.in_flight_max", "32")], move |service, request| {
        let (held, counted) = (Arc::clone(&held), Arc::clone(&counted));
        let admitted = request.extensions().get::<Admitted>().cloned();
        let work = async move {
            if request.uri().path() == "/menu" {
                counted.fetch_add(1, Ordering::SeqCst);
                held.acquire().await.unwrap().forget();
                counted.fetch_sub(1, Ordering::SeqCst);
            }
            let said = said(service, &request);
            drop(admitted);
            said
        };
        async { tokio::spawn(work).await.unwrap() }
    });
    let until_inside = async |count: usize| {
        while inside.load(Ordering::SeqCst) != count {
            tokio::task::yield_now().await;
        }
    };

    let asked = futures_util::future::join_all((0..32).map(|_| door.ask(get("/api/v1/menu"))));
    tokio::select! {
        _ = asked => panic!("nobody is answered yet"),
        () = until_inside(32) => {}
    }
    let while_it_goes_on = door.ask(get("/api/v1/shops")).await;
    gate.add_permits(32);
    until_inside(0).await;

    assert_eq!(while_it_goes_on.is(), (503, "http.overloaded"));
    assert_eq!(door.ask(get("/api/v1/shops")).await.status, 200, "there is room again");
}

/// A body whose first part comes, which is told, and nothing after it.
fn stalled(part: &Bytes, came: &Arc<Semaphore>) -> Body {
    let (part, came) = (part.clone(), Arc::clone(came));
    let first = futures_util::stream::once(async move { Ok::<_, Infallible>(part) });
    let rest = futures_util::stream::once(async move {
        came.add_permits(1);
        std::future::pending().await
    });
    Body::from_stream(first.chain(rest))
}

/// Twelve of five megabytes are as many as are taken together.
#[tokio::test]
async fn bodies_that_stall_take_so_much_memory_and_close_the_door_on_no_small_one() {
    let door = Door::open();
    let manager = door.token(&door.person(1, &[Role::Manager]));
    let import = |body: Body| signed_in(request(&Method::POST, "/api/v1/catalog/import").map(|_| body), &manager);
    let (part, came) = (Bytes::from(vec![b' '; 5 * 1024 * 1024]), Arc::new(Semaphore::new(0)));
    let small = |bytes: usize| request(&Method::POST, "/api/v1/auth/login").map(|_| Body::from(vec![b' '; bytes]));

    let twelve = futures_util::future::join_all((0..12).map(|_| door.ask(import(stalled(&part, &came)))));
    let meanwhile = async {
        came.acquire_many(12).await.unwrap().forget();
        let large = door.ask(import(Body::from(part.clone()))).await;
        (large, door.ask(small(16 * 1024)).await.status)
    };
    let (large, small) = tokio::select! {
        _ = twelve => panic!("nobody is answered yet"),
        answers = meanwhile => answers,
    };

    assert_eq!(large.is(), (503, "http.overloaded"));
    assert!(retry_after(&large) >= 1);
    assert_eq!(small, 200, "what is small is taken");
    assert_eq!(door.ask(import(Body::from(part))).await.status, 200, "those who hung up gave their room back");
    let shed = door.metrics.text();
    assert!(shed.contains("samovar_http_shed_total{reason=\"bodies\"} 1"), "{shed}");
}
