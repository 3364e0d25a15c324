//! The demo as a person meets it: started, started again, interrupted, killed, started twice.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::stage::{eventually, free_address};

fn demo(folder: &Path, orders: u32) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_samovar"));
    let (orders, listen) = (orders.to_string(), free_address().to_string());
    command.args(["demo", "--exit", "--orders", &orders, "--listen", &listen, "--data"]).arg(folder);
    command
}

#[track_caller]
fn ended_well(output: &Output) -> String {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A demo whose guests have begun to order, and have a long day before them.
fn a_demo_in_its_day(folder: &Path) -> Child {
    let child = demo(folder, 2000).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("the first order", || {
        let mut tail = Command::new(env!("CARGO_BIN_EXE_samovar"));
        tail.args(["events", "tail", "--from", "0", "--no-follow", "--topic", "new_orders", "--data"]).arg(folder);
        tail.output().is_ok_and(|seen| !seen.stdout.is_empty()).then_some(())
    });
    child
}

#[test]
fn a_second_start_finds_its_data_and_plays_no_day() {
    let made = tempfile::tempdir().unwrap();
    let folder = made.path().join("demo");

    let first = ended_well(&demo(&folder, 5).output().unwrap());
    let second = ended_well(&demo(&folder, 5).output().unwrap());

    assert!(first.contains("A day of "), "{first}");
    assert!(!second.contains("A day of "), "{second}");
    for said in [first, second] {
        assert!(said.contains("the logins are in"), "{said}");
        assert!(!said.contains("Ctrl-C") && !said.contains("is open on"), "it ends, so nothing is open: {said}");
    }
}

#[test]
fn the_demo_leaves_a_configured_database_alone() {
    let made = tempfile::tempdir().unwrap();

    // Nothing listens there: a demo that looks at it fails.
    let elsewhere = "postgres://production@127.0.0.1:1/shop";
    let output = demo(&made.path().join("demo"), 1).env("SAMOVAR_DATABASE_URL", elsewhere).output().unwrap();

    ended_well(&output);
    assert!(made.path().join("demo/samovar.db").exists());
}

#[test]
fn a_demo_that_was_killed_begins_its_day_anew() {
    let made = tempfile::tempdir().unwrap();
    let folder = made.path().join("demo");
    let mut killed = a_demo_in_its_day(&folder);
    killed.kill().unwrap();
    killed.wait().unwrap();

    let again = demo(&folder, 5).output().unwrap();

    assert!(ended_well(&again).contains("A day of "));
    assert!(text(&again.stderr).contains("beginning it anew"), "{}", text(&again.stderr));
}

#[test]
fn a_second_demo_on_the_same_folder_is_refused_and_ctrl_c_ends_the_first_cleanly() {
    let made = tempfile::tempdir().unwrap();
    let folder = made.path().join("demo");
    let first = a_demo_in_its_day(&folder);

    let second = demo(&folder, 5).output().unwrap();
    let data_is_there = folder.join("samovar.db").exists();
    kill_process(Pid::from_child(&first), Signal::INT).unwrap();
    let interrupted = first.wait_with_output().unwrap();

    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second.stderr).contains("served by another process"), "{}", text(&second.stderr));
    assert!(data_is_there, "the second start took the data of the first away");
    ended_well(&interrupted);
    assert!(text(&interrupted.stderr).contains("the next start begins the day anew"), "{}", text(&interrupted.stderr));
}
