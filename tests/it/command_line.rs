//! The command line when something is wrong: the exit code says whether it was the asking (2) or what was found (1), the
//! message says what and where.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::stage::PASSWORD;

/// Runs the program in a folder, on its `data` there.
fn samovar(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_samovar"));
    command.args(words).current_dir(folder).stdin(Stdio::null()).env_remove("SAMOVAR_DATABASE_URL");
    command.output().unwrap()
}

#[track_caller]
fn assert_fails(folder: &Path, words: &[&str], code: i32, says: &[&str]) {
    let output = samovar(folder, words);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{words:?}: {text}");
    for part in says {
        assert!(text.contains(part), "{words:?} does not say {part:?}: {text}");
    }
}

#[test]
fn what_was_asked_wrongly_is_bad_usage() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("bad.toml"), "server = 1\n[orders]\nunpaid_expiry_min = \"a\"\n").unwrap();
    std::fs::write(folder.join("worse.toml"), "[[[").unwrap();

    assert_fails(folder, &[], 2, &["Usage"]);
    assert_fails(folder, &["serv"], 2, &["serv", "serve"]);
    assert_fails(folder, &["serve", "--listen", "nope"], 2, &["nope", "--listen"]);
    assert_fails(folder, &["serve", "--set", "x"], 2, &["--set x", "KEY=VALUE"]);
    assert_fails(
        folder,
        &["serve", "--set", "limits.enabled=maybe", "--set", "orders.unpaid_expiry_mins=1"],
        2,
        &["limits.enabled is \"maybe\"", "did you mean orders.unpaid_expiry_min?"],
    );
    assert_fails(folder, &["serve", "--config", "bad.toml"], 2, &["bad.toml:1: server", "bad.toml:3: orders.unpaid"]);
    assert_fails(folder, &["serve", "--config", "worse.toml"], 2, &["worse.toml", "line 1"]);
    assert_fails(folder, &["serve", "--config", "missing.toml"], 2, &["missing.toml", "No such file"]);
    assert_fails(folder, &["import", "menu", "missing.csv"], 2, &["missing.csv", "No such file"]);
    assert_fails(folder, &["admin", "create", "--email", "a@b.org", "--password-file", "none"], 2, &["none"]);
    assert_fails(folder, &["demo", "--orders", "0"], 2, &["--orders", "1..=100000"]);
    assert!(!folder.join("data").exists(), "nothing was begun");
}

#[test]
fn data_that_is_not_there_is_not_looked_into() {
    let folder = tempfile::tempdir().unwrap();

    for words in
        [&["audit"][..], &["export", "menu"], &["events", "tail", "--no-follow"], &["events", "dead-letters", "list"]]
    {
        let words = [words, &["--data", "slip"]].concat();
        assert_fails(folder.path(), &words, 2, &["slip/samovar.db does not exist"]);
    }
    assert!(!folder.path().join("slip").exists(), "a slip must not leave a folder behind");
}

#[test]
fn what_was_found_wrong_is_named_and_no_bad_usage() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let menu =
        "kind,parent,sku,name_ru,name_en,price,currency\nproduct,coffee,tea,,Tea,,\nvariant,nothing,x,X,X,abc,RUB\n";
    std::fs::write(folder.join("menu.csv"), menu).unwrap();
    std::fs::write(folder.join("password"), PASSWORD).unwrap();
    std::fs::write(folder.join("short"), "short\n").unwrap();
    std::fs::create_dir(folder.join("corrupt")).unwrap();
    std::fs::write(folder.join("corrupt/samovar.db"), "this is no database at all, but long enough".repeat(100))
        .unwrap();
    let admin =
        |email: &'static str, file: &'static str| ["admin", "create", "--email", email, "--password-file", file];

    assert!(samovar(folder, &admin("a@b.org", "password")).status.success());
    assert_fails(folder, &admin("a@b.org", "password"), 1, &["there is an account"]);
    assert_fails(folder, &admin("nope", "password"), 1, &["\"nope\" is not an e-mail address"]);
    assert_fails(folder, &admin("c@b.org", "short"), 1, &["at least 8 characters"]);
    let rows = ["nothing was changed", "/rows/2/name_ru: must not be empty", "/rows/3/parent", "/rows/3/price"];
    assert_fails(folder, &["import", "menu", "menu.csv"], 1, &rows);
    assert_fails(folder, &["import", "menu", "menu.csv", "--dry-run"], 1, &rows);
    assert_fails(folder, &["config", "check", "--set", "limits.enabled=maybe"], 1, &["expected true or false"]);
    assert_fails(folder, &["audit", "--data", "corrupt"], 1, &["corrupt/samovar.db"]);
    assert_fails(folder, &["events", "replay", "nobody", "--after", "0"], 1, &["there is no consumer \"nobody\""]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_fails(folder, &["serve", "--listen", &address], 1, &[&address, "is taken", "is free: --listen 127.0.0.1:"]);
}
