//! `GET /orders/{id}`: the order with its payment, whatever becomes of the payment.

use std::sync::{Arc, Mutex};

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use service::{Problem, codes};

use crate::door::{Answer, Door, get, request, signed_in, with};

const PATH: &str = "/api/v1/orders/ord_1";

/// What payments does when it is asked.
#[derive(Clone, Copy, Debug)]
enum Payments {
    Answers(&'static str),
    NotFound,
    Breaks,
    Babbles,
    Sleeps,
}

impl Payments {
    async fn answer(self) -> Response {
        match self {
            Self::Answers(state) => Json(json!({"id": "pay_1", "state": state})).into_response(),
            Self::NotFound => Problem::new(&codes::NOT_FOUND).into_response(),
            Self::Breaks => Problem::internal("gone").into_response(),
            Self::Babbles => (StatusCode::OK, "<html>").into_response(),
            Self::Sleeps => std::future::pending().await,
        }
    }
}

fn order() -> Value {
    json!({"id": "ord_1", "state": "placed", "version": 1, "history": [{"state": "placed", "by": "guest"}]})
}

/// A door to one order of guest 1; everybody else is told that there is none.
fn door(payments: Payments) -> Door {
    changing(&Arc::new(Mutex::new(payments)))
}

fn changing(payments: &Arc<Mutex<Payments>>) -> Door {
    let payments = Arc::clone(payments);
    Door::before(&[], move |service, request| {
        let payments = *payments.lock().unwrap();
        async move {
            let user = request.extensions().get::<service::Principal>().map(|known| known.user_id.bits());
            match (service, request.uri().path()) {
                ("payments", "/orders/ord_1/payment") => payments.answer().await,
                ("orders", _) if request.headers().contains_key("if-none-match") => {
                    StatusCode::NOT_MODIFIED.into_response()
                }
                ("orders", "/orders/ord_1") if user == Some(1) => {
                    let mut response = Json(order()).into_response();
                    response.headers_mut().insert("content-language", HeaderValue::from_static("en"));
                    response
                }
                _ => Problem::new(&codes::NOT_FOUND).into_response(),
            }
        }
    })
}

async fn ask(door: &Door, person: u128, tag: &str) -> Answer {
    let token = door.token(&door.person(person, &[]));
    let request = signed_in(get(PATH), &token);
    door.ask(if tag.is_empty() { request } else { with(request, "if-none-match", tag) }).await
}

fn codes(notices: &Value) -> Vec<&str> {
    notices.as_array().unwrap().iter().map(|notice| notice["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_order_comes_with_its_payment_and_history() {
    let answer = ask(&door(Payments::Answers("pending")), 1, "").await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["payment"], json!({"id": "pay_1", "state": "pending"}));
    assert_eq!(answer.body["history"], order()["history"]);
    assert_eq!((&answer.body["delivery"], &answer.body["messages"]), (&Value::Null, &json!([])));
    assert_eq!(answer.body["notices"], json!([]));
    assert_eq!(answer.header("content-language"), "en", "what the service says of the answer is passed on");
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_payment_that_cannot_be_had_leaves_the_order_readable_and_says_so() {
    for payments in [Payments::NotFound, Payments::Breaks, Payments::Babbles] {
        let answer = ask(&door(payments), 1, "").await;

        assert_eq!(answer.status, 200, "{payments:?}");
        assert_eq!((&answer.body["id"], &answer.body["payment"]), (&json!("ord_1"), &Value::Null), "{payments:?}");
        assert_eq!(codes(&answer.body["notices"]), ["gateway.payment-unavailable"], "{payments:?}");
    }
}

/// The clock of the runtime stands still and jumps to what is waited for.
#[tokio::test(start_paused = true)]
async fn a_payment_that_does_not_come_is_not_waited_for() {
    let door = door(Payments::Sleeps);
    let started = tokio::time::Instant::now();

    let answer = ask(&door, 1, "").await;

    assert_eq!((answer.status, &answer.body["state"]), (200, &json!("placed")));
    assert_eq!(codes(&answer.body["notices"]), ["gateway.payment-unavailable"]);
    assert_eq!(started.elapsed().as_secs(), 2);
}

#[tokio::test]
async fn a_notice_is_in_the_language_of_the_request() {
    let door = door(Payments::Breaks);
    let token = door.token(&door.person(1, &[]));
    let message = async |language| {
        let asked = with(signed_in(get(PATH), &token), "accept-language", language);
        door.ask(asked).await.body["notices"][0]["message"].clone()
    };

    let (english, russian) = (message("en").await, message("ru").await);

    assert!(english.as_str().unwrap().starts_with("The payment"), "{english}");
    assert!(russian.as_str().unwrap().starts_with("Платёж"), "{russian}");
}

#[tokio::test]
async fn an_order_that_is_not_theirs_shows_nothing_of_its_payment() {
    let answer = ask(&door(Payments::Answers("captured")), 2, "").await;

    assert_eq!(answer.is(), (404, "http.not-found"));
    assert_eq!(answer.body.get("payment"), None);
}

#[tokio::test]
async fn the_tag_is_that_of_the_whole_page() {
    let payments = Arc::new(Mutex::new(Payments::Answers("pending")));
    let door = changing(&payments);
    let first = ask(&door, 1, "").await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/"), "{tag}");
    assert_eq!(ask(&door, 1, &tag).await.status, 304);

    *payments.lock().unwrap() = Payments::Answers("captured");
    let changed = ask(&door, 1, &tag).await;

    assert_eq!((changed.status, &changed.body["payment"]["state"]), (200, &json!("captured")));
    assert_ne!(changed.header("etag"), tag);
}

#[tokio::test]
async fn asking_for_the_head_finds_the_same_page() {
    let door = door(Payments::Answers("pending"));
    let token = door.token(&door.person(1, &[]));

    let head = door.ask(signed_in(request(&Method::HEAD, PATH), &token)).await;

    assert_eq!((head.status, head.header("etag")), (200, ask(&door, 1, "").await.header("etag")));
}
