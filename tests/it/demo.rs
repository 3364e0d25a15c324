//! The demo as a person meets it: started, started again, interrupted, killed, started twice.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

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

    assert!(first.contains("A day of 5 orders"), "{first}");
    assert!(!second.contains("A day of "), "{second}");
    for said in [first, second] {
        assert!(said.contains("the logins are in"), "{said}");
        assert!(!said.contains("Ctrl-C") && !said.contains("is open on"), "it ends, so nothing is open: {said}");
    }
}

#[test]
fn a_demo_answers_a_program_whether_or_not_it_plays_a_day() {
    let made = tempfile::tempdir().unwrap();
    let folder = made.path().join("demo");
    let answer = || -> Value {
        serde_json::from_str(&ended_well(&demo(&folder, 5).arg("--json").output().unwrap())).expect("one JSON document")
    };

    let (first, second) = (answer(), answer());

    assert_eq!(first["orders_asked"], 5, "{first}");
    for told in [first, second] {
        assert_eq!(told["data"].as_str().map(Path::new), Some(folder.as_path()), "{told}");
        assert_eq!(told["logins"].as_str().map(Path::new), Some(folder.join("demo.json").as_path()), "{told}");
        assert!(told.get("public").is_none(), "it ends, so nothing is open: {told}");
    }
}

#[test]
fn a_demo_that_is_stopped_says_where_its_data_is_and_two_of_one_seed_share_no_password() {
    let made = tempfile::tempdir().unwrap();
    let folders = ["one", "other"].map(|name| made.path().join(name));
    let both = folders.each_ref().map(|folder| demo(folder, 1).stdout(Stdio::piped()).spawn().unwrap());
    for child in both {
        ended_well(&child.wait_with_output().unwrap());
    }

    let logins = folders.each_ref().map(|folder| logins(folder));
    let staying = stay_until_open_and_stop(&folders[0]);

    assert!(logins[0].len() >= 10, "{logins:?}");
    for (email, password) in &logins[0] {
        assert!(logins[1].get(email).is_some_and(|other| other != password), "{email} has the same password in both");
        assert!(staying.contains(password), "{email}: another password is printed at the second start: {staying}");
    }
    let data = folders[0].display().to_string();
    for part in [format!("kept in {data}"), format!("samovar demo --data {data}"), format!("rm -r -- {data}")] {
        assert!(staying.contains(&part), "{part:?} is not said: {staying}");
    }
}

/// Who can sign in, with what.
fn logins(folder: &Path) -> BTreeMap<String, String> {
    let mark: Value = serde_json::from_slice(&std::fs::read(folder.join("demo.json")).unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    mark["logins"].as_array().unwrap().iter().map(|login| (text(&login["email"]), text(&login["password"]))).collect()
}

/// Everything that a demo says that stays open until Ctrl-C.
fn stay_until_open_and_stop(folder: &Path) -> String {
    let listen = free_address().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_samovar"));
    command.args(["demo", "--listen", &listen, "--data"]).arg(folder).stdout(Stdio::piped());
    let mut open = command.spawn().unwrap();
    let mut lines = BufReader::new(open.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut said: Vec<String> = lines.by_ref().take_while(|line| !line.contains("Ctrl-C stops it")).collect();
    kill_process(Pid::from_child(&open), Signal::INT).unwrap();
    said.extend(lines);
    assert!(open.wait().unwrap().success(), "{said:?}");
    said.join("\n")
}

#[test]
fn a_public_port_that_is_taken_is_told_with_the_flag_and_a_free_one() {
    let made = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();

    let mut command = Command::new(env!("CARGO_BIN_EXE_samovar"));
    let output = command.args(["demo", "--listen", &listen, "--data"]).arg(made.path().join("demo")).output().unwrap();

    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("{listen} is taken")) && said.contains("is free: --listen 127.0.0.1:"), "{said}");
    assert!(!said.contains("the shop did not open"), "{said}");
}

#[test]
fn a_demo_on_any_free_port_tells_the_bank_the_port_that_it_has() {
    let made = tempfile::tempdir().unwrap();
    let folder = made.path().join("demo");
    let mut command = Command::new(env!("CARGO_BIN_EXE_samovar"));
    command.args(["demo", "--exit", "--orders", "20", "--listen", "127.0.0.1:0", "--data"]).arg(&folder);

    ended_well(&command.output().unwrap());

    let contents = testkit::Contents::of_sqlite_file(&folder.join("samovar.db"));
    assert!(!contents.rows_with("/returned?order=").is_empty(), "somebody was sent to the bank");
    assert_eq!(contents.rows_with("localhost:0/"), [""; 0]);
}

#[test]
fn what_the_demo_makes_itself_is_refused_wherever_it_was_set_and_nothing_is_begun() {
    let made = tempfile::tempdir().unwrap();
    let folder = made.path().join("demo");
    let config = made.path().join("shop.toml");
    std::fs::write(&config, "[payments]\nbank_secret = \"kept\"\n").unwrap();
    let config = format!("--config={}", config.display());
    let cases: [(&[&str], &str); 5] = [
        (
            &["--set", "payments.bank_url=http://127.0.0.1:1"],
            "command line: payments.bank_url is not for the demo: it brings a bank",
        ),
        (&[&config], "shop.toml:2: payments.bank_secret is not for the demo"),
        (
            &["--set", "outbound.hosts=bank.example"],
            "command line: outbound.hosts leaves out the host of payments.bank_url, http://127.0.0.1:8090",
        ),
        (&["--set", "x.y=1"], "command line: x.y is not a setting"),
        (&["--set", "log.level=loud"], "log.level is \"loud\""),
    ];

    for (words, expected) in cases {
        let output = demo(&folder, 1).args(words).output().unwrap();

        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
        assert!(said.contains(expected), "{words:?}: {said}");
        assert!(!folder.exists(), "{words:?} left a folder");
    }
    let elsewhere =
        demo(&folder, 1).env("SAMOVAR_DATABASE_URL", "postgres://production@127.0.0.1:1/shop").output().unwrap();
    let said = text(&elsewhere.stderr);
    assert_eq!(elsewhere.status.code(), Some(2), "{said}");
    assert!(said.contains("environment SAMOVAR_DATABASE_URL: database.url is not for the demo"), "{said}");
    assert!(!folder.exists());
}

#[test]
fn what_somebody_sets_stands_above_what_the_demo_would_have() {
    let made = tempfile::tempdir().unwrap();
    let folder = made.path().join("elsewhere");
    let (listen, private) = (free_address().to_string(), free_address().to_string());
    let mut command = Command::new(env!("CARGO_BIN_EXE_samovar"));
    command.args(["demo", "--orders=1", "--set", &format!("server.listen={listen}"), "--set"]);
    command.args([&format!("server.private_listen={private}"), "--set", "log.level=info"]);
    command.env("SAMOVAR_DATA_FOLDER", &folder).env("SAMOVAR_DATABASE_URL", "");
    let mut open = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(open.stdout.take().unwrap()).lines().map(Result::unwrap);
    let said: Vec<String> = lines.take_while(|line| !line.contains("Ctrl-C stops it")).collect();

    kill_process(Pid::from_child(&open), Signal::INT).unwrap();
    let log = text(&open.wait_with_output().unwrap().stderr);

    let port = listen.rsplit(':').next().unwrap();
    assert!(said.iter().any(|line| line.contains(&format!("open on http://localhost:{port} "))), "{said:?}");
    assert!(said.iter().any(|line| line.contains(&format!("health on http://{private},"))), "{said:?}");
    assert!(log.contains(" INFO "), "{log}");
    assert!(folder.join("samovar.db").exists());
}

#[test]
fn a_demo_may_be_open_on_every_address() {
    let made = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_samovar"));
    command.args(["demo", "--exit", "--orders=1", "--listen=0.0.0.0:0", "--data"]).arg(made.path().join("demo"));

    assert!(ended_well(&command.output().unwrap()).contains("A day of 1 orders"));
}

/// Nothing was played, so the next start has nothing to begin anew.
#[test]
fn a_start_that_finds_its_port_taken_has_begun_no_day() {
    let made = tempfile::tempdir().unwrap();
    let folder = made.path().join("demo");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let mut failing = Command::new(env!("CARGO_BIN_EXE_samovar"));
    assert!(!failing.args(["demo", "--listen", &listen, "--data"]).arg(&folder).output().unwrap().status.success());

    let next = demo(&folder, 1).output().unwrap();

    assert!(ended_well(&next).contains("A day of 1 orders"));
    assert!(!text(&next.stderr).contains("interrupted"), "{}", text(&next.stderr));
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
