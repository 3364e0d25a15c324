//! Calls to the outside: no transaction while they last, one with the position afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eventlog::{Consumer, Failure, Step, nothing};
use kernel::{Clock, Event};

use super::LogUnderTest;
use crate::probe::{Journal, Note, hear, record};

pub(crate) fn an_effect_is_recorded_with_its_position(log: &dyn LogUnderTest) {
    let process = log.start();
    let calls = Journal::new();
    let called = calls.clone();
    let mut runner = process.runner(Consumer::effect("probe.bank", &[Note::TOPIC], move |event| {
        called.push(event.id.clone());
        Ok(if event.key == "silent" { nothing() } else { record("probe.bank", event) })
    }));
    process.publish(&[("a", 1), ("b", 2), ("a", 3), ("silent", 4), ("b", 5)]);

    process.drain(&mut runner);

    assert_eq!(process.heard_of("probe.bank", "a"), [1, 3]);
    assert_eq!(process.heard_of("probe.bank", "b"), [2, 5]);
    assert_eq!(calls.len(), 5);
    process.assert_audit_is_clean();
}

/// The machine loses its power between the call and the record.
pub(crate) fn a_crash_between_call_and_record_calls_again_with_the_same_id(log: &dyn LogUnderTest) {
    let calls = Journal::new();
    let bank = |dies: bool| {
        let called = calls.clone();
        Consumer::effect("probe.bank", &[Note::TOPIC], move |event| {
            called.push(event.id.clone());
            let event = event.clone();
            Ok(Box::new(move |tx| {
                hear(tx, "probe.bank", &event)?;
                let gone = Failure::Unavailable { destination: "machine", reason: "no power".into() };
                if dies { Err(gone) } else { Ok(()) }
            }))
        })
    };
    let process = log.start();
    process.publish(&[("a", 1)]);
    process.drain(&mut process.runner(bank(true)));
    assert_eq!(process.heard("probe.bank"), []);

    let process = log.restart();
    process.drain(&mut process.runner(bank(false)));

    assert_eq!(process.heard_of("probe.bank", "a"), [1]);
    let calls = calls.entries();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0], calls[1], "the bank was called with two idempotency keys");
    process.assert_audit_is_clean();
}

pub(crate) fn a_record_that_fails_is_tried_again(log: &dyn LogUnderTest) {
    let process = log.start();
    let calls = Journal::new();
    let called = calls.clone();
    let mut runner = process.runner(Consumer::effect("probe.bank", &[Note::TOPIC], move |event| {
        called.push((event.id.clone(), event.tries));
        let event = event.clone();
        Ok(Box::new(move |tx| {
            hear(tx, "probe.bank", &event)?;
            if event.key == "a" && event.tries == 0 { Err(Failure::Retry("stale".into())) } else { Ok(()) }
        }))
    }));
    process.publish(&[("a", 1), ("b", 2), ("a", 3)]);

    process.drain(&mut runner);
    assert_eq!(process.heard("probe.bank"), [("b".to_owned(), 2)]);
    log.clock().advance(Duration::from_millis(200));
    process.drain(&mut runner);
    log.clock().advance(Duration::from_millis(200));
    process.drain(&mut runner);

    assert_eq!(process.heard_of("probe.bank", "a"), [1, 3]);
    process.assert_audit_is_clean();
}

pub(crate) fn a_failed_call_is_parked_and_others_go_on(log: &dyn LogUnderTest) {
    let process = log.start();
    let mut runner = process.runner(Consumer::effect("probe.bank", &[Note::TOPIC], move |event| {
        if event.decode::<Note>()?.number == 1 && event.tries == 0 {
            return Err(Failure::Retry("declined for now".into()));
        }
        if event.key == "rubbish" {
            return Err(Failure::GiveUp("no such account".into()));
        }
        Ok(record("probe.bank", event))
    }));
    process.publish(&[("a", 1), ("rubbish", 2), ("b", 3), ("a", 4)]);

    process.drain(&mut runner);

    assert_eq!(process.heard("probe.bank"), [("b".to_owned(), 3)]);
    let stats = &process.log.stats().unwrap()[0];
    assert_eq!((stats.waiting, stats.behind, stats.dead), (1, 1, 1));
    process.assert_audit_is_clean();

    log.clock().advance(Duration::from_millis(200));
    process.drain(&mut runner);

    assert_eq!(process.heard_of("probe.bank", "a"), [1, 4]);
    process.assert_audit_is_clean();
}

pub(crate) fn a_bank_that_is_away_is_probed_with_one_event(log: &dyn LogUnderTest) {
    let process = log.start();
    let away = Arc::new(AtomicBool::new(true));
    let (is_away, calls) = (Arc::clone(&away), Journal::new());
    let called = calls.clone();
    let mut runner = process.runner(Consumer::effect("probe.bank", &[Note::TOPIC], move |event| {
        called.push(event.id.clone());
        if is_away.load(Ordering::SeqCst) {
            return Err(Failure::Unavailable { destination: "bank", reason: "timeout".into() });
        }
        Ok(record("probe.bank", event))
    }));
    process.publish(&[("a", 1), ("b", 2), ("c", 3)]);

    process.drain(&mut runner);
    assert_eq!(calls.len(), 1);
    let Step::Idle { until: Some(until) } = runner.step(log.clock().now()) else { panic!("it did not pause") };
    assert_eq!(until.since(log.clock().now()), Duration::from_millis(200));
    log.clock().advance(Duration::from_millis(200));
    process.drain(&mut runner);
    assert_eq!(calls.len(), 2);
    away.store(false, Ordering::SeqCst);
    log.clock().advance(Duration::from_millis(400));
    process.drain(&mut runner);

    assert_eq!(process.heard("probe.bank").len(), 3);
    assert_eq!(calls.len(), 5, "what was away was called again, and nothing else");
    process.assert_audit_is_clean();
}

pub(crate) fn a_panic_in_a_call_is_a_failure_of_its_event(log: &dyn LogUnderTest) {
    let process = log.start();
    let mut runner = process.runner(Consumer::effect("probe.bank", &[Note::TOPIC], move |event| {
        assert!(event.key != "b" || event.tries > 0, "a bug in the call");
        Ok(record("probe.bank", event))
    }));
    process.publish(&[("a", 1), ("b", 2), ("c", 3)]);

    process.drain(&mut runner);
    assert_eq!(process.heard("probe.bank").len(), 2);
    log.clock().advance(Duration::from_millis(200));
    process.drain(&mut runner);

    assert_eq!(process.heard_of("probe.bank", "b"), [2]);
    process.assert_audit_is_clean();
}
