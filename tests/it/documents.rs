//! The committed documents are what the program says of itself. `WRITE_DOCS=1` (`cargo xtask docs`) rewrites them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use kernel::Code;
use samovar::roles::SERVICES;
use service::{Ground, Platform, SettingKind, Settings, Sources};
use testkit::{FakeClock, ScriptedOutbound, SeededRng, TestDatabase};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

pub(crate) fn check(path: &str, now: &str) {
    let file = root().join(path);
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, now).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == now, "{path} is not what the program says; run `cargo xtask docs` and look at the difference");
}

pub(crate) fn program(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_samovar")).args(words).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn committed_documents_openapi() {
    check("contracts/schemas/openapi.json", &program(&["openapi"]));
}

#[test]
fn committed_documents_configuration() {
    let table = service::settings_table(&samovar::settings::tables());
    check("docs/configuration.md", &format!("# Configuration\n\n{table}"));
}

#[test]
fn committed_documents_routes() {
    check("docs/routes.md", &gateway::policy::routes_table());
}

/// Every service mounted, as in the program.
fn platform(database: &TestDatabase) -> Platform {
    let ground = Ground {
        store: database.open(),
        settings: Settings::load(&samovar::settings::tables(), &Sources::default()).unwrap(),
        clock: FakeClock::default().shared(),
        rng: SeededRng::new(1).shared(),
        outbound: ScriptedOutbound::silent().shared(),
    };
    Platform::mount(&ground, SERVICES, Vec::new()).unwrap()
}

/// Every failure that an answer can have.
pub(crate) fn all_codes() -> Vec<&'static Code> {
    let services: Vec<&'static Code> = platform(&TestDatabase::sqlite()).errors().collect();
    service::kit_codes().chain(gateway::CODES.iter().copied()).chain(services).collect()
}

const ERRORS: &str = "# Errors

Every failure that an answer can name, made from the tables of the program. The answer is an RFC 9457 problem document
(`application/problem+json`) with `type`, `title`, `status`, `code`, `detail`, `hint` and `request_id`; title and hint are in
English, or in Russian with `Accept-Language: ru`. An answer of LISTING lists every wrong
place in `errors`, each with `pointer`, `code` and `message`. An answer of 429 or 503 says in `Retry-After` when to come back. What is our
own fault (500) shows no `detail`: the log has it under the `request_id`.
";

#[test]
fn committed_documents_errors() {
    let codes = all_codes();
    let listing = codes.iter().filter(|code| code.hint.en.contains("errors")).map(|code| format!("`{}`", code.code));
    let mut listing: Vec<String> = listing.collect();
    listing.sort_unstable();
    let head = ERRORS.replace("LISTING", &listing.join(" and of "));
    let table = service::errors_table(codes.into_iter());
    check("docs/errors.md", &format!("{head}{table}"));
}

#[test]
fn every_call_is_justified_in_the_list_of_calls() {
    let list = std::fs::read_to_string(root().join("docs/calls.md")).unwrap();
    let rows: BTreeSet<&str> = list.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let mut declared = BTreeSet::new();
    for file in sources(&root().join("contracts/src")) {
        let text = std::fs::read_to_string(file).unwrap();
        let names = text.lines().filter_map(|line| line.trim().strip_prefix("const NAME: &'static str = \""));
        declared.extend(names.map(|rest| rest.trim_end_matches("\";").to_owned()));
    }

    assert_eq!(rows, declared.iter().map(String::as_str).collect());
}

#[test]
fn every_code_of_a_failure_is_its_own() {
    let codes: Vec<&str> = all_codes().iter().map(|code| code.code).collect();

    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len(), "{codes:?}");
}

#[test]
fn every_code_that_the_source_declares_is_documented() {
    let documented: BTreeSet<&str> = all_codes().iter().map(|code| code.code).collect();
    let mut declared = BTreeSet::new();
    for folder in ["kit", "services"] {
        for file in sources(&root().join(folder))
            .iter()
            .filter(|file| !file.components().any(|part| part.as_os_str() == "tests"))
        {
            declared.extend(std::fs::read_to_string(file).unwrap().lines().filter_map(declared_code));
        }
    }

    assert!(declared.len() > 50, "the source is not read as it is written: {declared:?}");
    let lost: Vec<&String> = declared.iter().filter(|code| !documented.contains(code.as_str())).collect();
    assert_eq!(lost, Vec::<&String>::new(), "declared, and in no list of codes that somebody publishes");
}

/// The code of a line like `OUT_OF_STOCK = "orders.out-of-stock", Conflict,` or `code: "call.timeout",`.
fn declared_code(line: &str) -> Option<String> {
    let line = line.trim();
    let (before, rest) = line.split_once('"')?;
    let (code, after) = rest.split_once('"')?;
    let name = before.strip_suffix(" = ").unwrap_or_default();
    let is_row =
        !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_') && after.starts_with(", ");
    let is_field = before == "code: " && after == ",";
    let is_code = code.split_once('.').is_some_and(|(part, what)| is_word(part) && is_word(what));
    ((is_row || is_field) && is_code).then(|| code.to_owned())
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

/// The sources of every crate below.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_code_that_the_api_document_names_is_documented() {
    let codes = all_codes();
    let document = std::fs::read_to_string(root().join("contracts/schemas/openapi.json")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    let mut named = BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        let answers = item.as_object().unwrap().values().filter_map(|operation| operation["responses"].as_object());
        for answer in answers.flat_map(|answers| answers.values()) {
            let words = answer["description"].as_str().unwrap_or_default().split([' ', ',', ';', '`', '(', ')']);
            let words = words.map(|word| word.trim_end_matches('.'));
            named.extend(
                words.filter(|word| word.split_once('.').is_some_and(|(part, what)| is_word(part) && is_word(what))),
            );
        }
    }

    assert!(named.len() > 20, "the document names its failures: {named:?}");
    let unknown: Vec<&str> = named.into_iter().filter(|name| codes.iter().all(|code| code.code != *name)).collect();
    assert_eq!(unknown, Vec::<&str>::new());
}

#[test]
fn the_document_of_the_whole_api_lacks_nothing() {
    let mut platform = platform(&TestDatabase::sqlite());

    let (_, document) = samovar::openapi::assemble(platform.take_routes());

    assert_eq!(document.violations(), Vec::<String>::new());
}

#[test]
fn the_tests_that_the_security_table_names_exist() {
    let (checked, unknown) = tests_named_in("docs/security.md");

    assert_eq!(unknown, Vec::<String>::new());
    assert!(checked > 100, "the table is not read as it is written: {checked}");
}

#[test]
fn the_tests_that_the_table_of_invariants_names_exist() {
    let (checked, unknown) = tests_named_in("docs/invariants.md");

    assert_eq!(unknown, Vec::<String>::new());
    assert!(checked > 60, "the table is not read as it is written: {checked}");
}

#[test]
fn the_table_of_invariants_has_every_rule_that_the_audit_checks() {
    let page = std::fs::read_to_string(root().join("docs/invariants.md")).unwrap();
    let rule = |line: &str| {
        let (rule, rest) = line.strip_prefix("| ")?.split_once(' ')?;
        let held_by = rest.split(" | ").nth(1)?.to_owned();
        rule.contains('-').then(|| (rule.to_owned(), held_by))
    };
    let rules: Vec<(String, String)> = page.lines().filter_map(rule).collect();
    let report = platform(&TestDatabase::sqlite()).auditor().pass(&mut |_| {}).report();

    let checked: BTreeSet<&str> = report.checks.iter().map(|check| check.id).collect();
    let named: BTreeSet<&str> = rules
        .iter()
        .filter(|(_, by)| by.contains("check") && !by.contains("no check"))
        .map(|(id, _)| id.as_str())
        .collect();
    assert_eq!(rules.len(), rules.iter().map(|(id, _)| id).collect::<BTreeSet<_>>().len(), "a rule stands there once");
    assert_eq!(named, checked, "what the table says is checked, and what is");
}

/// How many tests the table of a page names, and those that are not there.
fn tests_named_in(page: &str) -> (usize, Vec<String>) {
    let page = std::fs::read_to_string(root().join(page)).unwrap();
    // What else such a page has, has no tests.
    let page = page.split("\n## Keys and secrets").next().unwrap_or_default();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    let (mut checked, mut unknown) = (0, Vec::new());
    for (_, tests) in rows {
        let mut known = Vec::new();
        for name in tests.split('`').skip(1).step_by(2) {
            let wanted: Vec<&str> = name.split("::").collect();
            if let Some(folder) = folder_of(name) {
                known = tests_of(&folder);
            } else if name.contains(['.', '/']) {
                unknown.extend((!root().join(name).exists()).then(|| name.to_owned()));
            } else if known.iter().any(|path| begins(path, &wanted)) {
                checked += 1;
            } else {
                unknown.push(name.to_owned());
            }
        }
    }
    (checked, unknown)
}

#[test]
fn every_secret_that_may_be_configured_is_in_the_inventory() {
    let page = std::fs::read_to_string(root().join("docs/security.md")).unwrap();
    let tables = samovar::settings::tables();
    let secrets = tables.iter().flat_map(|table| table.iter()).filter(|one| matches!(one.kind, SettingKind::Secret));
    let secrets: Vec<&str> = secrets.map(|setting| setting.key).collect();

    assert!(secrets.len() >= 3, "{secrets:?}");
    let lost: Vec<&&str> = secrets.iter().filter(|key| !page.contains(&format!("\n| `{key}`"))).collect();
    assert_eq!(lost, Vec::<&&str>::new(), "docs/security.md, Keys and secrets");
}

/// The folder of what the table calls by this name, if it is a crate.
fn folder_of(name: &str) -> Option<PathBuf> {
    let folders = ["kit", "services", ""].map(|parent| root().join(parent).join(name));
    let is_crate = |folder: &PathBuf| folder.join("Cargo.toml").exists() || *folder == root().join("tests/it");
    folders.into_iter().find(is_crate)
}

/// Whether the path begins like this; `*` stands for as many parts as it likes.
fn begins(path: &[String], wanted: &[&str]) -> bool {
    match wanted {
        [] => true,
        ["*", rest @ ..] => (0..path.len()).any(|from| begins(&path[from..], rest)),
        [first, rest @ ..] => path.first().is_some_and(|part| part == first) && begins(&path[1..], rest),
    }
}

/// The paths of a crate's tests, and of what helps them.
fn tests_of(folder: &Path) -> Vec<Vec<String>> {
    let mut found = functions_below(&folder.join("src"));
    found.retain(|path| path.iter().any(|part| part == "tests"));
    let suite = if folder.ends_with("tests/it") { folder.to_owned() } else { folder.join("tests/it") };
    found.extend(functions_below(&suite));
    found
}

fn functions_below(folder: &Path) -> Vec<Vec<String>> {
    let files = if folder.is_dir() { sources(folder) } else { Vec::new() };
    let functions = files.iter().flat_map(|file| {
        let module = file.strip_prefix(folder).unwrap().with_extension("");
        let module: Vec<String> = module.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        functions_of(&std::fs::read_to_string(file).unwrap(), &module)
    });
    functions.collect()
}

/// The paths of the functions of a file that is this module, also of its modules in braces.
fn functions_of(text: &str, module: &[String]) -> Vec<Vec<String>> {
    let mut path = module.to_owned();
    let mut found = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
        let named = |kind: &str| words.windows(2).find(|pair| pair[0] == kind).map(|pair| pair[1].to_owned());
        if line == "}" {
            path.truncate(module.len());
        } else if let Some(inner) = named("mod").filter(|_| line.ends_with('{')) {
            path.push(inner);
        } else if let Some(name) = named("fn") {
            found.push([path.clone(), vec![name]].concat());
        }
    }
    found
}
