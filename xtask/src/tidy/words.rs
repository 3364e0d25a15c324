//! Names and marks that have no place here: vague nouns, unfinished work, printing past the log.

use anyhow::Result;

use super::{File, Finding, Tree};

const RULE: &str = "words";

const VAGUE_FILES: &[&str] = &["utils.rs", "util.rs", "helpers.rs", "helper.rs", "common.rs", "misc.rs", "types.rs"];
const VAGUE_ENDINGS: &[&str] = &["Manager", "Helper", "Util", "Utils", "Data", "Info"];

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|f| f.path.ends_with(".rs") && !f.path.starts_with("xtask/")) {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        if VAGUE_FILES.contains(&name) {
            findings.push(file.finding(0, RULE, format!("{name} says nothing: a file is named after its noun")));
        }
        findings.extend(declarations(file));
        findings.extend(marks(file));
    }
    Ok(findings)
}

fn declarations(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, code) in code_lines(&file.text) {
        let mut words = code.split_whitespace().skip_while(|w| w.starts_with("pub")).peekable();
        if !matches!(words.next(), Some("struct" | "enum" | "trait" | "type")) {
            continue;
        }
        let name: String = words.next().unwrap_or_default().chars().take_while(|c| c.is_alphanumeric()).collect();
        // Alone, Manager is a role of the trade: the person who runs a shop.
        if name == "Manager" {
            continue;
        }
        if let Some(ending) = VAGUE_ENDINGS.iter().find(|ending| name.ends_with(**ending)) {
            findings.push(file.finding(line, RULE, format!("{name}: `{ending}` says nothing; use the trade's word")));
        }
    }
    findings
}

fn marks(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for mark in ["TODO", "FIXME", "XXX"] {
            let unfinished = line.find(mark).is_some_and(|at| !line[at + mark.len()..].starts_with("(#"));
            if unfinished && line.contains("//") {
                findings.push(file.finding(index + 1, RULE, format!("{mark} without an issue number")));
            }
        }
        if line.contains("#[ignore") {
            findings.push(file.finding(index + 1, RULE, "a test that does not run proves nothing"));
        }
    }
    findings
}

/// The lines with comments and the inside of string literals taken out, 1-based. Good enough for looking at words; what
/// must be exact uses syn.
pub(super) fn code_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut in_string = false;
    for (index, line) in text.lines().enumerate() {
        let mut code = String::new();
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\\' if in_string => {
                    chars.next();
                }
                '\'' if !in_string && chars.peek() == Some(&'"') => {
                    chars.next();
                }
                '"' => in_string = !in_string,
                '/' if !in_string && chars.peek() == Some(&'/') => break,
                _ if in_string => {}
                _ => code.push(c),
            }
        }
        lines.push((index + 1, code));
    }
    lines
}
