//! Processes that die, and processes side by side.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eventlog::{Consumer, Delivered, Failure, Runner, Step};
use kernel::{Clock, Event};

use super::{LEASES_RUN_OUT, LogUnderTest};
use crate::probe::{Journal, Note, Patience, Process, hear, record, scribe};

fn stumbles(event: &Delivered) -> Result<(), Failure> {
    let note: Note = event.decode()?;
    if note.number % 4 == 2 && event.tries < 2 { Err(Failure::Retry("not yet".into())) } else { Ok(()) }
}

/// A process lives for one step. Whatever the step was about to remember is lost with it.
pub(crate) fn a_restart_between_any_two_steps_loses_and_repeats_nothing(log: &dyn LogUnderTest) {
    let apply = Consumer::apply("probe.apply", &[Note::TOPIC], |tx, event| {
        stumbles(event)?;
        hear(tx, "probe.apply", event)
    });
    let effect = Consumer::effect("probe.effect", &[Note::TOPIC], |event| {
        stumbles(event)?;
        Ok(record("probe.effect", event))
    });
    let notes: Vec<(String, i64)> = (0..12).map(|turn| (format!("key-{}", turn % 3), turn / 3 + 1)).collect();
    log.start().publish(&notes.iter().map(|(key, number)| (key.as_str(), *number)).collect::<Vec<_>>());

    let mut lives = 0;
    let mut process = log.start();
    while process.heard("probe.apply").len() < 12 || process.heard("probe.effect").len() < 12 {
        process = log.restart();
        let mut runner = process.log.runner();
        runner.add(&process.db, apply.clone());
        runner.add(&process.db, effect.clone());
        let _ = runner.step(log.clock().now());
        lives += 1;
        assert!(lives < 100, "it does not come to an end");
    }

    for consumer in ["probe.apply", "probe.effect"] {
        let mut by_key: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for (key, number) in process.heard(consumer) {
            by_key.entry(key).or_default().push(number);
        }
        assert!(by_key.values().all(|numbers| *numbers == [1, 2, 3, 4]), "{consumer}: {by_key:?}");
    }
    assert!(lives > 5, "everything happened in {lives} steps");
    process.assert_audit_is_clean();
}

pub(crate) fn of_two_instances_one_is_active(log: &dyn LogUnderTest) {
    let (first, second) = log.side_by_side();
    let (mut active, mut waiting) = (first.runner(scribe("probe.scribe")), second.runner(scribe("probe.scribe")));
    first.publish(&[("a", 1)]);
    first.drain(&mut active);

    first.publish(&[("a", 2)]);
    second.drain(&mut waiting);
    assert_eq!(first.heard_of("probe.scribe", "a"), [1], "the second instance worked beside the first");
    first.drain(&mut active);
    assert_eq!(first.heard_of("probe.scribe", "a"), [1, 2]);

    log.clock().advance(LEASES_RUN_OUT);
    first.publish(&[("a", 3)]);
    second.drain(&mut waiting);
    assert_eq!(first.heard_of("probe.scribe", "a"), [1, 2, 3], "nobody took over");

    first.publish(&[("a", 4)]);
    first.drain(&mut active);
    assert_eq!(first.heard_of("probe.scribe", "a"), [1, 2, 3], "the first instance works on beside its successor");
    second.drain(&mut waiting);
    assert_eq!(first.heard_of("probe.scribe", "a"), [1, 2, 3, 4]);
    first.assert_audit_is_clean();
}

pub(crate) fn an_instance_that_stops_hands_over_at_once(log: &dyn LogUnderTest) {
    let (first, second) = log.side_by_side();
    let running = first.runner(scribe("probe.scribe")).start(&log.clock().shared()).unwrap();
    first.publish(&[("a", 1)]);
    Patience::new("the first event").until(|| first.heard("probe.scribe").len() == 1);

    running.stop();
    first.publish(&[("a", 2)]);
    second.drain(&mut second.runner(scribe("probe.scribe")));

    assert_eq!(first.heard_of("probe.scribe", "a"), [1, 2]);
}

/// The first instance is frozen in the middle of its call for so long that the second takes over, calls and records;
/// then it wakes up and wants to record as well.
pub(crate) fn an_instance_that_wakes_up_late_records_nothing(log: &dyn LogUnderTest) {
    let (first, second) = log.side_by_side();
    let calls = Journal::new();
    let successor: Arc<Mutex<Option<(Process, Runner)>>> = Arc::default();
    let bank = || {
        let (called, successor, clock) = (calls.clone(), Arc::clone(&successor), log.clock().clone());
        Consumer::effect("probe.bank", &[Note::TOPIC], move |event| {
            called.push(event.id.clone());
            let successor = successor.lock().unwrap().take();
            if let Some((process, mut runner)) = successor {
                clock.advance(LEASES_RUN_OUT);
                process.drain(&mut runner);
            }
            Ok(record("probe.bank", event))
        })
    };
    let mut sleeper = first.runner(bank());
    *successor.lock().unwrap() = Some((second.clone(), second.runner(bank())));
    first.publish(&[("a", 1)]);

    let patience = Patience::new("the call");
    while calls.len() == 0 {
        let _ = sleeper.step(log.clock().now());
        patience.check();
    }
    log.clock().advance(Duration::from_secs(1));
    while let Step::Worked(_) = sleeper.step(log.clock().now()) {
        patience.check();
    }

    let calls = calls.entries();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0], calls[1]);
    assert_eq!(first.heard_of("probe.bank", "a"), [1], "the effect was recorded twice");
    first.assert_audit_is_clean();
}
