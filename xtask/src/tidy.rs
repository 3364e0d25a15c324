//! The rules of ARCHITECTURE.md that a machine can check.
//!
//! A rule is a function from the [`Tree`] to findings; it sees texts only, so a fixture is a folder of files. Clippy
//! checks what it can (lengths of functions, parameters, bans); tidy checks what is particular to this house.

mod dependencies;
mod layout;
mod log;
mod purity;
mod size;
mod sql;
mod words;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// One breach of one rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// The file, relative to the root.
    pub(crate) path: PathBuf,
    /// 1-based; 0 means the file as a whole.
    pub(crate) line: usize,
    /// The rule's name, as its file is called.
    pub(crate) rule: &'static str,
    /// What is wrong and what to do.
    pub(crate) message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: [{}] {}", self.path.display(), self.line, self.rule, self.message)
    }
}

/// A file of the repository.
#[derive(Debug)]
pub(crate) struct File {
    /// Relative to the root, with forward slashes.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

impl File {
    /// The crate's folder and the path inside it: `("services/orders", "src/store.rs")`.
    pub(crate) fn home(&self) -> Option<(&str, &str)> {
        let depth = if self.path.starts_with("kit/") || self.path.starts_with("services/") { 2 } else { 1 };
        let (cut, _) = self.path.match_indices('/').nth(depth - 1)?;
        Some((&self.path[..cut], &self.path[cut + 1..]))
    }

    /// Whether the file is a service's source, and not a test of it.
    pub(crate) fn is_service_source(&self) -> bool {
        self.path.starts_with("services/") && self.is_source()
    }

    /// Whether the file is Rust that ends up in the product.
    pub(crate) fn is_source(&self) -> bool {
        self.home().is_some_and(|(_, inside)| inside.starts_with("src/"))
            && self.path.ends_with(".rs")
            && !self.path.ends_with("/tests.rs")
            && !self.path.contains("/tests/")
    }

    pub(crate) fn finding(&self, line: usize, rule: &'static str, message: impl Into<String>) -> Finding {
        Finding { path: PathBuf::from(&self.path), line, rule, message: message.into() }
    }
}

/// The texts of the repository: Rust, manifests, SQL and prose.
#[derive(Debug)]
pub(crate) struct Tree {
    /// All files, sorted by path.
    pub(crate) files: Vec<File>,
}

const KINDS: &[&str] = &["rs", "toml", "sql", "md"];
const SKIPPED: &[&str] = &["target", ".git", "node_modules", "fixtures", "data"];

impl Tree {
    /// Reads every file that a rule may want.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let wanted = |entry: &walkdir::DirEntry| {
            entry.depth() == 0 || !SKIPPED.contains(&entry.file_name().to_string_lossy().as_ref())
        };
        let mut files = Vec::new();
        for entry in walkdir::WalkDir::new(root).sort_by_file_name().into_iter().filter_entry(wanted) {
            let entry = entry.context("walking the repository")?;
            let extension = entry.path().extension().unwrap_or_default().to_string_lossy().into_owned();
            if !entry.file_type().is_file() || !KINDS.contains(&extension.as_str()) {
                continue;
            }
            let path = entry.path().strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            let text = std::fs::read_to_string(entry.path()).with_context(|| format!("reading {path}"))?;
            files.push(File { path, text });
        }
        Ok(Self { files })
    }
}

type Rule = fn(&Tree) -> Result<Vec<Finding>>;

const RULES: &[Rule] =
    &[dependencies::check, layout::check, log::check, purity::check, size::check, sql::check, words::check];

/// Every breach of every rule, sorted by place.
pub(crate) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for rule in RULES {
        findings.extend(rule(tree)?);
    }
    findings.sort();
    Ok(findings)
}
