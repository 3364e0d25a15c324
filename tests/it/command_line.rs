//! The command line when something is wrong: the exit code says whether it was the asking (2) or what was found (1), the
//! message says what and where.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use testkit::TestDatabase;

use crate::stage::{PASSWORD, Stage, eventually, free_address};

/// The program, run with these words.
fn program(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_samovar"));
    command.args(words).stdin(Stdio::null()).env_remove("SAMOVAR_DATABASE_URL");
    command
}

/// The exit code, and everything that was said.
fn end(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

#[track_caller]
fn assert_fails(folder: &Path, words: &[&str], code: i32, says: &[&str]) {
    let (ended, text) = end(program(words).current_dir(folder));
    assert_eq!(ended, Some(code), "{words:?}: {text}");
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
    let topics = ["payment", "payments", "new_orders", "order-service_orders", "profiles"];
    assert_fails(folder, &["events", "tail", "--topic", "payment"], 2, &topics);
    assert_fails(folder, &["demo", "--orders", "0"], 2, &["--orders", "1..=100000"]);
    assert!(!folder.join("data").exists(), "nothing was begun");
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

    let (code, said) = end(program(&admin("a@b.org", "password")).current_dir(folder));
    assert_eq!(code, Some(0), "{said}");
    assert_fails(folder, &admin("a@b.org", "password"), 1, &["there is an account"]);
    assert_fails(folder, &admin("nope", "password"), 1, &["\"nope\" is not an e-mail address"]);
    assert_fails(folder, &admin("c@b.org", "short"), 1, &["at least 8 characters"]);
    let rows = ["nothing was changed", "/rows/2/name_ru: must not be empty", "/rows/3/parent", "/rows/3/price"];
    assert_fails(folder, &["import", "menu", "menu.csv"], 1, &rows);
    assert_fails(folder, &["import", "menu", "menu.csv", "--dry-run"], 1, &rows);
    std::fs::write(folder.join("samovar.toml"), "[limits]\nenabled = \"maybe\"\n").unwrap();
    assert_fails(folder, &["config", "check"], 1, &["samovar.toml:2: limits.enabled", "expected true or false"]);
    std::fs::remove_file(folder.join("samovar.toml")).unwrap();
    assert_fails(folder, &["audit", "--data", "corrupt"], 1, &["corrupt/samovar.db"]);
    assert_fails(folder, &["events", "replay", "nobody", "--after", "0"], 1, &["there is no consumer \"nobody\""]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_fails(folder, &["serve", "--listen", &address], 1, &[&address, "is taken", "is free: --listen 127.0.0.1:"]);
}

#[test]
fn a_check_finds_a_bad_configuration_and_a_bad_command_line_is_bad_usage() {
    for words in [
        ["--set", "orders"],
        ["--set", "unknown.key=1"],
        ["--set", "log.level=loud"],
        ["--data=/srv/a", "--set=data.folder=/srv/b"],
    ] {
        let (code, said) = end(program(&["config", "check"]).args(words));
        assert_eq!(code, Some(2), "{words:?}: {said}");
        assert!(!said.contains("_file"), "no file was named: {said}");
    }
    for (variable, value) in [
        ("SAMOVAR_SERVER_LISTEN", "8080"),
        ("SAMOVAR_SERVER_PRIVATE_LISTEN", "localhost"),
        ("SAMOVAR_SERVER_TRUSTED_PROXIES", "10.0.0.0/33"),
        ("SAMOVAR_LOG_LEVEL", "loud"),
    ] {
        let (code, said) = end(program(&["config", "check"]).env(variable, value));
        assert_eq!(code, Some(1), "{variable}: {said}");
        assert!(said.contains(variable) && said.contains("expected"), "{said}");
    }
}

/// What `serve` would say at its start, or would not say and not be able to work with.
#[test]
fn a_check_refuses_what_cannot_be_served_with_and_so_does_a_start() {
    let made = tempfile::tempdir().unwrap();
    let empty = made.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let empty = format!("outbound.ca_file={}", empty.display());
    let cases: [(&[&str], &str); 14] = [
        (
            &["database.url=mysql://u:secret@h/d?x=y"],
            "database.url cannot be used: the PostgreSQL URL begins with mysql://",
        ),
        (&["database.url=secret"], "is not like postgres://user:password@host:port/database"),
        (&["database.url=postgres://h:port/d"], "the PostgreSQL URL cannot be read: invalid value for option `port`"),
        (&["database.url=postgres:///d"], "the PostgreSQL URL names no server"),
        (&["database.url=postgres://h/d?sslmode=require"], "sslmode=require"),
        (
            &["server.listen=0.0.0.0:9464"],
            "server.listen is 0.0.0.0:9464, which server.private_listen (127.0.0.1:9464) leaves no room for",
        ),
        (&["telemetry.otlp_endpoint=http://x.example:4318"], "whose host is not in outbound.hosts"),
        (&["payments.bank_url=http://x.example"], "x.example, whose host is not in outbound.hosts"),
        (&["outbound.ca_file=/nope"], "names /nope, which cannot be read: No such file"),
        (
            &["outbound.ca_file=/nope", "database.url=secret"],
            "which cannot be read: No such file or directory (os error 2)\ncommand line: database.url",
        ),
        (
            &["payments.bank_url=http://127.0.0.1:1", "payments.public_url="],
            "payments.public_url is empty and payments.bank_url is not",
        ),
        (&["payments.return_hosts=shop.example,a/b"], "payments.return_hosts names a/b, expected hosts like"),
        (&["payments.page_hosts=a/b"], "payments.page_hosts names a/b, expected hosts like"),
        (&[&empty], "empty.pem, which holds no certificate"),
    ];
    for (settings, expected) in cases {
        for command in [&["config", "check"][..], &["serve", "--data", "data"]] {
            let mut asked = program(command);
            asked.args(settings.iter().flat_map(|setting| ["--set", setting]));

            let (code, said) = end(asked.current_dir(made.path()));

            assert_eq!(code, Some(2), "{command:?} {settings:?}: {said}");
            assert!(said.contains(expected), "{command:?} {settings:?}: {said}");
            assert!(!said.contains("secret"), "{said}");
        }
    }
    assert!(!made.path().join("data").exists(), "nothing was begun");
    let good = [
        "config",
        "check",
        "--set",
        "telemetry.otlp_endpoint=http://x.example:4318",
        "--set=outbound.hosts=x.example:4318",
    ];
    let (code, said) = end(&mut program(&good));
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_variable_that_is_not_utf8_matters_only_if_it_is_a_setting() {
    let not_utf8 = OsStr::from_bytes(b"caf\xe9");

    let (code, said) = end(program(&["config", "check"]).env("DRINK", not_utf8).env(not_utf8, "x"));
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = end(program(&["config", "check"]).env("SAMOVAR_LOG_LEVEL", not_utf8));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("SAMOVAR_LOG_LEVEL") && said.contains("not UTF-8"), "{said}");
}

const LOOKING: [&[&str]; 5] = [
    &["audit"],
    &["export", "menu"],
    &["import", "menu", "/dev/null", "--dry-run"],
    &["events", "tail", "--no-follow"],
    &["events", "dead-letters", "list"],
];

#[test]
fn who_was_asked_to_look_makes_no_database() {
    let made = tempfile::tempdir().unwrap();
    let typo = made.path().join("typo");

    for words in LOOKING {
        let (code, said) = end(program(words).arg("--data").arg(&typo));

        assert_eq!(code, Some(2), "{words:?}: {said}");
        assert!(said.contains("there is no database") && said.contains("typo"), "{words:?}: {said}");
        assert!(!typo.exists(), "{words:?} made the folder");
    }
}

/// Whether the system forbids it or it is no folder: that nothing is there is more than anybody knows.
#[test]
fn a_folder_that_cannot_be_entered_is_not_called_empty() {
    let made = tempfile::tempdir().unwrap();
    std::fs::write(made.path().join("file"), "no folder").unwrap();
    std::os::unix::fs::symlink("circle", made.path().join("circle")).unwrap();

    for words in LOOKING {
        for (folder, reason) in [("file", "Not a directory"), ("circle", "symbolic links")] {
            let (code, said) = end(program(words).arg("--data").arg(made.path().join(folder)));

            assert_eq!(code, Some(2), "{words:?}: {said}");
            assert!(said.contains("looking for the database") && said.contains(reason), "{words:?}: {said}");
            assert!(!said.contains("does not exist"), "{words:?}: {said}");
        }
    }
    std::os::unix::fs::symlink("samovar.toml", made.path().join("samovar.toml")).unwrap();
    assert_fails(made.path(), &["config", "check"], 1, &["reading the configuration samovar.toml", "symbolic links"]);
}

#[test]
fn who_was_asked_to_look_makes_no_tables_on_postgresql() {
    let database = TestDatabase::postgres();

    for words in LOOKING {
        let (code, said) = end(program(words).env("SAMOVAR_DATABASE_URL", database.url()));

        assert_eq!(code, Some(1), "{words:?}: {said}");
        assert!(said.contains("not applied here yet"), "{words:?}: {said}");
    }
}

/// The server that runs on it may be an older one: it would meet tables that it does not know.
#[test]
fn who_adds_to_a_database_on_postgresql_makes_its_tables_once_and_never_migrates_it() {
    let database = TestDatabase::postgres();
    let made = tempfile::tempdir().unwrap();
    let password = made.path().join("password");
    std::fs::write(&password, PASSWORD).unwrap();
    let create = |email: &str| {
        let mut command = program(&["admin", "create", "--email", email, "--password-file"]);
        end(command.arg(&password).env("SAMOVAR_DATABASE_URL", database.url()))
    };
    let tables_of = |service: &str| {
        let sql = format!("SELECT count(*) FROM pg_tables WHERE schemaname = '{service}'");
        ask_database(&database, &sql)
    };

    let first = create("first@shop.example");
    let made_at_first = tables_of("payments");
    ask_database(&database, "DROP SCHEMA payments CASCADE");
    let later = create("later@shop.example");

    assert_eq!(first.0, Some(0), "{}", first.1);
    assert_ne!(made_at_first, Some("0".to_owned()));
    assert_eq!(later.0, Some(1), "{}", later.1);
    assert!(later.1.contains("payments") && later.1.contains("not applied here yet"), "{}", later.1);
    assert_eq!(tables_of("payments"), Some("0".to_owned()), "what was not there is not made");
}

/// The first column of the first row.
fn ask_database(database: &TestDatabase, sql: &str) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&database.url(), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let told = client.simple_query(sql).await.unwrap();
        told.iter().find_map(|message| {
            let tokio_postgres::SimpleQueryMessage::Row(row) = message else { return None };
            row.get(0).map(str::to_owned)
        })
    })
}

#[test]
fn a_database_server_that_is_not_there_is_named_by_its_key() {
    let nobody = format!("postgres://samovar@{}/samovar", free_address());
    let mut command = program(&["audit", "--set", "database.connect_wait=1s"]);

    let (code, said) = end(command.env("SAMOVAR_DATABASE_URL", nobody));

    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("waiting for the database"), "{said}");
    assert!(said.contains("database.url (SAMOVAR_DATABASE_URL)"), "{said}");
}

#[test]
fn a_tail_ends_when_nobody_reads_it_any_more() {
    let stage = Stage::new(&TestDatabase::sqlite(), &[]);
    stage.guest("anna");
    let mut tail = stage.command(&["events", "tail", "--from", "0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(tail.stdout.take().unwrap()).read_line(&mut first).unwrap();

    let mut number = 0;
    let ended = eventually("the end of the tail", || {
        stage.guest(&format!("guest-{number}"));
        number += 1;
        tail.try_wait().unwrap()
    });

    assert!(first.contains("specversion"), "{first}");
    assert!(ended.success(), "{ended}");
}

#[test]
fn a_server_that_cannot_open_its_signing_key_says_which_setting_is_missing() {
    let made = tempfile::tempdir().unwrap();
    let serve = |secret: &str| {
        let mut command =
            program(&["serve", "--json", "--listen=127.0.0.1:0", "--private-listen=127.0.0.1:0", "--data"]);
        command.arg(made.path()).env("SAMOVAR_AUTH_KEY_SECRET", secret);
        command
    };
    let mut first = serve("a secret of the house").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(first.stdout.take().unwrap()).read_line(&mut line).unwrap();
    first.kill().unwrap();
    first.wait().unwrap();

    let (code, said) = end(&mut serve(""));

    assert!(line.contains("public"), "{line}");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("auth.key_secret"), "{said}");
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let (_, pages) = end(&mut program(&["man"]));

    for name in ["samovar", "samovar-serve", "samovar-events-tail", "samovar-events-dead-letters-drop"] {
        assert!(pages.contains(&format!(".TH {name} ")), "{name}");
    }
}

#[test]
fn a_program_is_answered_in_json_whatever_came_of_it() {
    let made = tempfile::tempdir().unwrap();
    std::fs::write(made.path().join("password"), PASSWORD).unwrap();
    let asked = |words: &[&str]| -> (Option<i32>, Value) {
        let output = program(words).arg("--json").current_dir(made.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), serde_json::from_str(&said).unwrap_or_else(|e| panic!("{words:?}: {e}: {said:?}")))
    };
    asked(&["admin", "create", "--email", "a@b.org", "--password-file", "password"]);

    let (_, exported) = asked(&["export", "menu", "menu.csv"]);
    let (good, check) = asked(&["config", "check"]);
    let (bad, faults) = asked(&["config", "check", "--set", "limits.enabled=maybe", "--set", "x.y=1"]);
    let (missing, named) = asked(&["import", "menu", "missing.csv"]);

    let written = std::fs::read(made.path().join("menu.csv")).unwrap().len();
    assert_eq!(exported, json!({"file": "menu.csv", "bytes": written}));
    assert_eq!((good, check), (Some(0), json!({"good": true})));
    assert_eq!(bad, Some(2));
    let each = json!([
        {"key": "x.y", "message": "command line: x.y is not a setting"},
        {"key": "limits.enabled", "message": "command line: limits.enabled is \"maybe\", expected true or false"},
    ]);
    assert_eq!(faults, json!({"error": "the configuration cannot be used", "faults": each}));
    assert_eq!((missing, &named["error"]), (Some(2), &json!("reading missing.csv")));
    assert!(named["causes"][0].as_str().is_some_and(|cause| cause.contains("No such file")), "{named}");
}

/// Whoever copies an example meets a consumer that exists.
#[test]
fn the_examples_of_the_help_name_consumers_that_there_are() {
    let stage = Stage::new(&TestDatabase::sqlite(), &[]);
    let helps: [&[&str]; 5] = [
        &["events", "--help"],
        &["events", "replay", "--help"],
        &["events", "dead-letters", "--help"],
        &["events", "dead-letters", "replay", "--help"],
        &["events", "dead-letters", "drop", "--help"],
    ];
    let mut named = BTreeSet::new();
    for words in helps {
        let (_, help) = end(&mut program(words));
        let said: Vec<&str> = help.split_whitespace().collect();
        let after = said.windows(2).filter(|pair| ["replay", "drop"].contains(&pair[0])).map(|pair| pair[1].to_owned());
        named.extend(after.filter(|name| name.contains('.')));
    }

    assert!(named.len() > 1, "{named:?}");
    // Each is known from when it first runs.
    eventually(&format!("the start of {named:?}"), || {
        let (_, there_are) = end(&mut stage.command(&["events", "dead-letters", "drop", "nobody", "1"]));
        named.iter().all(|consumer| there_are.contains(&format!(" {consumer}"))).then_some(())
    });
}

/// Of half a report nobody should think that it is the whole one.
#[test]
fn output_that_cannot_be_written_is_told_and_is_no_success() {
    let made = tempfile::tempdir().unwrap();
    std::fs::write(made.path().join("password"), PASSWORD).unwrap();
    let create = ["admin", "create", "--email", "a@b.org", "--password-file", "password"];
    let commands: [&[&str]; 11] = [
        &create,
        &["audit"],
        &["export", "menu"],
        &["events", "tail", "--from", "0"],
        &["events", "dead-letters", "list"],
        &["config", "show"],
        &["config", "check", "--json"],
        &["openapi"],
        &["completions", "bash"],
        &["man"],
        &["--help"],
    ];

    for words in commands {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let (code, said) = end_into(program(words).current_dir(made.path()).stdout(full));

        assert_eq!(code, Some(1), "{words:?}: {said}");
        assert!(said.contains("writing to standard output: No space left"), "{words:?}: {said}");
    }
    let mut gone = program(&["openapi"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(gone.stdout.take());
    assert!(gone.wait().unwrap().success(), "a reader who has seen enough is no failure");
}

/// The exit code, and what was said on standard error.
fn end_into(command: &mut Command) -> (Option<i32>, String) {
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}
