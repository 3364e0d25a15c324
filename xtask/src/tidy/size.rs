//! Rule 8: a file has at most 500 lines. (Functions and parameters are counted by clippy with the same limits.)

use anyhow::Result;

use super::{Finding, Tree};

const RULE: &str = "size";
const LINES_MAX: usize = 500;
const TESTS_INSIDE_MAX: usize = 150;

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|f| f.path.ends_with(".rs")) {
        let lines = file.text.lines().count();
        if lines > LINES_MAX {
            findings.push(file.finding(0, RULE, format!("{lines} lines; at most {LINES_MAX}: one idea per file")));
        }
        if let Some(start) = file.text.lines().position(|l| l == "mod tests {") {
            let inside = lines - start;
            if inside > TESTS_INSIDE_MAX {
                let message =
                    format!("{inside} lines of tests inside; past {TESTS_INSIDE_MAX} they move to a file of their own");
                findings.push(file.finding(start + 1, RULE, message));
            }
        }
    }
    Ok(findings)
}
