//! Errors as the caller sees them.

use axum::Router;
use axum::body::Body as RawBody;
use axum::routing::get as on_get;
use http::{Request, StatusCode};
use kernel::{Code, Coded, ErrorKind};
use serde_json::json;
use service::{Problem, status_of, undeclared};

use crate::asked::{Answered, ask, get};

service::codes! { static TEST_CODES;
    /// For these tests.
    SOLD_OUT = "test.sold-out", Conflict, "Sold out", "Распродано", "Take another.", "Возьмите другое.", with ["available"];
    /// For these tests.
    BROKEN = "test.broken", Internal, "Broken", "Сломано", "Tell us.", "Сообщите.";
    /// For these tests.
    AWAY = "test.away", Unavailable, "Away", "Недоступно", "Come back.", "Вернитесь.";
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("variant var_1 is sold out")]
    SoldOut,
    #[error("table orders is damaged")]
    Broken(#[source] std::io::Error),
    #[error("postgres at 10.0.0.7 is away")]
    Away,
}

impl Coded for Error {
    fn code(&self) -> &'static Code {
        match self {
            Self::SoldOut => &SOLD_OUT,
            Self::Broken(_) => &BROKEN,
            Self::Away => &AWAY,
        }
    }

    fn members(&self) -> serde_json::Map<String, serde_json::Value> {
        serde_json::Map::from_iter([("available".into(), json!(1)), ("status".into(), json!(200))])
    }

    fn retry_after_s(&self) -> Option<u32> {
        matches!(self, Self::Away).then_some(7)
    }
}

fn router() -> Router {
    let broken = || Error::Broken(std::io::Error::other("page 17 at /var/lib/x"));
    Router::new()
        .route("/sold-out", on_get(async || Err::<(), Problem>(Error::SoldOut.into())))
        .route("/broken", on_get(async move || Err::<(), Problem>(broken().into())))
        .route("/away", on_get(async || Err::<(), Problem>(Error::Away.into())))
}

async fn asked(path: &str) -> Answered {
    ask(router(), get(path)).await
}

#[tokio::test]
async fn a_rejection_says_what_and_what_to_do() {
    let answer = asked("/sold-out").await;

    let mut problem = answer.json();
    let id = problem.as_object_mut().unwrap().remove("request_id").unwrap();
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!(id.as_str().unwrap(), answer.header("x-request-id"));
    assert_eq!(
        problem,
        json!({
            "type": "urn:samovar:error:test.sold-out", "title": "Sold out", "status": 409, "code": "test.sold-out",
            "detail": "variant var_1 is sold out", "hint": "Take another.", "available": 1
        })
    );
}

#[tokio::test]
async fn a_caller_who_reads_russian_is_told_in_russian() {
    let request =
        Request::get("/sold-out").header("accept-language", "ru-RU, en;q=0.5").body(RawBody::empty()).unwrap();

    let problem = ask(router(), request).await.json();

    assert_eq!((problem["title"].as_str(), problem["hint"].as_str()), (Some("Распродано"), Some("Возьмите другое.")));
}

#[tokio::test]
async fn our_own_fault_shows_only_the_request_id() {
    let answer = asked("/broken").await;

    let text = String::from_utf8(answer.body.clone()).unwrap();
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(text.contains(answer.header("x-request-id")));
    for secret in ["orders", "page 17", "/var/lib", "available", "detail"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn what_is_away_says_when_to_come_back_and_not_where_it_is() {
    let answer = asked("/away").await;

    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "7"));
    assert!(!String::from_utf8(answer.body).unwrap().contains("10.0.0.7"));
}

#[test]
fn every_kind_has_its_status() {
    let table = [
        (ErrorKind::Malformed, 400),
        (ErrorKind::Unauthenticated, 401),
        (ErrorKind::Forbidden, 403),
        (ErrorKind::NotFound, 404),
        (ErrorKind::MethodNotAllowed, 405),
        (ErrorKind::Conflict, 409),
        (ErrorKind::Stale, 412),
        (ErrorKind::TooLarge, 413),
        (ErrorKind::UnsupportedMedia, 415),
        (ErrorKind::Invalid, 422),
        (ErrorKind::PreconditionRequired, 428),
        (ErrorKind::TooMany, 429),
        (ErrorKind::HeadTooLarge, 431),
        (ErrorKind::Internal, 500),
        (ErrorKind::Unavailable, 503),
    ];

    for (kind, status) in table {
        assert_eq!(status_of(kind).as_u16(), status, "{kind:?}");
    }
}

#[test]
fn the_codes_of_the_edge_are_told_apart_and_told_in_both_languages() {
    let mut names: Vec<_> = service::codes::CODES.iter().chain(TEST_CODES).map(|code| code.code).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();

    assert_eq!(names.len(), count);
    for code in service::codes::CODES {
        assert!(code.code.starts_with("http."));
        let russian = |text: kernel::Text| text.ru.chars().any(|c| ('а'..='я').contains(&c));
        assert!(russian(code.title) && russian(code.hint), "{}", code.code);
    }
}

#[test]
fn what_no_row_declares_is_told() {
    let told = |problem: serde_json::Value| undeclared(&problem, TEST_CODES.iter().copied());

    assert_eq!(told(json!({"code": "test.sold-out", "status": 409, "available": 1})), None);
    assert_eq!(told(json!({"code": "other.thing"})), None, "another part's to declare");
    assert!(told(json!({"code": "test.forgotten"})).unwrap().contains("test.forgotten"));
    assert!(told(json!({"code": "test.sold-out", "secret": 1})).unwrap().contains("secret"));
}
