//! What is forgotten, and what is kept.

use std::time::Duration;

use eventlog::{Consumer, DeadLetterKey, Failure, KEPT_FOR};
use kernel::{Clock, Event};
use testkit::{TestDatabase, both_databases};

use crate::embedded::Embedded;
use crate::probe::{Memo, Note, Process, hear, scribe};
use crate::suite::LogUnderTest as _;

fn prune_all(process: &Process) -> u64 {
    let (mut events, mut after) = (0, Some(0));
    while let Some(place) = after {
        let pruned = process.log.prune(process.clock.now(), place).unwrap();
        events += pruned.events;
        after = pruned.next;
    }
    events
}

fn numbers(process: &Process) -> Vec<i64> {
    let events = process.log.tail(0, &[Note::TOPIC], 1000).unwrap();
    events.iter().map(|event| event.decode::<Note>().unwrap().number).collect()
}

fn old_events_that_everybody_passed_are_forgotten(database: &TestDatabase) {
    let process = Embedded::on(database).start();
    let mut runner = process.runner(scribe("probe.scribe"));
    for first in (0..1200).step_by(100) {
        let notes: Vec<(&str, i64)> = (first..first + 100).map(|number| ("a", number)).collect();
        process.publish(&notes);
    }
    process.publish_one(&Memo { key: "nobody hears it".into(), number: 0 });
    process.drain(&mut runner);
    process.clock.advance(KEPT_FOR);
    assert_eq!(prune_all(&process), 0, "forgotten on the very last day");
    process.publish(&[("a", 1200)]);
    process.clock.advance(Duration::from_secs(1));

    let forgotten = prune_all(&process);
    process.drain(&mut runner);

    assert_eq!(forgotten, 1201);
    assert_eq!(numbers(&process), [1200]);
    assert_eq!(process.heard("probe.scribe").len(), 1201);
    process.assert_audit_is_clean();
}

fn what_a_consumer_has_not_passed_is_kept(database: &TestDatabase) {
    let process = Embedded::on(database).start();
    process.publish(&[("a", 1)]);
    process.drain(&mut process.runner(scribe("probe.slow")));
    process.publish(&[("a", 2), ("a", 3)]);
    process.drain(&mut process.runner(scribe("probe.fast")));
    process.clock.advance(KEPT_FOR + Duration::from_secs(1));

    assert_eq!(prune_all(&process), 1);
    assert_eq!(numbers(&process), [2, 3]);
    process.log.forget_consumer("probe.slow", "usr_1").unwrap();
    assert_eq!(prune_all(&process), 2);

    assert_eq!(numbers(&process), [0_i64; 0]);
    process.assert_audit_is_clean();
}

fn a_parked_event_is_kept_and_the_count_stays_right(database: &TestDatabase) {
    let process = Embedded::on(database).start();
    let mut runner = process.runner(Consumer::apply("probe.scribe", &[Note::TOPIC], |tx, event| {
        if event.key == "bad" { Err(Failure::GiveUp("no".into())) } else { hear(tx, "probe.scribe", event) }
    }));
    process.publish(&[("good", 1), ("bad", 2), ("bad", 3), ("good", 4)]);
    process.drain(&mut runner);
    process.drain(&mut process.runner(scribe("probe.other")));
    process.clock.advance(KEPT_FOR + Duration::from_secs(1));

    assert_eq!(prune_all(&process), 2);
    assert_eq!(numbers(&process), [2, 3]);
    process.assert_audit_is_clean();
    let letter = process.log.dead_letters(Default::default()).unwrap().remove(0);
    process.log.drop_dead_letter(&DeadLetterKey { consumer: letter.consumer, seq: letter.seq }, "usr_1").unwrap();
    process.assert_audit_is_clean();
    assert_eq!(prune_all(&process), 1);

    assert_eq!(numbers(&process), [3]);
    process.publish(&[("good", 5)]);
    process.drain(&mut runner);
    process.drain(&mut process.runner(scribe("probe.other")));
    process.assert_audit_is_clean();
}

fn a_number_is_never_given_again(database: &TestDatabase) {
    let process = Embedded::on(database).start();
    process.publish(&[("a", 1), ("a", 2)]);
    process.drain(&mut process.runner(scribe("probe.scribe")));
    let last = process.log.tail(0, &[], 10).unwrap().last().map(|event| event.seq);
    process.clock.advance(KEPT_FOR + Duration::from_secs(1));
    assert_eq!(prune_all(&process), 2);

    process.publish(&[("a", 3)]);
    let process = Embedded::on(database).start();
    crate::probe::Patience::new("the event").until(|| process.log.tail(0, &[], 10).unwrap().len() == 1);

    assert!(process.log.tail(0, &[], 10).unwrap().first().map(|event| event.seq) > last);
}

both_databases!(
    old_events_that_everybody_passed_are_forgotten,
    what_a_consumer_has_not_passed_is_kept,
    a_parked_event_is_kept_and_the_count_stays_right,
    a_number_is_never_given_again,
);
