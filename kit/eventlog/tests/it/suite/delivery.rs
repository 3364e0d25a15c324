//! What is delivered, and in which order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use eventlog::{Consumer, DeadLetterQuery};
use kernel::{Clock, Event};
use store::{StoreError, params};

use super::LogUnderTest;
use crate::probe::{COUNT_UP, Journal, Memo, Note, Patience, Process, note, scribe};

pub(crate) fn every_event_is_heard_once_and_in_order(log: &dyn LogUnderTest) {
    let process = log.start();
    let mut runner = process.runner(scribe("probe.scribe"));
    for number in 1..=50 {
        process.publish(&[("a", number), ("b", number)]);
    }

    process.drain(&mut runner);

    let all: Vec<i64> = (1..=50).collect();
    assert_eq!(process.heard_of("probe.scribe", "a"), all);
    assert_eq!(process.heard_of("probe.scribe", "b"), all);
    process.assert_audit_is_clean();
}

pub(crate) fn a_rolled_back_change_is_not_heard_of(log: &dyn LogUnderTest) {
    let process = log.start();
    let mut runner = process.runner(scribe("probe.scribe"));
    process.publish(&[("a", 1)]);
    process.roll_back("a");
    process.publish(&[("a", 2)]);

    process.drain(&mut runner);

    assert_eq!(process.heard_of("probe.scribe", "a"), [1, 2]);
}

pub(crate) fn an_event_carries_the_attributes_of_cloudevents(log: &dyn LogUnderTest) {
    let process = log.start();
    let journal = Journal::new();
    let entries = journal.clone();
    let mut runner = process.runner(Consumer::apply("probe.reader", &[Note::TOPIC], move |_, event| {
        entries.push(event.clone());
        Ok(())
    }));
    process.publish_one(&note("a", 7));

    process.drain(&mut runner);

    let events = journal.entries();
    let [event] = events.as_slice() else { panic!("one event was published, {} came", events.len()) };
    assert!(event.id.starts_with("evt_"));
    assert_eq!(event.kind, "samovar.probe.note.v1");
    assert_eq!(event.source, "/probe");
    assert_eq!(event.key, "a");
    assert_eq!(event.topic, "notes");
    assert_eq!(event.time, log.clock().now());
    assert_eq!(event.tries, 0);
    assert_eq!(&*event.payload, r#"{"key":"a","number":7}"#);
    assert_eq!(event.decode::<Note>(), Ok(note("a", 7)));
}

/// Both events are handled in one transaction.
pub(crate) fn what_an_event_causes_belongs_to_its_trace(log: &dyn LogUnderTest) {
    const TRACES: [&str; 2] = [
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ];
    let process = log.start();
    let mut runner = process.runner(Consumer::apply("probe.echo", &[Note::TOPIC], |tx, event| {
        let Note { key, number } = event.decode()?;
        Ok(tx.publish(&Memo { key, number })?)
    }));
    let published = process.db.write_blocking(|tx| {
        for trace in TRACES {
            tx.in_trace(Some(trace));
            tx.publish(&note("a", 1))?;
        }
        Ok::<_, StoreError>(())
    });
    published.unwrap();

    process.drain(&mut runner);

    let echoes = process.log.tail(0, &[Memo::TOPIC], 10).unwrap();
    let traces: Vec<_> = echoes.iter().map(|echo| echo.traceparent.as_deref()).collect();
    assert_eq!(traces, TRACES.map(Some));
}

pub(crate) fn topics_that_nobody_asked_for_are_not_delivered(log: &dyn LogUnderTest) {
    let process = log.start();
    let mut runner = process.runner(scribe("probe.scribe"));
    process.publish_one(&Memo { key: "a".into(), number: 1 });
    process.publish(&[("a", 2)]);

    process.drain(&mut runner);

    assert_eq!(process.heard_of("probe.scribe", "a"), [2]);
}

/// The consumer's position there stays.
pub(crate) fn a_topic_that_is_heard_no_more_is_not_delivered(log: &dyn LogUnderTest) {
    let process = log.start();
    let both = Consumer::apply("probe.scribe", &[Memo::TOPIC, Note::TOPIC], |_, _| Ok(()));
    process.drain(&mut process.runner(both));
    let process = log.restart();
    let mut runner = process.runner(scribe("probe.scribe"));
    process.publish_one(&Memo { key: "a".into(), number: 1 });
    process.publish(&[("a", 2)]);

    process.drain(&mut runner);

    assert_eq!(process.heard_of("probe.scribe", "a"), [2]);
    assert_eq!(process.log.dead_letters(DeadLetterQuery::default()).unwrap(), []);
}

pub(crate) fn events_of_two_topics_come_in_the_order_of_the_log(log: &dyn LogUnderTest) {
    let process = log.start();
    let journal = Journal::new();
    let entries = journal.clone();
    let mut runner = process.runner(Consumer::apply("probe.both", &[Memo::TOPIC, Note::TOPIC], move |_, event| {
        entries.push((event.topic.clone(), event.seq));
        Ok(())
    }));
    for number in 1..=40 {
        process.publish_one(&note("a", number));
        process.publish_one(&Memo { key: "a".into(), number });
    }

    process.drain(&mut runner);

    let entries = journal.entries();
    assert_eq!(entries.len(), 80);
    assert!(entries.is_sorted_by_key(|(_, seq)| *seq));
}

/// Four thousand events over sixteen keys; every tenth transaction rolls back after it has published.
pub(crate) fn order_per_key_survives_eight_writers_that_roll_back(log: &dyn LogUnderTest) {
    const WRITERS: usize = 8;
    const EACH: usize = 500;
    let process = log.start();
    let mut runner = process.runner(scribe("probe.scribe"));
    let done = AtomicUsize::new(0);
    let patience = Patience::new("eight writers and a reader");

    let published: usize = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (process, done) = (&process, &done);
                scope.spawn(move || {
                    let committed = (0..EACH).filter(|turn| write_counted(process, writer, *turn)).count();
                    done.fetch_add(1, Ordering::SeqCst);
                    committed
                })
            })
            .collect();
        while done.load(Ordering::SeqCst) < WRITERS {
            runner.step(log.clock().now());
            patience.check();
        }
        writers.into_iter().map(|writer| writer.join().unwrap()).sum()
    });
    process.drain(&mut runner);

    let mut by_key: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (key, number) in process.heard("probe.scribe") {
        by_key.entry(key).or_default().push(number);
    }
    assert_eq!(by_key.values().map(Vec::len).sum::<usize>(), published, "events were lost or repeated");
    assert_eq!(published, WRITERS * EACH * 9 / 10);
    for (key, numbers) in by_key {
        let expected: Vec<i64> = (1..).take(numbers.len()).collect();
        assert_eq!(numbers, expected, "key {key} is out of order");
    }
    process.assert_audit_is_clean();
}

/// Counts a key up and publishes the count, so that the numbers of a key are in the order of its commits.
fn write_counted(process: &Process, writer: usize, turn: usize) -> bool {
    let key = format!("key-{}", (writer * 7 + turn) % 16);
    let rolls_back = turn % 10 == 9;
    let result = process.db.write_blocking(move |tx| {
        let number = tx.one(&COUNT_UP, &params![&key], |row| row.get(0))?.unwrap_or(0);
        tx.publish(&note(&key, number))?;
        if rolls_back { Err(StoreError::Busy { reason: "the test changed its mind".into() }) } else { Ok(()) }
    });
    assert_eq!(result.is_err(), rolls_back, "{result:?}");
    !rolls_back
}

pub(crate) fn a_consumer_that_is_new_hears_the_events_from_before(log: &dyn LogUnderTest) {
    let process = log.start();
    process.publish(&[("a", 1), ("b", 2)]);
    process.drain(&mut process.runner(scribe("probe.early")));

    let process = log.restart();
    process.drain(&mut process.runner(scribe("probe.late")));

    let heard: BTreeSet<(String, i64)> = process.heard("probe.late").into_iter().collect();
    assert_eq!(heard, BTreeSet::from([("a".to_owned(), 1), ("b".to_owned(), 2)]));
}

/// Rows that are locked together may be locked in another order by others; on SQLite nobody locks rows.
pub(crate) fn events_share_a_transaction_unless_the_consumer_says_otherwise(log: &dyn LogUnderTest) {
    let process = log.start();
    let notes: Vec<(String, i64)> = (0..10).map(|number| (format!("key-{number}"), number)).collect();
    let commits = |consumer| {
        let mut runner = process.runner(consumer);
        process.drain(&mut runner);
        process.publish(&notes.iter().map(|(key, number)| (key.as_str(), *number)).collect::<Vec<_>>());
        let before = process.db.stats().committed;
        process.drain(&mut runner);
        process.db.stats().committed - before
    };

    assert_eq!(commits(scribe("probe.shared")), 1);
    let on_server = |commits| if process.db.is_postgres() { commits } else { 1 };
    assert_eq!(commits(scribe("probe.alone").one_by_one_on_server(|_| true)), on_server(10));
    assert_eq!(
        commits(scribe("probe.some").one_by_one_on_server(|event| ["key-2", "key-6"].contains(&event.key.as_str()))),
        on_server(3)
    );
    assert_eq!(process.heard("probe.alone").len(), 20);
    assert_eq!(process.heard("probe.some").len(), 30);
}
