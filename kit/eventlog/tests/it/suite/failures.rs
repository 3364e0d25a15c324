//! What happens to an event that cannot be handled, and to the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use eventlog::{Consumer, Delivered, Failure, Step, TRIES_MAX};
use kernel::{Clock, Event};
use store::{StoreError, params};

use super::LogUnderTest;
use crate::probe::{HEAR, Journal, Memo, Note, hear};

/// Fails with this note as often as said, and writes the others down.
fn stumbles_over(number: i64, times: u32) -> Consumer {
    Consumer::apply("probe.scribe", &[Note::TOPIC], move |tx, event| {
        let note: Note = event.decode()?;
        if note.number == number && event.tries < times {
            return Err(Failure::Retry(format!("stumbled over {number}")));
        }
        hear(tx, "probe.scribe", event)
    })
}

pub(crate) fn a_failed_event_comes_again_and_others_go_on(log: &dyn LogUnderTest) {
    let process = log.start();
    let journal = Journal::new();
    let entries = journal.clone();
    let mut runner = process.runner(Consumer::apply("probe.scribe", &[Note::TOPIC], move |tx, event| {
        let note: Note = event.decode()?;
        if note.key == "a" {
            entries.push((event.id.clone(), event.tries));
        }
        if note.key == "a" && event.tries < 2 {
            return Err(Failure::Retry("not yet".into()));
        }
        hear(tx, "probe.scribe", event)
    }));
    process.publish(&[("a", 1), ("b", 2)]);

    process.drain(&mut runner);
    assert_eq!(process.heard("probe.scribe"), [("b".to_owned(), 2)]);
    log.clock().advance(Duration::from_millis(200));
    process.drain(&mut runner);
    log.clock().advance(Duration::from_millis(400));
    process.drain(&mut runner);

    assert_eq!(process.heard("probe.scribe"), [("b".to_owned(), 2), ("a".to_owned(), 1)]);
    let entries = journal.entries();
    assert!(entries.iter().all(|(id, _)| *id == entries[0].0), "the id changed: {entries:?}");
    assert_eq!(entries.last().map(|(_, tries)| *tries), Some(2));
    process.assert_audit_is_clean();
}

pub(crate) fn a_poison_event_blocks_only_its_key(log: &dyn LogUnderTest) {
    let process = log.start();
    let mut runner = process.runner(stumbles_over(2, 1));
    process.publish(&[("a", 1), ("a", 2), ("b", 1), ("a", 3), ("b", 3)]);
    process.drain(&mut runner);
    process.publish(&[("a", 4), ("b", 4)]);

    process.drain(&mut runner);

    assert_eq!(process.heard_of("probe.scribe", "a"), [1]);
    assert_eq!(process.heard_of("probe.scribe", "b"), [1, 3, 4]);
    process.assert_audit_is_clean();

    log.clock().advance(Duration::from_millis(200));
    process.drain(&mut runner);

    assert_eq!(process.heard_of("probe.scribe", "a"), [1, 2, 3, 4]);
    assert_eq!(process.heard("probe.scribe").len(), 7);
    process.assert_audit_is_clean();
}

pub(crate) fn waits_between_tries_double_from_200_ms_to_30_s(log: &dyn LogUnderTest) {
    let process = log.start();
    let journal = Journal::new();
    let (entries, clock) = (journal.clone(), log.clock().clone());
    let mut runner = process.runner(Consumer::apply("probe.never", &[Note::TOPIC], move |_, _| {
        entries.push(clock.now());
        Err(Failure::Retry("never".into()))
    }));
    process.publish(&[("a", 1)]);
    process.drain(&mut runner);

    for (tries, wait_ms) in [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000].into_iter().enumerate() {
        assert_eq!(journal.len(), tries + 1);
        log.clock().advance(Duration::from_millis(wait_ms - 1));
        process.drain(&mut runner);
        assert_eq!(journal.len(), tries + 1, "tried again before {wait_ms} ms had passed");
        log.clock().advance(Duration::from_millis(1));
        process.drain(&mut runner);
    }

    assert_eq!(journal.len(), TRIES_MAX as usize);
    log.clock().advance(Duration::from_secs(3600));
    process.drain(&mut runner);
    assert_eq!(journal.len(), TRIES_MAX as usize, "a dead letter was tried");
    assert_eq!(process.log.dead_letters(Default::default()).unwrap().len(), 1);
    process.assert_audit_is_clean();
}

pub(crate) fn a_payload_that_does_not_read_is_a_dead_letter_at_once(log: &dyn LogUnderTest) {
    let process = log.start();
    let mut runner = process.runner(Consumer::apply("probe.scribe", &[Note::TOPIC, Memo::TOPIC], |tx, event| {
        hear(tx, "probe.scribe", event)
    }));
    process.publish_one(&Memo { key: "a".into(), number: 1 });
    process.publish(&[("b", 1)]);

    process.drain(&mut runner);

    let letters = process.log.dead_letters(Default::default()).unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].tries, 1);
    assert!(letters[0].reason.contains("samovar.probe.memo.v1"), "{}", letters[0].reason);
    assert_eq!(process.heard_of("probe.scribe", "b"), [1]);
    process.assert_audit_is_clean();
}

/// Thirty events are delivered in one transaction; the seventeenth writes, and then fails.
pub(crate) fn one_failing_event_does_not_take_its_batch_with_it(log: &dyn LogUnderTest) {
    let process = log.start();
    let mut runner = process.runner(Consumer::apply("probe.scribe", &[Note::TOPIC], |tx, event| {
        hear(tx, "probe.scribe", event)?;
        if event.decode::<Note>()?.number == 17 { Err(Failure::Retry("no".into())) } else { Ok(()) }
    }));
    let notes: Vec<(String, i64)> = (1..=30).map(|number| (format!("key-{number}"), number)).collect();
    process.publish(&notes.iter().map(|(key, number)| (key.as_str(), *number)).collect::<Vec<_>>());

    process.drain(&mut runner);

    let heard: Vec<i64> = process.heard("probe.scribe").into_iter().map(|(_, number)| number).collect();
    let expected: Vec<i64> = (1..=30).filter(|number| *number != 17).collect();
    assert_eq!(heard, expected);
    process.assert_audit_is_clean();
}

/// Nobody waits for what each of them sends last: it may fail behind a later event, or at the commit.
pub(crate) fn an_event_that_fails_behind_later_ones_does_not_take_them_with_it(log: &dyn LogUnderTest) {
    let process = log.start();
    let mut runner = process.runner(Consumer::apply("probe.scribe", &[Note::TOPIC], |tx, event| {
        let note: Note = event.decode()?;
        hear(tx, "probe.scribe", event)?;
        let nobody = (![17, 32].contains(&note.number)).then_some("probe.later");
        Ok(tx.execute_later(&HEAR, &params![nobody, &event.id, &note.key, note.number])?)
    }));
    let notes: Vec<(String, i64)> = (1..=32).map(|number| (format!("key-{number}"), number)).collect();
    process.publish(&notes.iter().map(|(key, number)| (key.as_str(), *number)).collect::<Vec<_>>());

    process.drain(&mut runner);

    let expected: Vec<i64> = (1..=32).filter(|number| ![17, 32].contains(number)).collect();
    for consumer in ["probe.scribe", "probe.later"] {
        let heard: Vec<i64> = process.heard(consumer).into_iter().map(|(_, number)| number).collect();
        assert_eq!(heard, expected, "{consumer}");
    }
    assert_eq!(process.log.stats().unwrap()[0].waiting, 2);
    let lost = process.db.stats().rolled_back;
    assert!(lost <= 24, "the two are looked for by halves: {lost} transactions were run in vain");
    process.assert_audit_is_clean();
}

/// A broken constraint poisons the transaction; swallowing the error must not commit what is left of it.
pub(crate) fn an_effect_that_failed_leaves_nothing_behind(log: &dyn LogUnderTest) {
    let process = log.start();
    let mut runner = process.runner(Consumer::apply("probe.scribe", &[Note::TOPIC], |tx, event| {
        hear(tx, "probe.scribe", event)?;
        tx.publish(&Memo { key: "from a failed try".into(), number: 1 })?;
        if event.decode::<Note>()?.key == "bad" {
            let nobody: Option<&str> = None;
            drop(tx.execute(&HEAR, &params![nobody, &event.id, "bad", 2]));
        }
        Ok(())
    }));
    process.publish(&[("good", 1), ("bad", 2), ("good", 3)]);

    process.drain(&mut runner);

    let heard: Vec<i64> = process.heard("probe.scribe").into_iter().map(|(_, number)| number).collect();
    assert_eq!(heard, [1, 3]);
    assert_eq!(process.log.tail(0, &[Memo::TOPIC], 10).unwrap().len(), 2);
    assert_eq!(process.log.stats().unwrap()[0].waiting, 1);
    process.assert_audit_is_clean();
}

pub(crate) fn a_panic_is_a_failure_of_its_event(log: &dyn LogUnderTest) {
    let process = log.start();
    let mut runner = process.runner(Consumer::apply("probe.scribe", &[Note::TOPIC], |tx, event| {
        hear(tx, "probe.scribe", event)?;
        assert!(event.decode::<Note>()?.number != 2 || event.tries > 0, "a bug in the handler");
        Ok(())
    }));
    process.publish(&[("a", 1), ("b", 2), ("c", 3)]);

    process.drain(&mut runner);
    assert_eq!(process.heard("probe.scribe").len(), 2);
    log.clock().advance(Duration::from_millis(200));
    process.drain(&mut runner);

    assert_eq!(process.heard_of("probe.scribe", "b"), [2]);
    process.assert_audit_is_clean();
}

pub(crate) fn a_destination_that_is_away_costs_no_tries(log: &dyn LogUnderTest) {
    let process = log.start();
    let (away, calls) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let (is_away, count) = (Arc::clone(&away), Arc::clone(&calls));
    let seen_tries = Journal::new();
    let tries = seen_tries.clone();
    let handler = move |tx: &mut store::Tx<'_>, event: &Delivered| {
        count.fetch_add(1, Ordering::SeqCst);
        tries.push(event.tries);
        if is_away.load(Ordering::SeqCst) {
            return Err(Failure::Unavailable { destination: "ledger", reason: "no answer".into() });
        }
        hear(tx, "probe.scribe", event)
    };
    let mut runner = process.runner(Consumer::apply("probe.scribe", &[Note::TOPIC], handler));
    process.publish(&[("a", 1), ("b", 2)]);

    process.drain(&mut runner);
    assert_eq!(calls.load(Ordering::SeqCst), 1, "others were sent although the destination is away");
    for probe in 0..20 {
        log.clock().advance(Duration::from_secs(30));
        process.drain(&mut runner);
        assert_eq!(calls.load(Ordering::SeqCst), probe + 2, "one probe each time");
    }
    assert_eq!(process.log.stats().unwrap()[0].away.as_ref().map(|away| away.destination), Some("ledger"));
    away.store(false, Ordering::SeqCst);
    assert!(matches!(runner.step(log.clock().now()), Step::Idle { until: Some(_) }));
    log.clock().advance(Duration::from_secs(30));
    process.drain(&mut runner);

    assert_eq!(process.heard("probe.scribe").len(), 2);
    assert!(seen_tries.entries().iter().all(|tries| *tries == 0), "tries were spent: {:?}", seen_tries.entries());
    let stats = process.log.stats().unwrap();
    assert_eq!((stats[0].away.clone(), stats[0].waiting, stats[0].dead), (None, 0, 0));
    process.assert_audit_is_clean();
}

/// A row that somebody keeps locked: the database gives up on it after a while.
pub(crate) fn what_others_hold_parks_its_event_and_costs_no_tries(log: &dyn LogUnderTest) {
    let process = log.start();
    let (held, tries) = (Arc::new(AtomicBool::new(true)), Journal::new());
    let (is_held, seen) = (Arc::clone(&held), tries.clone());
    let mut runner = process.runner(Consumer::apply("probe.scribe", &[Note::TOPIC], move |tx, event| {
        if event.key == "a" && is_held.load(Ordering::SeqCst) {
            seen.push(event.tries);
            return Err(StoreError::Busy { reason: "the row is locked".into() }.into());
        }
        hear(tx, "probe.scribe", event)
    }));
    process.publish(&[("a", 1), ("b", 1), ("a", 2), ("b", 2)]);

    for _ in 0..2 * TRIES_MAX {
        process.drain(&mut runner);
        log.clock().advance(Duration::from_secs(5));
    }

    assert_eq!(process.heard("probe.scribe"), [("b".to_owned(), 1), ("b".to_owned(), 2)]);
    let stats = process.log.stats().unwrap().remove(0);
    assert_eq!((stats.waiting, stats.behind, stats.dead, stats.away), (1, 1, 0, None));
    assert!(tries.len() >= 2 * TRIES_MAX as usize && tries.entries().iter().all(|tries| *tries == 0), "{tries:?}");
    held.store(false, Ordering::SeqCst);
    process.drain(&mut runner);
    assert_eq!(process.heard_of("probe.scribe", "a"), [1, 2]);
    process.assert_audit_is_clean();
}
