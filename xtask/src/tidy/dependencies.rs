//! Rule 1: who may depend on whom; every dependency comes from the workspace table with a reason beside it, and every
//! crate inherits the workspace's lints.

use anyhow::Result;

use super::{File, Finding, Tree};

const RULE: &str = "dependencies";

/// What each crate of ours may depend on. Services may depend on the whole kit and on contracts, never on each other.
const ALLOWED: &[(&str, &[&str])] = &[
    ("kernel", &[]),
    ("contracts", &["kernel"]),
    ("cache", &["kernel"]),
    ("store", &["kernel"]),
    ("eventlog", &["kernel", "store"]),
    ("service", &["kernel", "contracts", "store", "eventlog", "cache"]),
    ("testkit", &["kernel", "contracts", "store", "eventlog", "cache", "service"]),
    ("sandbox", &["kernel"]),
    ("xtask", &[]),
];
const FOR_SERVICES: &[&str] = &["kernel", "store", "eventlog", "cache", "service", "contracts"];
const FOR_TESTS: &[&str] = &["testkit", "sandbox"];

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let ours: Vec<&str> = tree.files.iter().filter_map(crate_name).collect();
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|f| f.path.ends_with("Cargo.toml")) {
        if file.path == "Cargo.toml" {
            findings.extend(reasons(file));
        } else {
            findings.extend(edges(file, &ours));
            findings.extend(inheritance(file));
        }
    }
    Ok(findings)
}

fn crate_name(file: &File) -> Option<&str> {
    file.path.strip_suffix("/Cargo.toml").map(|folder| folder.rsplit('/').next().unwrap_or(folder))
}

/// `(line, section, name)` of each dependency of a manifest.
fn dependencies(file: &File) -> Vec<(usize, &str, &str)> {
    let mut section = "";
    let mut found = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']);
        } else if section.ends_with("dependencies")
            && let Some((name, _)) = line.split_once('=')
            && !line.trim_start().starts_with('#')
        {
            found.push((index + 1, section, name.split('.').next().unwrap_or_default().trim()));
        }
    }
    found
}

fn edges(file: &File, ours: &[&str]) -> Vec<Finding> {
    let Some(name) = crate_name(file) else { return Vec::new() };
    let is_service = file.path.starts_with("services/");
    let allowed = if is_service {
        FOR_SERVICES
    } else {
        match ALLOWED.iter().find(|(known, _)| *known == name) {
            Some((_, allowed)) => allowed,
            None => return Vec::new(), // the binary and the tests stand on top of everything
        }
    };
    dependencies(file)
        .into_iter()
        .filter(|(_, section, dependency)| {
            let in_tests = *section == "dev-dependencies" && FOR_TESTS.contains(dependency);
            ours.contains(dependency) && !allowed.contains(dependency) && !in_tests
        })
        .map(|(line, _, dependency)| {
            let why = if is_service && !FOR_TESTS.contains(&dependency) {
                "services speak through events and calls only"
            } else {
                "the graph is kernel ← {contracts, cache, store ← eventlog} ← service ← services ← samovar"
            };
            file.finding(line, RULE, format!("{name} may not depend on {dependency}: {why}"))
        })
        .collect()
}

fn inheritance(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !file.text.contains("[lints]\nworkspace = true") {
        findings.push(file.finding(0, RULE, "the crate does not inherit the workspace's lints"));
    }
    let lines: Vec<&str> = file.text.lines().collect();
    for (line, _, dependency) in dependencies(file) {
        let text = lines.get(line - 1).copied().unwrap_or_default();
        if !text.contains("workspace = true") {
            findings.push(file.finding(line, RULE, format!("{dependency} does not come from the workspace table")));
        }
    }
    findings
}

/// In the workspace table a line, or the block that it stands in, says why the dependency is there.
fn reasons(file: &File) -> Vec<Finding> {
    let lines: Vec<&str> = file.text.lines().collect();
    let has_reason = |line: usize| {
        lines[line - 1].contains('#')
            || lines[..line - 1].iter().rev().take_while(|l| !l.is_empty()).any(|l| l.starts_with('#'))
    };
    dependencies(file)
        .into_iter()
        .filter(|(line, section, _)| *section == "workspace.dependencies" && !has_reason(*line))
        .map(|(line, _, dependency)| file.finding(line, RULE, format!("{dependency} stands here without a reason")))
        .collect()
}
