//! Calls: through bytes, within a deadline, with rejections unchanged.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use kernel::{Call, Code, Coded, ErrorKind, SystemClock, Text};
use serde::{Deserialize, Serialize};
use service::{CallError, CallHandler, Calls};
use testkit::FakeCalls;

/// Doubles a number.
struct Double;

#[derive(Serialize, Deserialize)]
struct DoubleRequest {
    number: i64,
}

impl Call for Double {
    type Request = DoubleRequest;
    type Reply = i64;
    const NAME: &'static str = "numbers.double";
    const TIMEOUT_MS: u32 = 50;
    const IDEMPOTENT: bool = true;
}

/// Carries what JSON cannot.
struct Unwritable;

impl Call for Unwritable {
    type Request = std::collections::BTreeMap<(i64, i64), i64>;
    type Reply = i64;
    const NAME: &'static str = "numbers.pairs";
    const TIMEOUT_MS: u32 = 50;
    const IDEMPOTENT: bool = true;
}

static ODD: Code = Code {
    code: "numbers.odd",
    kind: ErrorKind::Conflict,
    title: Text { en: "The number is odd", ru: "Число нечётное" },
    hint: Text { en: "Take another.", ru: "Возьмите другое." },
    members: &[],
};

#[derive(Debug, thiserror::Error)]
#[error("{0} is odd")]
struct Odd(i64);

impl Coded for Odd {
    fn code(&self) -> &'static Code {
        &ODD
    }

    fn members(&self) -> serde_json::Map<String, serde_json::Value> {
        serde_json::Map::from_iter([("nearest".to_owned(), (self.0 + 1).into())])
    }

    fn retry_after_s(&self) -> Option<u32> {
        Some(7)
    }
}

async fn double_even(request: DoubleRequest) -> Result<i64, Odd> {
    if request.number % 2 == 0 { Ok(request.number * 2) } else { Err(Odd(request.number)) }
}

fn connected(handlers: impl IntoIterator<Item = CallHandler>) -> Calls {
    let calls = Calls::new(Arc::new(SystemClock::new()));
    calls.connect(handlers).unwrap();
    calls
}

fn doubling() -> Calls {
    connected([CallHandler::new::<Double, _, _, _>(double_even)])
}

fn ask(number: i64) -> DoubleRequest {
    DoubleRequest { number }
}

#[tokio::test]
async fn a_call_reaches_its_handler() {
    assert_eq!(doubling().call::<Double>(ask(4)).await.unwrap(), 8);
}

#[test]
fn a_thread_may_wait_for_a_call() {
    assert_eq!(doubling().call_blocking::<Double>(&ask(4)).unwrap(), 8);
}

#[test]
fn a_rejection_arrives_unchanged() {
    let rejection = doubling().call_blocking::<Double>(&ask(3)).unwrap_err();

    assert!(rejection.is("numbers.odd") && rejection.is_rejection());
    assert_eq!(rejection.code(), &ODD);
    assert_eq!(rejection.to_string(), "3 is odd");
    assert_eq!(rejection.members()["nearest"], 4);
    assert_eq!(rejection.retry_after_s(), Some(7));
}

#[test]
fn the_same_foreign_code_is_kept_once() {
    let calls = doubling();

    let first = calls.call_blocking::<Double>(&ask(3)).unwrap_err();
    let second = calls.call_blocking::<Double>(&ask(5)).unwrap_err();

    assert!(std::ptr::eq(first.code(), second.code()));
}

#[test]
fn what_cannot_cross_a_wire_fails_in_one_process_as_well() {
    let calls = FakeCalls::new().answering::<Unwritable>(|_| Ok(1)).connect(Arc::new(SystemClock::new()));

    let failed = calls.call_blocking::<Unwritable>(&[((1, 2), 3)].into()).unwrap_err();

    assert!(failed.is("call.failed"), "{failed:?}");
    assert!(failed.to_string().contains("the request of numbers.pairs"), "{failed}");
}

#[test]
fn a_call_that_nobody_answers_is_unavailable() {
    let unanswered = connected([]).call_blocking::<Double>(&ask(1)).unwrap_err();

    assert!(unanswered.is("call.unanswered"));
    assert_eq!((unanswered.kind(), unanswered.retry_after_s()), (ErrorKind::Unavailable, Some(1)));
}

#[tokio::test]
async fn a_handler_that_takes_too_long_is_unavailable() {
    let calls = connected([CallHandler::new::<Double, _, _, Odd>(|_| std::future::pending())]);

    let late = calls.call::<Double>(ask(1)).await.unwrap_err();

    assert!(late.is("call.timeout"), "{late:?}");
    assert_eq!(late.kind(), ErrorKind::Unavailable);
}

#[test]
fn a_thread_does_not_wait_longer_either() {
    let calls = connected([CallHandler::new::<Double, _, _, Odd>(|_| std::future::pending())]);

    let late = calls.call_blocking::<Double>(&ask(1)).unwrap_err();

    assert!(late.is("call.timeout"), "{late:?}");
}

#[test]
fn a_panic_of_the_handler_is_not_the_askers() {
    let calls = connected([CallHandler::new::<Double, _, _, Odd>(|_| async { panic!("on purpose") })]);

    let failed = calls.call_blocking::<Double>(&ask(1)).unwrap_err();

    assert!(failed.is("call.failed"));
    assert_eq!(failed.to_string(), "the handler of numbers.double panicked");
}

#[test]
fn two_handlers_of_one_call_are_refused() {
    let calls = Calls::new(Arc::new(SystemClock::new()));
    let handler = || CallHandler::new::<Double, _, _, _>(double_even);

    let refused = calls.connect([handler(), handler()]).unwrap_err();

    assert_eq!(refused.to_string(), "the call numbers.double is answered twice");
}

/// A handler that asks another one, which needs the runtime's clock while the asker is a plain thread.
#[test]
fn a_handler_asked_from_a_thread_may_ask_in_turn() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let calls = {
        let _inside = runtime.enter();
        Calls::new(Arc::new(SystemClock::new()))
    };
    let inner = calls.clone();
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let outer = CallHandler::new::<Quadruple, _, _, CallError>(move |request: DoubleRequest| {
        let calls = inner.clone();
        count.fetch_add(1, Ordering::Relaxed);
        async move {
            let doubled = calls.call::<Double>(request).await?;
            calls.call::<Double>(ask(doubled)).await
        }
    });
    calls.connect([outer, CallHandler::new::<Double, _, _, _>(double_even)]).unwrap();

    assert_eq!(calls.call_blocking::<Quadruple>(&ask(4)).unwrap(), 16);
    assert!(calls.call_blocking::<Quadruple>(&ask(3)).unwrap_err().is("numbers.odd"));
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

struct Quadruple;

impl Call for Quadruple {
    type Request = DoubleRequest;
    type Reply = i64;
    const NAME: &'static str = "numbers.quadruple";
    const TIMEOUT_MS: u32 = 1000;
    const IDEMPOTENT: bool = true;
}

#[test]
fn a_consumer_waits_for_who_is_away_and_gives_up_what_is_rejected() {
    let away = connected([]).call_blocking::<Double>(&ask(1)).unwrap_err();
    let rejected = doubling().call_blocking::<Double>(&ask(1)).unwrap_err();

    assert!(matches!(
        eventlog::Failure::from(away),
        eventlog::Failure::Unavailable { destination: "numbers.double", .. }
    ));
    assert!(matches!(eventlog::Failure::from(rejected), eventlog::Failure::GiveUp(_)));
}

#[test]
fn fakes_remember_what_they_were_asked() {
    let fakes = FakeCalls::new().answering::<Double>(|request| Ok(request.number));
    let asked = fakes.asked();
    let calls = fakes.connect(Arc::new(SystemClock::new()));

    calls.call_blocking::<Double>(&ask(11)).unwrap();

    assert_eq!(asked.of::<Double>()[0].number, 11);
}
