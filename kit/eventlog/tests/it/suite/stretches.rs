//! Handlers that take all events of a transaction at once.

use std::time::Duration;

use eventlog::{Consumer, Delivered, Failure};
use kernel::{Clock, Event};
use store::{StoreError, Tx};

use super::LogUnderTest;
use crate::probe::{Journal, Memo, Note, hear, note, scribe_all};

/// What happens where the seventeenth note is handled for the first time.
type Blow = fn(&Delivered) -> Result<(), Failure>;

pub(crate) fn a_stretch_is_handled_by_one_call_in_its_order(log: &dyn LogUnderTest) {
    let process = log.start();
    let calls = Journal::new();
    let called = calls.clone();
    let mut runner =
        process.runner(Consumer::apply_all("probe.scribe", &[Memo::TOPIC, Note::TOPIC], move |_, events| {
            called.push(events.iter().map(|event| event.seq).collect::<Vec<_>>());
            Ok(())
        }));
    for number in 1..=10 {
        process.publish(&[("a", number), ("b", number)]);
        process.publish_one(&Memo { key: "a".into(), number });
    }

    process.drain(&mut runner);

    let calls = calls.entries();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].len(), 30);
    assert!(calls[0].is_sorted());
    process.assert_audit_is_clean();
}

pub(crate) fn a_failing_event_of_a_stretch_is_found_and_parked_alone(log: &dyn LogUnderTest) {
    the_seventeenth_alone_is_parked(log, |_| Err(Failure::Retry("no".into())));
}

pub(crate) fn a_panic_in_a_stretch_is_a_failure_of_its_event(log: &dyn LogUnderTest) {
    the_seventeenth_alone_is_parked(log, |event| panic!("a bug meets {}", event.id));
}

pub(crate) fn an_event_that_does_not_read_leaves_its_stretch_alone(log: &dyn LogUnderTest) {
    let process = log.start();
    let mut runner = process.runner(scribe_all("probe.scribe", &[Memo::TOPIC, Note::TOPIC], |_| Ok(())));
    process.publish(&[("a", 1), ("b", 1)]);
    process.publish_one(&Memo { key: "a".into(), number: 2 });
    process.publish(&[("a", 3), ("b", 2)]);

    process.drain(&mut runner);

    assert_eq!(process.heard_of("probe.scribe", "a"), [1]);
    assert_eq!(process.heard_of("probe.scribe", "b"), [1, 2]);
    let stats = process.log.stats().unwrap().remove(0);
    assert_eq!((stats.waiting, stats.behind, stats.dead, stats.failures), (0, 1, 1, 1));
    process.assert_audit_is_clean();
}

/// Thirty-two notes of eight keys: the seventeenth is of the first one, as are the first, the ninth and the twenty-fifth.
fn the_seventeenth_alone_is_parked(log: &dyn LogUnderTest, blow: Blow) {
    let process = log.start();
    let mut runner = process.runner(scribe_all("probe.scribe", &[Note::TOPIC], move |event| {
        let strikes = event.decode::<Note>()?.number == 17 && event.tries == 0;
        if strikes { blow(event) } else { Ok(()) }
    }));
    let notes: Vec<(String, i64)> = (1..=32).map(|number| (format!("key-{}", number % 8), number)).collect();
    process.publish(&notes.iter().map(|(key, number)| (key.as_str(), *number)).collect::<Vec<_>>());

    process.drain(&mut runner);

    let mut heard: Vec<i64> = process.heard("probe.scribe").into_iter().map(|(_, number)| number).collect();
    heard.sort_unstable();
    assert_eq!(heard, (1..=32).filter(|number| ![17, 25].contains(number)).collect::<Vec<_>>());
    for key in 2..=7 {
        assert_eq!(process.heard_of("probe.scribe", &format!("key-{key}")), [key, key + 8, key + 16, key + 24]);
    }
    let stats = process.log.stats().unwrap().remove(0);
    assert_eq!((stats.waiting, stats.behind, stats.dead, stats.failures), (1, 1, 0, 1));
    let lost = process.db.stats().rolled_back;
    assert!(lost <= 12, "it is looked for by halves: {lost} transactions were run in vain");
    process.assert_audit_is_clean();

    log.clock().advance(Duration::from_millis(200));
    process.drain(&mut runner);

    assert_eq!(process.heard_of("probe.scribe", "key-1"), [1, 9, 17, 25]);
    assert_eq!(process.heard("probe.scribe").len(), 32);
    process.assert_audit_is_clean();
}

/// Nothing is said about any of its events, so it is not looked for the one that is to blame.
pub(crate) fn a_stretch_whose_destination_is_away_waits_for_it(log: &dyn LogUnderTest) {
    let process = log.start();
    let (calls, clock) = (Journal::new(), log.clock().clone());
    let (called, back_at) = (calls.clone(), clock.now().plus(Duration::from_secs(1)));
    let mut runner = process.runner(Consumer::apply_all("probe.scribe", &[Note::TOPIC], move |tx, events| {
        called.push(events.len());
        if clock.now() < back_at {
            return Err(Failure::Unavailable { destination: "ledger", reason: "no answer".into() });
        }
        events.iter().try_for_each(|event| hear(tx, "probe.scribe", event))
    }));
    process.publish(&[("a", 1), ("b", 1), ("a", 2), ("c", 1)]);

    process.drain(&mut runner);
    assert_eq!(calls.entries(), [4]);
    log.clock().advance(Duration::from_secs(1));
    process.drain(&mut runner);

    assert_eq!(calls.entries(), [4, 1, 3]);
    assert_eq!(process.heard("probe.scribe").len(), 4);
    assert_eq!(process.log.stats().unwrap()[0].failures, 0);
    process.assert_audit_is_clean();
}

pub(crate) fn what_a_stretch_causes_belongs_to_the_trace_of_each_event(log: &dyn LogUnderTest) {
    const TRACES: [&str; 2] = [
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ];
    let process = log.start();
    let echo = |tx: &mut Tx<'_>, events: &[&Delivered]| {
        let (first, last) = (events.first().copied(), events.last().copied());
        for event in [last, first].into_iter().flatten() {
            let Note { key, number } = event.decode()?;
            tx.in_trace(event.traceparent.as_deref());
            tx.publish(&Memo { key, number })?;
        }
        Ok(())
    };
    let mut runner = process.runner(Consumer::apply_all("probe.echo", &[Note::TOPIC], echo));
    let published = process.db.write_blocking(|tx| {
        for (trace, number) in TRACES.into_iter().zip(1..) {
            tx.in_trace(Some(trace));
            tx.publish(&note("a", number))?;
        }
        Ok::<_, StoreError>(())
    });
    published.unwrap();

    process.drain(&mut runner);

    let echoes = process.log.tail(0, &[Memo::TOPIC], 10).unwrap();
    let traces: Vec<_> = echoes.iter().map(|echo| echo.traceparent.as_deref()).collect();
    assert_eq!(traces, [Some(TRACES[1]), Some(TRACES[0])]);
}

pub(crate) fn a_stretch_is_handled_within_what_is_put_around_each_event(log: &dyn LogUnderTest) {
    let process = log.start();
    let consumer = scribe_all("probe.scribe", &[Note::TOPIC], |_| Ok(()));
    let mut runner = process.runner(consumer.around(|_, event, handle| {
        // Its first try is not let through.
        if event.key == "kept" && event.tries == 0 {
            std::panic::resume_unwind(Box::new("kept out"));
        }
        handle();
    }));
    process.publish(&[("a", 1), ("kept", 1), ("b", 1)]);

    process.drain(&mut runner);

    assert_eq!(process.heard("probe.scribe"), [("a".to_owned(), 1), ("b".to_owned(), 1)]);
    log.clock().advance(Duration::from_millis(200));
    process.drain(&mut runner);
    assert_eq!(process.heard_of("probe.scribe", "kept"), [1]);
}
