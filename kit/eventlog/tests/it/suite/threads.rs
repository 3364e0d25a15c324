//! The same on threads of their own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eventlog::{Consumer, Failure};
use kernel::{Clock, Event, SystemClock};

use super::{LEASES_RUN_OUT, LogUnderTest};
use crate::probe::{Journal, Memo, Note, Patience, Process, hear, record, scribe};

const BOUND: Duration = Duration::from_secs(30);

pub(crate) fn threads_hear_what_is_published(log: &dyn LogUnderTest) {
    let process = log.start();
    let running = process.runner(scribe("probe.scribe")).start(&log.clock().shared()).unwrap();

    for number in 1..=20 {
        process.publish(&[("a", number)]);
    }
    Patience::new("twenty events").until(|| process.heard("probe.scribe").len() == 20);
    running.stop();

    assert_eq!(process.heard_of("probe.scribe", "a"), (1..=20).collect::<Vec<i64>>());
    process.assert_audit_is_clean();
}

/// Each event is waited for before the next one is published. A consumer that is not woken looks once a second.
pub(crate) fn news_wake_the_consumers_of_their_topics_at_once(log: &dyn LogUnderTest) {
    const EVENTS: i64 = 10;
    let (process, other) = log.side_by_side();
    let journal = Journal::new();
    let mut runner = process.log.runner();
    for (name, topics) in [("probe.notes", &[Note::TOPIC][..]), ("probe.both", &[Memo::TOPIC, Note::TOPIC])] {
        runner.add(&process.db, notes_down(name, topics, &journal));
    }
    let running = runner.start(&log.clock().shared()).unwrap();
    let (clock, publishers) = (SystemClock::new(), [&process, &other]);

    for number in 1..=EVENTS {
        let publisher = publishers[usize::try_from(number).unwrap() % 2];
        publisher.publish(&[("a", number)]);
        Patience::new("the note").until(|| journal.len() % 3 == 2);
        publisher.publish_one(&Memo { key: "a".into(), number });
        Patience::new("the memo").until(|| journal.len() % 3 == 0);
    }

    let took = clock.elapsed();
    running.stop();
    assert!(took < Duration::from_secs(10), "the consumers slept through the news: {took:?}");
}

/// To look costs a transaction. Every consumer looks once a second all the same.
pub(crate) fn news_do_not_wake_the_consumers_of_other_topics(log: &dyn LogUnderTest) {
    const EVENTS: u64 = 50;
    const OTHERS: u64 = 20;
    let process = log.start();
    let journal = Journal::new();
    let mut runner = process.log.runner();
    runner.add(&process.db, notes_down("probe.notes", &[Note::TOPIC], &journal));
    for number in 0..OTHERS {
        // The name of a consumer lives as long as the program; a test's few bytes may.
        let name: &'static str = Box::leak(format!("probe.memos-{number}").into_boxed_str());
        runner.add(&process.db, notes_down(name, &[Memo::TOPIC], &journal));
    }
    let running = runner.start(&log.clock().shared()).unwrap();
    hears_a_note(&process, &journal);
    let before = process.db.stats().reads;

    for _ in 0..EVENTS {
        hears_a_note(&process, &journal);
    }

    let looks = process.db.stats().reads - before;
    running.stop();
    assert!(looks < EVENTS * OTHERS, "{looks} looks at {EVENTS} events of one consumer");
}

/// Fails with every event whose number is odd at its first try.
fn stumbler() -> Consumer {
    Consumer::apply("probe.scribe", &[Note::TOPIC], |tx, event| {
        let note: Note = event.decode()?;
        if note.number % 2 == 1 && event.tries == 0 {
            return Err(Failure::Retry("not yet".into()));
        }
        hear(tx, "probe.scribe", event)
    })
}

/// The consumer's thread waits for it in real time, and not until it would look by itself, a second later. A busy machine
/// makes turns slow, and what else wakes the thread makes one quick: half of them tell.
pub(crate) fn a_failed_event_is_tried_again_when_it_is_due(log: &dyn LogUnderTest) {
    let process = log.start();
    let running = process.runner(stumbler()).start(&log.clock().shared()).unwrap();
    let clock = SystemClock::new();

    let mut turns = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(|turn| {
        let begun = clock.elapsed();
        process.publish(&[("a", 1)]);
        Patience::new("the failure").until(|| process.log.stats().unwrap()[0].waiting == 1);
        log.clock().advance(Duration::from_millis(200));
        Patience::new("the second try").until(|| process.heard("probe.scribe").len() > turn);
        clock.elapsed() - begun
    });

    running.stop();
    turns.sort_unstable();
    assert!(turns[4] < Duration::from_millis(800), "it slept through what was due: {turns:?}");
}

pub(crate) fn what_waits_behind_a_parked_event_follows_it_at_once(log: &dyn LogUnderTest) {
    let process = log.start();
    let running = process.runner(stumbler()).start(&log.clock().shared()).unwrap();
    process.publish(&[&[("a", 1)][..], &[("a", 2); 9]].concat());
    Patience::new("the failure").until(|| process.log.stats().unwrap()[0].behind == 9);
    let clock = SystemClock::new();

    log.clock().advance(Duration::from_millis(200));
    Patience::new("all of the key").until(|| process.heard("probe.scribe").len() == 10);

    let took = clock.elapsed();
    running.stop();
    assert!(took < Duration::from_secs(5), "it slept between them: {took:?}");
}

fn notes_down(name: &'static str, topics: &[&'static str], journal: &Journal<i64>) -> Consumer {
    let entries = journal.clone();
    Consumer::apply(name, topics, move |_, event| {
        entries.push(event.seq);
        Ok(())
    })
}

fn hears_a_note(process: &Process, journal: &Journal<i64>) {
    let before = journal.len();
    process.publish(&[("a", 1)]);
    Patience::new("the note").until(|| journal.len() > before);
}

/// Each of four calls waits until all four are under way.
pub(crate) fn calls_of_different_keys_run_at_once(log: &dyn LogUnderTest) {
    let process = log.start();
    let under_way = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&under_way);
    let bank = Consumer::effect("probe.bank", &[Note::TOPIC], move |event| {
        count.fetch_add(1, Ordering::SeqCst);
        Patience::new("the other calls").until(|| count.load(Ordering::SeqCst) >= 4);
        Ok(record("probe.bank", event))
    });
    process.publish(&[("a", 1), ("b", 1), ("c", 1), ("d", 1), ("a", 2), ("a", 3)]);
    let running = process.runner(bank).start(&log.clock().shared()).unwrap();

    Patience::new("the calls").until(|| process.heard("probe.bank").len() == 6);
    running.stop();

    assert_eq!(process.heard_of("probe.bank", "a"), [1, 2, 3]);
    process.assert_audit_is_clean();
}

/// The first call hangs. The others are recorded meanwhile, past it; its event stays where a crash would find it.
pub(crate) fn a_slow_call_holds_up_its_own_key_only(log: &dyn LogUnderTest) {
    let process = log.start();
    let (release, hangs) = mpsc::channel::<()>();
    let hangs = Mutex::new(hangs);
    let bank = Consumer::effect("probe.bank", &[Note::TOPIC], move |event| {
        if event.key == "slow" && hangs.lock().unwrap().recv_timeout(BOUND) == Err(RecvTimeoutError::Timeout) {
            return Err(Failure::GiveUp("nobody released it".into()));
        }
        Ok(record("probe.bank", event))
    });
    process.publish(&[("slow", 1), ("b", 1), ("c", 1), ("d", 1)]);
    let running = process.runner(bank).start(&log.clock().shared()).unwrap();

    Patience::new("the fast calls").until(|| process.heard("probe.bank").len() == 3);
    assert_eq!(process.heard_of("probe.bank", "slow"), [0_i64; 0]);
    assert_eq!(process.log.stats().unwrap()[0].waiting, 1, "the slow event would be lost in a crash");
    process.assert_audit_is_clean();
    release.send(()).unwrap();
    Patience::new("the slow call").until(|| process.heard("probe.bank").len() == 4);
    running.stop();

    assert_eq!(process.heard_of("probe.bank", "slow"), [1]);
    assert_eq!(process.log.stats().unwrap()[0].waiting, 0);
    process.assert_audit_is_clean();
}

/// The process that made the slow call dies after others were recorded past it; its successor makes the call again. When
/// the first call comes back after all, nobody wants its record any more.
pub(crate) fn a_call_that_was_passed_by_and_lost_is_made_again(log: &dyn LogUnderTest) {
    let (first, second) = log.side_by_side();
    let (release, hangs) = mpsc::channel::<()>();
    let hangs = Mutex::new(Some(hangs));
    let calls = Journal::new();
    let called = calls.clone();
    let bank = Consumer::effect("probe.bank", &[Note::TOPIC], move |event| {
        if event.key == "slow" {
            called.push(event.id.clone());
            let hangs = hangs.lock().unwrap().take();
            if hangs.is_some_and(|hangs| hangs.recv_timeout(BOUND) == Err(RecvTimeoutError::Timeout)) {
                return Err(Failure::GiveUp("nobody released it".into()));
            }
        }
        Ok(record("probe.bank", event))
    });
    first.publish(&[("slow", 1), ("b", 1), ("slow", 2), ("c", 1)]);
    let running = first.runner(bank.clone()).start(&log.clock().shared()).unwrap();
    Patience::new("the fast call").until(|| first.heard("probe.bank").len() == 1);

    running.ask_to_stop();
    let mut successor = second.runner(bank);
    Patience::new("the successor").until(|| {
        log.clock().advance(LEASES_RUN_OUT);
        let _ = successor.step(log.clock().now());
        first.heard("probe.bank").len() == 4
    });
    release.send(()).unwrap();
    running.stop();

    assert_eq!(first.heard_of("probe.bank", "slow"), [1, 2]);
    let calls = calls.entries();
    assert_eq!(calls.len(), 3, "two for the first event, one for the second");
    assert_eq!(calls[0], calls[1]);
    first.assert_audit_is_clean();
}

/// However many calls may run at once, a probe is one.
pub(crate) fn a_probe_is_one_call(log: &dyn LogUnderTest) {
    let process = log.start();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let bank = Consumer::effect("probe.bank", &[Note::TOPIC], move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        Err(Failure::Unavailable { destination: "bank", reason: "timeout".into() })
    });
    process.publish(&[("a", 1), ("b", 1), ("c", 1), ("d", 1), ("e", 1), ("f", 1)]);
    let running = process.runner(bank).start(&log.clock().shared()).unwrap();
    let paused = || {
        let away = process.log.stats().unwrap()[0].away.clone();
        away.is_some_and(|away| away.probe_at > log.clock().now())
    };
    Patience::new("the pause").until(paused);

    for _ in 0..5 {
        let before = calls.load(Ordering::SeqCst);
        log.clock().advance(Duration::from_secs(30));
        Patience::new("the probe").until(paused);
        assert_eq!(calls.load(Ordering::SeqCst), before + 1);
    }
    running.stop();

    assert_eq!(process.heard("probe.bank"), []);
    assert_eq!(process.log.dead_letters(eventlog::DeadLetterQuery::default()).unwrap(), []);
}

pub(crate) fn stopping_finishes_the_event_in_hand(log: &dyn LogUnderTest) {
    let process = log.start();
    let (began, beginning) = mpsc::channel();
    let (release, hangs) = mpsc::channel::<()>();
    let hangs = Mutex::new(hangs);
    let bank = Consumer::effect("probe.bank", &[Note::TOPIC], move |event| {
        began.send(()).ok();
        if hangs.lock().unwrap().recv_timeout(BOUND) == Err(RecvTimeoutError::Timeout) {
            return Err(Failure::GiveUp("nobody released it".into()));
        }
        Ok(record("probe.bank", event))
    });
    process.publish(&[("a", 1), ("a", 2)]);
    let running = process.runner(bank).start(&log.clock().shared()).unwrap();
    beginning.recv_timeout(BOUND).unwrap();

    running.ask_to_stop();
    release.send(()).unwrap();
    running.stop();

    assert_eq!(process.heard_of("probe.bank", "a"), [1], "it began another one, or left the first");
}
