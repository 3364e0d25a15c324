//! What people see and may do: dead letters, replay, the tail, the numbers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eventlog::{Consumer, DeadLetterKey, DeadLetterQuery, Failure, LogError, ReplayFrom};
use kernel::{Clock, Coded, Event};

use super::LogUnderTest;
use crate::probe::{Journal, Memo, Note, Process, hear, scribe};

/// Refuses notes of the key `bad` for as long as the test says so.
fn refuses(bad: &Arc<AtomicBool>) -> Consumer {
    let bad = Arc::clone(bad);
    Consumer::apply("probe.scribe", &[Note::TOPIC], move |tx, event| {
        if event.key == "bad" && bad.load(Ordering::SeqCst) {
            return Err(Failure::GiveUp("cannot be read".into()));
        }
        hear(tx, "probe.scribe", event)
    })
}

fn only_dead_letter(process: &Process) -> DeadLetterKey {
    let letters = process.log.dead_letters(DeadLetterQuery::default()).unwrap();
    assert_eq!(letters.len(), 1);
    DeadLetterKey { consumer: letters[0].consumer.clone(), seq: letters[0].seq }
}

pub(crate) fn a_dead_letter_tells_what_happened(log: &dyn LogUnderTest) {
    let process = log.start();
    let mut runner = process.runner(refuses(&Arc::new(AtomicBool::new(true))));
    process.publish(&[("good", 1), ("bad", 2), ("bad", 3)]);
    let published_at = log.clock().now();
    log.clock().advance(Duration::from_secs(5));

    process.drain(&mut runner);

    let letters = process.log.dead_letters(DeadLetterQuery::default()).unwrap();
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!(
        (letter.consumer.as_str(), letter.kind.as_str(), letter.topic.as_str()),
        ("probe.scribe", Note::TYPE, "notes")
    );
    assert_eq!((letter.key.as_str(), letter.tries, letter.behind), ("bad", 1, 1));
    assert_eq!((letter.reason.as_str(), letter.time), ("cannot be read", published_at));
    assert_eq!(letter.first_seen_at, log.clock().now());
    assert_eq!(&*letter.payload, r#"{"key":"bad","number":2}"#);
    let none = DeadLetterQuery { consumer: Some("probe.other".into()), ..DeadLetterQuery::default() };
    assert_eq!(process.log.dead_letters(none).unwrap(), []);
    let next_page = DeadLetterQuery { after: only_dead_letter(&process), ..DeadLetterQuery::default() };
    assert_eq!(process.log.dead_letters(next_page).unwrap(), []);
}

pub(crate) fn a_replayed_dead_letter_has_all_its_tries_again(log: &dyn LogUnderTest) {
    let process = log.start();
    let bad = Arc::new(AtomicBool::new(true));
    let mut runner = process.runner(refuses(&bad));
    process.publish(&[("bad", 1), ("bad", 2), ("good", 3)]);
    process.drain(&mut runner);

    bad.store(false, Ordering::SeqCst);
    process.drain(&mut runner);
    assert_eq!(process.heard_of("probe.scribe", "bad"), [0_i64; 0], "a dead letter came back by itself");
    process.log.replay_dead_letter(&only_dead_letter(&process), "usr_1").unwrap();
    process.drain(&mut runner);

    assert_eq!(process.heard_of("probe.scribe", "bad"), [1, 2]);
    assert_eq!(process.log.dead_letters(DeadLetterQuery::default()).unwrap(), []);
    process.assert_audit_is_clean();
}

pub(crate) fn dropping_a_dead_letter_lets_its_key_go_on(log: &dyn LogUnderTest) {
    let process = log.start();
    let bad = Arc::new(AtomicBool::new(true));
    let mut runner = process.runner(refuses(&bad));
    process.publish(&[("bad", 1), ("bad", 2)]);
    process.drain(&mut runner);

    bad.store(false, Ordering::SeqCst);
    process.log.drop_dead_letter(&only_dead_letter(&process), "usr_1").unwrap();
    process.publish(&[("bad", 3)]);
    process.drain(&mut runner);

    assert_eq!(process.heard_of("probe.scribe", "bad"), [2, 3]);
    process.assert_audit_is_clean();
}

pub(crate) fn a_dead_letter_that_is_not_there_is_refused(log: &dyn LogUnderTest) {
    let process = log.start();
    process.drain(&mut process.runner(scribe("probe.scribe")));
    let none = DeadLetterKey { consumer: "probe.scribe".into(), seq: 7 };

    for result in [process.log.replay_dead_letter(&none, "usr_1"), process.log.drop_dead_letter(&none, "usr_1")] {
        let error = result.unwrap_err();
        assert_eq!(error, LogError::NoSuchDeadLetter { consumer: "probe.scribe".into(), seq: 7 });
        assert_eq!(error.code().code, "events.no-such-dead-letter");
    }
}

pub(crate) fn who_names_no_consumer_is_told_who_there_is(log: &dyn LogUnderTest) {
    let process = log.start();
    let nobody = DeadLetterKey { consumer: "probe.nobody".into(), seq: 7 };
    let asked = || {
        let replayed = process.log.replay("probe.nobody", ReplayFrom::After(0), "usr_1").map(drop);
        let letters =
            [process.log.replay_dead_letter(&nobody, "usr_1"), process.log.drop_dead_letter(&nobody, "usr_1")];
        [replayed].into_iter().chain(letters).map(Result::unwrap_err).collect::<Vec<_>>()
    };

    let before_the_first = asked();
    process.drain(&mut process.runner(scribe("probe.scribe")));
    process.drain(&mut process.runner(scribe("probe.reader")));

    assert!(before_the_first.iter().all(|error| error.to_string().ends_with("\"probe.nobody\"; none has run yet")));
    for error in asked() {
        assert_eq!(error.code().code, "events.no-such-consumer");
        assert_eq!(error.to_string(), "there is no consumer \"probe.nobody\"; there are probe.reader, probe.scribe");
    }
}

pub(crate) fn a_replay_from_a_position_delivers_again(log: &dyn LogUnderTest) {
    let process = log.start();
    let mut runner = process.runner(scribe("probe.scribe"));
    process.publish(&[("a", 1), ("a", 2), ("b", 3), ("a", 4)]);
    process.drain(&mut runner);
    let second = process.log.tail(0, &[], 10).unwrap()[1].seq;

    process.log.replay("probe.scribe", ReplayFrom::After(second), "usr_1").unwrap();
    process.drain(&mut runner);

    let numbers: Vec<i64> = process.heard("probe.scribe").into_iter().map(|(_, number)| number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 3, 4]);
    process.assert_audit_is_clean();
}

pub(crate) fn a_replay_from_a_time_delivers_again(log: &dyn LogUnderTest) {
    let process = log.start();
    let mut runner = process.runner(scribe("probe.scribe"));
    process.publish(&[("a", 1)]);
    log.clock().advance(Duration::from_secs(60));
    let noon = log.clock().now();
    process.publish(&[("a", 2), ("b", 3)]);
    process.drain(&mut runner);

    let reads = process.db.stats().reads;
    process.log.replay("probe.scribe", ReplayFrom::Time(noon), "usr_1").unwrap();
    assert_eq!(process.db.stats().reads, reads + 1, "the time is looked for beside the writer");
    process.drain(&mut runner);
    let later = noon.plus(Duration::from_secs(3600));
    process.log.replay("probe.scribe", ReplayFrom::Time(later), "usr_1").unwrap();
    process.drain(&mut runner);

    let numbers: Vec<i64> = process.heard("probe.scribe").into_iter().map(|(_, number)| number).collect();
    assert_eq!(numbers, [1, 2, 3, 2, 3]);
    process.assert_audit_is_clean();
}

pub(crate) fn a_replay_takes_parked_events_along(log: &dyn LogUnderTest) {
    let process = log.start();
    let bad = Arc::new(AtomicBool::new(true));
    let mut runner = process.runner(refuses(&bad));
    process.publish(&[("bad", 1), ("good", 2), ("bad", 3)]);
    process.drain(&mut runner);

    bad.store(false, Ordering::SeqCst);
    process.log.replay("probe.scribe", ReplayFrom::After(0), "usr_1").unwrap();
    process.drain(&mut runner);

    assert_eq!(process.heard_of("probe.scribe", "bad"), [1, 3]);
    assert_eq!(process.heard_of("probe.scribe", "good"), [2, 2]);
    assert_eq!(process.log.dead_letters(DeadLetterQuery::default()).unwrap(), []);
    process.assert_audit_is_clean();
}

pub(crate) fn the_tail_shows_the_log_from_a_position(log: &dyn LogUnderTest) {
    let process = log.start();
    process.publish(&[("a", 1)]);
    process.publish_one(&Memo { key: "a".into(), number: 2 });
    process.publish(&[("a", 3)]);
    let read = |from: i64, topics: &[&str], most: u32| -> Vec<(String, i64)> {
        let events = process.log.tail(from, topics, most).unwrap();
        events.into_iter().map(|event| (event.topic, event.seq)).collect()
    };
    crate::probe::Patience::new("the log's end").until(|| read(0, &[], 10).len() == 3);

    let all = read(0, &[], 10);

    assert_eq!(all.iter().map(|(topic, _)| topic.as_str()).collect::<Vec<_>>(), ["notes", "memos", "notes"]);
    assert_eq!(read(all[0].1, &[], 10), all[1..]);
    assert_eq!(read(0, &["memos"], 10), all[1..2]);
    assert_eq!(read(0, &["memos", "notes", "memos"], 2), all[..2]);
}

pub(crate) fn the_numbers_say_how_a_consumer_stands(log: &dyn LogUnderTest) {
    let process = log.start();
    let tries = Journal::new();
    let tried = tries.clone();
    let mut runner = process.runner(Consumer::apply("probe.scribe", &[Note::TOPIC], move |tx, event| {
        tried.push(event.seq);
        if event.key == "bad" { Err(Failure::Retry("no".into())) } else { hear(tx, "probe.scribe", event) }
    }));
    process.publish(&[("bad", 1), ("bad", 2), ("good", 3)]);
    process.drain(&mut runner);
    let published_at = log.clock().now();
    process.publish(&[("good", 4), ("good", 5)]);
    let lag = |process: &Process| process.log.stats().unwrap()[0].topics[0].lag;
    crate::probe::Patience::new("the lag").until(|| lag(&process) == 2);

    let all = process.log.stats().unwrap();

    let [stats] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(stats.consumer, "probe.scribe");
    assert_eq!((stats.waiting, stats.behind, stats.dead), (1, 1, 0));
    assert_eq!((stats.handled, stats.failures, stats.given_up), (1, 1, 0));
    assert_eq!(stats.topics[0].oldest_at, Some(published_at));
    assert_eq!(tries.len(), 2, "what stands behind was tried, or the first one twice");
}
