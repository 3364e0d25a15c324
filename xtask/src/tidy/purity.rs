//! Rule 4, the core decides: a `model` is synchronous and pure. Rule 5, HTTP types stay in `http`.

use anyhow::Result;

use super::{File, Finding, Tree};

const RULE: &str = "purity";

/// Crates that a model may not name. Schemas of its words (utoipa) are documentation and may stand there.
const CRATES_NOT_IN_A_MODEL: &[&str] = &["axum", "http", "store", "eventlog", "tokio"];
/// Whole words; comments are left out.
const WORDS_NOT_IN_A_MODEL: &[&str] = &["async", "await", "Clock", "Rng", "Db", "Tx"];
const HTTP_CRATES: &[&str] = &["axum", "hyper"];

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|f| f.is_service_source()) {
        let inside = file.home().map_or("", |(_, inside)| inside);
        if part(inside) == "model" {
            let message =
                |word: &str| format!("a model is pure and synchronous: `{word}` belongs to the shell around it");
            findings.extend(words_in_code(file, WORDS_NOT_IN_A_MODEL, message));
            findings.extend(paths_in_code(file, CRATES_NOT_IN_A_MODEL, message));
        } else if !is_http(file, inside) {
            let message = |word: &str| format!("HTTP types stay in http.rs: `{word}` is used here");
            findings.extend(paths_in_code(file, HTTP_CRATES, message));
        }
    }
    Ok(findings)
}

/// `model` for `src/model.rs` and for `src/model/price.rs`.
fn part(inside: &str) -> &str {
    let rest = inside.strip_prefix("src/").unwrap_or(inside);
    rest.split('/').next().unwrap_or(rest).trim_end_matches(".rs")
}

/// The gateway is HTTP through and through; the door of a crate hands its routes out.
fn is_http(file: &File, inside: &str) -> bool {
    part(inside) == "http" || inside == "src/lib.rs" || file.path.starts_with("services/gateway/")
}

fn words_in_code(file: &File, words: &[&str], message: impl Fn(&str) -> String) -> Vec<Finding> {
    each_word(file, |line, word, _| words.contains(&word).then(|| file.finding(line, RULE, message(word))))
}

/// Words that stand at the head of a path: `axum::…`.
fn paths_in_code(file: &File, words: &[&str], message: impl Fn(&str) -> String) -> Vec<Finding> {
    each_word(file, |line, word, next| {
        (words.contains(&word) && next.starts_with("::")).then(|| file.finding(line, RULE, message(word)))
    })
}

fn each_word(file: &File, mut found: impl FnMut(usize, &str, &str) -> Option<Finding>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in super::words::code_lines(&file.text) {
        let mut rest = line.as_str();
        while let Some(start) = rest.find(|c: char| c.is_alphanumeric() || c == '_') {
            let word_on = &rest[start..];
            let end = word_on.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(word_on.len());
            let before = &rest[..start];
            if !before.ends_with("crate::") && !before.ends_with("::") && !before.ends_with('.') {
                findings.extend(found(index, &word_on[..end], &word_on[end..]));
            }
            rest = &word_on[end..];
        }
    }
    findings
}
