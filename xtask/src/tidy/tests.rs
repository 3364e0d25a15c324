//! Each rule rejects its fixtures: a folder `fixtures/<rule>/<case>/` is a small tree with one breach, and `expected`
//! in it names the place and a part of the message.

use std::path::Path;

use super::*;

fn fixtures() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn folders(of: &Path) -> Vec<std::path::PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(of).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
    found.sort();
    found
}

#[test]
fn every_fixture_is_rejected_for_the_reason_that_it_was_made_for() {
    let mut cases = 0;
    for rule in folders(&fixtures()) {
        for case in folders(&rule) {
            let expected = std::fs::read_to_string(case.join("expected")).unwrap();
            let findings = check(&Tree::read(&case).unwrap()).unwrap();

            let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
            assert!(said.iter().any(|s| s.contains(expected.trim())), "{}: {said:#?}", case.display());
            cases += 1;
        }
    }
    assert!(cases >= RULES.len(), "every rule has a fixture");
}

#[test]
fn every_rule_has_a_fixture() {
    let source = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tidy.rs")).unwrap();
    for line in source.lines().filter_map(|l| l.strip_prefix("mod ")) {
        let rule = line.trim_end_matches(';');
        if rule != "tests" {
            assert!(fixtures().join(rule).is_dir(), "the rule {rule} has no fixture");
        }
    }
}

#[test]
fn comments_and_strings_are_not_code() {
    let text = "let a = \"axum::x // no\"; // async\nlet b = '\"'; b";

    let code = words::code_lines(text);

    assert_eq!(code[0].1.trim(), "let a = ;");
    assert_eq!(code[1].1, "let b = '; b");
}
