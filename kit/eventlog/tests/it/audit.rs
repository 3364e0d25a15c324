//! Each check finds the damage that it is for, and names the row.

use eventlog::{Consumer, Failure, audit};
use kernel::Event;
use store::{Statement, StoreError, statements};
use testkit::{TestDatabase, both_databases};

use crate::embedded::Embedded;
use crate::probe::{Note, Process, hear};
use crate::suite::LogUnderTest as _;

statements! {
    HANDLE_PAST = "DELETE FROM event_retries WHERE event_key = 'bad' AND state = 'behind'";
    TRY_TWO = "UPDATE event_retries SET state = 'waiting' WHERE event_key = 'bad'";
    SKIP_AHEAD = "UPDATE event_positions SET position = position + 1";
    FORGET_HANDLED = "UPDATE event_positions SET handled = handled - 1";
    COUNT_TWICE = "UPDATE event_positions SET handled = handled + 1";
    LOSE_EVENT = "DELETE FROM events WHERE seq = (SELECT MIN(seq) FROM event_retries)";
    LOSE_HEAD = "DELETE FROM event_retries WHERE event_key = 'bad' AND state = 'dead'";
}

/// Two handled events, a dead letter, and one behind it.
fn a_log_with_a_dead_letter(database: &TestDatabase) -> Process {
    let process = Embedded::on(database).start();
    let mut runner = process.runner(Consumer::apply("probe.scribe", &[Note::TOPIC], |tx, event| {
        if event.key == "bad" { Err(Failure::GiveUp("no".into())) } else { hear(tx, "probe.scribe", event) }
    }));
    process.publish(&[("good", 1), ("bad", 2), ("bad", 3), ("good", 4)]);
    process.drain(&mut runner);
    process.assert_audit_is_clean();
    process
}

fn findings(
    process: &Process,
    check: fn(&mut store::Snapshot<'_>) -> Result<Vec<audit::Finding>, StoreError>,
) -> Vec<String> {
    let findings = process.db.read_blocking(check).unwrap();
    findings.into_iter().map(|finding| format!("{} {}: {}", finding.id, finding.subject, finding.message)).collect()
}

fn damage(process: &Process, statement: &'static Statement) {
    let touched = process
        .db
        .write_blocking(move |tx| tx.execute(statement, &[]))
        .unwrap_or_else(|error: StoreError| panic!("{error}"));
    assert!(touched > 0, "{} did no damage", statement.name);
}

fn an_event_that_overtook_another_of_its_key_is_named(database: &TestDatabase) {
    let process = a_log_with_a_dead_letter(database);
    damage(&process, &HANDLE_PAST);

    let found = findings(&process, audit::evt_2);

    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("EVT-2 consumer probe.scribe, event evt_"), "{found:?}");
    assert!(found[0].contains("it was handled although evt_"), "{found:?}");
}

fn two_events_of_a_key_that_are_tried_at_once_are_named(database: &TestDatabase) {
    let process = a_log_with_a_dead_letter(database);
    damage(&process, &TRY_TWO);

    let found = findings(&process, audit::evt_2);

    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("it is tried although evt_"), "{found:?}");
}

fn an_event_that_was_neither_handled_nor_parked_is_missed(database: &TestDatabase) {
    let process = a_log_with_a_dead_letter(database);
    process.publish(&[("good", 5)]);
    assert_eq!(findings(&process, audit::evt_3), [""; 0]);
    assert_eq!(
        findings(&process, audit::undelivered),
        ["EVT-3 consumer probe.scribe, topic notes, from event number 5: 1 events have not been delivered"]
    );
    damage(&process, &SKIP_AHEAD);

    let found = findings(&process, audit::evt_3);

    assert_eq!(
        found,
        ["EVT-3 consumer probe.scribe, topic notes: \
          5 events were published up to its position, 2 were handled and 2 are parked"]
    );
}

fn an_event_that_was_handled_twice_or_never_is_missed(database: &TestDatabase) {
    let process = a_log_with_a_dead_letter(database);
    damage(&process, &COUNT_TWICE);
    assert_eq!(findings(&process, audit::evt_3).len(), 1);
    damage(&process, &FORGET_HANDLED);
    assert_eq!(findings(&process, audit::evt_3), [""; 0]);
    damage(&process, &FORGET_HANDLED);

    assert_eq!(findings(&process, audit::evt_3).len(), 1);
}

fn a_parked_event_that_is_gone_is_named(database: &TestDatabase) {
    let process = a_log_with_a_dead_letter(database);
    damage(&process, &LOSE_EVENT);

    let found = findings(&process, audit::evt_3);

    assert!(
        found.iter().any(|finding| finding.contains("event evt_") && finding.contains("its event is gone")),
        "{found:?}"
    );
}

fn an_event_that_waits_behind_nothing_is_named(database: &TestDatabase) {
    let process = a_log_with_a_dead_letter(database);
    damage(&process, &LOSE_HEAD);

    let found = findings(&process, audit::evt_4);

    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("it waits, and no event of its key stands before it"), "{found:?}");
}

both_databases!(
    an_event_that_overtook_another_of_its_key_is_named,
    two_events_of_a_key_that_are_tried_at_once_are_named,
    an_event_that_was_neither_handled_nor_parked_is_missed,
    an_event_that_was_handled_twice_or_never_is_missed,
    a_parked_event_that_is_gone_is_named,
    an_event_that_waits_behind_nothing_is_named,
);
