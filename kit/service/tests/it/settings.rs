//! Configuration: which source wins, and what a person is told.

use std::time::Duration;

use service::{Origin, Setting, SettingFault, SettingKind, Settings, Sources, settings_table};

static ORDERS: &[Setting] = &[
    Setting {
        key: "orders.unpaid_expiry_min",
        default: "10",
        kind: SettingKind::Int { min: 1, max: 1440 },
        doc: "Minutes until an unpaid order expires.",
    },
    Setting {
        key: "orders.ask_every",
        default: "30s",
        kind: SettingKind::Duration { min_ms: 1000, max_ms: 3_600_000 },
        doc: "How often holds are asked about.",
    },
    Setting { key: "orders.open", default: "true", kind: SettingKind::Flag, doc: "Whether orders are taken." },
];

static BANK: &[Setting] = &[
    Setting { key: "bank.key", default: "", kind: SettingKind::Secret, doc: "The bank's key." },
    Setting { key: "bank.url", default: "", kind: SettingKind::Url, doc: "Where the bank is." },
    Setting { key: "bank.hosts", default: "a,b", kind: SettingKind::List, doc: "Whom to ask." },
    Setting { key: "bank.mode", default: "test", kind: SettingKind::Choice(&["test", "live"]), doc: "Which bank." },
];

static TABLES: &[&[Setting]] = &[ORDERS, BANK];

type Pairs = &'static [(&'static str, &'static str)];

fn sources(file: &str, env: &[(&str, &str)], flags: &[(&str, &str)]) -> Sources {
    let owned = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let file = Some(("samovar.toml".into(), file.to_owned()));
    Sources { presets: Vec::new(), file, env: owned(env), flags: owned(flags) }
}

fn faults(file: &str, env: &[(&str, &str)], flags: &[(&str, &str)]) -> Vec<String> {
    let faults = Settings::load(TABLES, &sources(file, env, flags)).expect_err("there is a fault");
    faults.0.iter().map(ToString::to_string).collect()
}

const IN_FILE: &str = "[orders]\nunpaid_expiry_min = 20\n";
const IN_ENV: &[(&str, &str)] = &[("SAMOVAR_ORDERS_UNPAID_EXPIRY_MIN", "30")];
const IN_FLAGS: &[(&str, &str)] = &[("orders.unpaid_expiry_min", "40")];

#[test]
fn the_later_source_wins() {
    let file = || Origin::File { path: "samovar.toml".into(), line: 2 };
    let env = || Origin::Environment { variable: "SAMOVAR_ORDERS_UNPAID_EXPIRY_MIN".to_owned() };
    let cases = [
        ("", &[][..], &[][..], 10, Origin::Default),
        (IN_FILE, &[], &[], 20, file()),
        ("", IN_ENV, &[], 30, env()),
        (IN_FILE, IN_ENV, &[], 30, env()),
        ("", &[], IN_FLAGS, 40, Origin::Flag),
        (IN_FILE, &[], IN_FLAGS, 40, Origin::Flag),
        ("", IN_ENV, IN_FLAGS, 40, Origin::Flag),
        (IN_FILE, IN_ENV, IN_FLAGS, 40, Origin::Flag),
    ];

    for (file, env, flags, value, origin) in cases {
        let settings = Settings::load(TABLES, &sources(file, env, flags)).unwrap();

        assert_eq!(settings.int("orders.unpaid_expiry_min"), value, "{file:?} {env:?} {flags:?}");
        assert_eq!(settings.origin("orders.unpaid_expiry_min"), &origin);
    }
}

#[test]
fn what_a_command_would_have_gives_way_to_whatever_a_person_set() {
    for (file, expected, origin) in
        [("", 25, Origin::Default), (IN_FILE, 20, Origin::File { path: "samovar.toml".into(), line: 2 })]
    {
        let presets = vec![("orders.unpaid_expiry_min".to_owned(), "25".to_owned())];

        let settings = Settings::load(TABLES, &Sources { presets, ..sources(file, &[], &[]) }).unwrap();

        assert_eq!(settings.int("orders.unpaid_expiry_min"), expected);
        assert_eq!(settings.origin("orders.unpaid_expiry_min"), &origin);
    }
}

#[test]
fn a_slash_at_the_end_of_an_address_is_taken_off() {
    for (written, read) in [
        ("http://bank/", "http://bank"),
        ("https://bank:81/api/", "https://bank:81/api"),
        ("http://bank", "http://bank"),
    ] {
        let settings = Settings::load(TABLES, &sources("", &[], &[("bank.url", written)])).unwrap();

        assert_eq!(settings.text("bank.url"), read);
    }
}

#[test]
fn every_kind_is_read_from_the_file() {
    let file = "[orders]\nask_every = \"2min\"\nopen = false\n[bank]\nkey = \"k\"\nurl = \"http://bank.example:81\"\n\
                hosts = [\"x\", \"y:1\"]\nmode = \"live\"\n";

    let settings = Settings::load(TABLES, &sources(file, &[], &[])).unwrap();

    assert_eq!(settings.duration("orders.ask_every"), Duration::from_secs(120));
    assert!(!settings.flag("orders.open"));
    assert_eq!(settings.secret("bank.key"), "k");
    assert_eq!(settings.text("bank.url"), "http://bank.example:81");
    assert_eq!(settings.list("bank.hosts"), ["x", "y:1"]);
    assert_eq!(settings.text("bank.mode"), "live");
}

#[test]
fn an_unknown_key_is_answered_with_the_nearest_known_one() {
    let cases: [(&str, Pairs, Pairs, &str); 5] = [
        (
            "[orders]\nunpayed_expiry_min = 1\n",
            &[],
            &[],
            "samovar.toml:2: orders.unpayed_expiry_min is not a setting; did you mean orders.unpaid_expiry_min?",
        ),
        (
            "orders.open = true\n[bank]\nurls = \"\"\n",
            &[],
            &[],
            "samovar.toml:3: bank.urls is not a setting; did you mean bank.url?",
        ),
        (
            "",
            &[("SAMOVAR_BANK_KEYS", "x")],
            &[],
            "environment SAMOVAR_BANK_KEYS: SAMOVAR_BANK_KEYS is not a setting; did you mean bank.key?",
        ),
        ("", &[], &[("orders.opne", "x")], "command line: orders.opne is not a setting; did you mean orders.open?"),
        ("zebra = 1\n", &[], &[], "samovar.toml:1: zebra is not a setting"),
    ];

    for (file, env, flags, expected) in cases {
        assert_eq!(faults(file, env, flags), [expected]);
    }
}

#[test]
fn a_bad_value_names_key_source_and_what_is_expected() {
    let cases = [
        ("orders.unpaid_expiry_min", "0", "\"0\", expected a whole number from 1 to 1440"),
        ("orders.unpaid_expiry_min", "ten", "\"ten\", expected a whole number from 1 to 1440"),
        ("orders.ask_every", "30", "\"30\", expected a duration from 1s to 1h, like 30s"),
        ("orders.ask_every", "2h", "\"2h\", expected a duration from 1s to 1h, like 30s"),
        ("orders.open", "yes", "\"yes\", expected true or false"),
        ("bank.url", "bank.example", "\"bank.example\", expected an address like https://bank.example, or nothing"),
        ("bank.url", "http://", "\"http://\", expected an address like https://bank.example, or nothing"),
        ("bank.url", "http://bank//", "\"http://bank//\", expected an address like https://bank.example, or nothing"),
        ("bank.url", "/", "\"/\", expected an address like https://bank.example, or nothing"),
        ("bank.mode", "prod", "\"prod\", expected one of test, live"),
    ];

    for (key, value, expected) in cases {
        assert_eq!(faults("", &[], &[(key, value)]), [format!("command line: {key} is {expected}")]);
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let found = faults("[orders]\nopen = 3\nclosed = 1\n", &[("SAMOVAR_BANK_MODE", "x")], &[("x", "y")]);

    assert_eq!(found.len(), 4, "{found:?}");
}

#[test]
fn what_is_not_toml_is_told_with_its_place() {
    let found = faults("[orders\nopen = 1", &[], &[]);

    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("samovar.toml is not TOML: line 1, column 8: "), "{found:?}");
}

#[test]
fn a_secret_in_a_line_that_is_not_toml_is_not_shown() {
    for text in
        ["[bank]\nkey = \"hunter2", "[bank]\nkey = hunter2\n", "[bank]\nkey = \"hunter2\" x\n", "bank.key = 'hunter2"]
    {
        let found = faults(text, &[], &[]);

        assert_eq!(found.len(), 1, "{found:?}");
        assert!(!found[0].contains("hunter2"), "{found:?}");
    }
}

#[test]
fn a_key_that_a_source_sets_twice_is_named_as_it_was_written() {
    let found = faults("", &[], &[("orders.open", "true"), ("orders.open", "false")]);

    assert_eq!(found, ["command line: orders.open is set more than once; keep one"]);
}

#[test]
fn addresses_networks_and_levels_are_checked_before_anything_starts() {
    static TABLE: &[Setting] = &[
        Setting { key: "a.listen", default: "127.0.0.1:1", kind: SettingKind::Listen, doc: "" },
        Setting { key: "a.networks", default: "", kind: SettingKind::Networks, doc: "" },
        Setting { key: "a.level", default: "info", kind: SettingKind::LogLevel, doc: "" },
    ];
    let load = |key: &str, value: &str| Settings::load(&[TABLE], &sources("", &[], &[(key, value)]));

    for (key, value) in [("a.listen", "[::1]:8080"), ("a.networks", "10.0.0.0/8, ::1"), ("a.level", "info,store=debug")]
    {
        assert_eq!(load(key, value).unwrap().text(key), value);
    }
    for (key, value) in
        [("a.listen", "8080"), ("a.listen", "127.0.0.1"), ("a.networks", "10.0.0.0/33"), ("a.level", "loud")]
    {
        let refused = load(key, value).unwrap_err().to_string();
        assert!(refused.starts_with(&format!("command line: {key} is {value:?}, expected ")), "{refused}");
    }
}

#[test]
fn a_secret_is_read_from_its_file_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, "hunter2\n").unwrap();

    let env = [("SAMOVAR_BANK_KEY_FILE", path.to_str().unwrap())];
    let settings = Settings::load(TABLES, &sources("", &env, &[])).unwrap();

    assert_eq!(settings.secret("bank.key"), "hunter2");
    let shown = settings.shown().find(|shown| shown.key == "bank.key").unwrap();
    assert_eq!((shown.value.as_str(), shown.origin.as_str()), ("********", "environment SAMOVAR_BANK_KEY_FILE"));
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn a_secret_stands_in_one_place_of_a_source() {
    let both = "[bank]\nkey = \"a\"\nkey_file = \"/dev/null\"\n";
    assert_eq!(faults(both, &[], &[]), ["samovar.toml:3: bank.key and bank.key_file are both set; keep one"]);

    let missing = faults("[bank]\nkey_file = \"/nowhere/key\"\n", &[], &[]);
    assert!(missing[0].starts_with("samovar.toml:2: bank.key_file names /nowhere/key, which cannot be read"));

    let not_a_secret = faults("[bank]\nurl_file = \"/dev/null\"\n", &[], &[]);
    assert!(not_a_secret[0].contains("bank.url_file is not a setting"), "{not_a_secret:?}");
}

#[test]
fn a_later_source_may_give_the_secret_another_way() {
    let settings =
        Settings::load(TABLES, &sources("[bank]\nkey_file = \"/dev/null\"\n", &[("SAMOVAR_BANK_KEY", "env")], &[]));

    assert_eq!(settings.unwrap().secret("bank.key"), "env");
}

#[test]
fn other_variables_of_the_environment_are_not_looked_at() {
    let env = [("PATH", "/bin"), ("SAMOVARS", "12"), ("HOME", "/root")];

    assert!(Settings::load(TABLES, &sources("", &env, &[])).is_ok());
}

#[test]
fn the_documented_table_has_every_setting() {
    let table = settings_table(TABLES);

    assert_eq!(table.lines().count(), 2 + ORDERS.len() + BANK.len());
    let line = "| `bank.key` | `SAMOVAR_BANK_KEY` |  | a text (kept secret) or in the file that `…_file` names | The \
                bank's key. |";
    assert!(table.contains(line), "{table}");
}

#[test]
fn a_fault_can_be_told_apart_by_a_program() {
    let faults = Settings::load(TABLES, &sources("", &[], &[("bank.key_", "x")])).unwrap_err();

    assert!(matches!(&faults.0[..], [SettingFault::Unknown { nearest: Some("bank.key"), .. }]), "{faults:?}");
}
