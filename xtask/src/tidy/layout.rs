//! The shape of a service: the files that every context has, and no `mod.rs` anywhere.

use std::collections::BTreeSet;

use anyhow::Result;

use super::{Finding, Tree};

const RULE: &str = "layout";

/// What each service has, whatever it does. The gateway owns no tables and needs no migrations.
const EVERY: &[&str] = &["README.md", "Cargo.toml", "src/lib.rs", "tests/it/main.rs"];
const README_LINES_MAX: usize = 40;

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut services = BTreeSet::new();
    for file in &tree.files {
        if file.path.ends_with("/mod.rs") {
            findings.push(file.finding(0, RULE, "foo.rs and foo/, never foo/mod.rs"));
        }
        let Some((home, inside)) = file.home() else { continue };
        if home.starts_with("services/") {
            services.insert(home);
            if inside == "README.md" && file.text.lines().count() > README_LINES_MAX {
                findings.push(file.finding(
                    0,
                    RULE,
                    format!("a service's README has at most {README_LINES_MAX} lines"),
                ));
            }
        }
        // The gateway is the door itself: it is built over the services and is none of them.
        let is_service = home.starts_with("services/") && home != "services/gateway";
        if is_service && inside == "src/lib.rs" && !file.text.contains("pub fn service(") {
            findings.push(file.finding(0, RULE, "a service is a value: its door is `pub fn service(deps) -> Service`"));
        }
        if inside.starts_with("tests/")
            && inside.ends_with(".rs")
            && !inside.starts_with("tests/it/")
            && home != "tests"
        {
            findings.push(file.finding(0, RULE, "one integration binary per crate: tests/it/main.rs"));
        }
    }
    for service in services {
        for wanted in EVERY {
            let path = format!("{service}/{wanted}");
            if !tree.files.iter().any(|f| f.path == path) {
                let path = path.into();
                findings.push(Finding { path, line: 0, rule: RULE, message: "every service has this file".into() });
            }
        }
    }
    Ok(findings)
}
