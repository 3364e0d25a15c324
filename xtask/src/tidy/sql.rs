//! Rule 5: all SQL of a service stands in its `store.rs` or `store/`, as constants; and what a portable migration may say.

use anyhow::Result;
use syn::visit::Visit;

use super::{File, Finding, Tree};

const RULE: &str = "sql";
const STATEMENT_STARTS: &[&str] =
    &["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "WITH ", "CREATE TABLE ", "ALTER TABLE "];

/// What does not mean the same on both databases, and what to write instead.
const NOT_PORTABLE: &[(&str, &str)] = &[
    ("NOW()", "time is a parameter"),
    ("CURRENT_TIMESTAMP", "time is a parameter"),
    (" UUID", "ids are TEXT"),
    (" JSONB", "documents are JSON in TEXT"),
    (" TIMESTAMPTZ", "times are microseconds in BIGINT"),
    (" BOOLEAN", "flags are BIGINT CHECK (x IN (0, 1))"),
    (" SERIAL", "ids are made by the program"),
    (" NUMERIC", "money is minor units in BIGINT"),
    (" REAL", "use DOUBLE PRECISION, and never for money"),
    (" ILIKE", "store a folded column"),
];

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in &tree.files {
        if file.is_service_source() && !in_store(file) {
            findings.extend(statements(file)?);
        }
        let is_portable = file.path.starts_with("services/") || file.path.starts_with("kit/");
        if is_portable
            && file.path.ends_with(".sql")
            && !file.path.ends_with(".sqlite.sql")
            && !file.path.ends_with(".postgres.sql")
        {
            findings.extend(portability(file));
        }
    }
    Ok(findings)
}

fn in_store(file: &File) -> bool {
    file.home().is_some_and(|(_, inside)| inside == "src/store.rs" || inside.starts_with("src/store/"))
}

struct Literals<'f> {
    file: &'f File,
    findings: Vec<Finding>,
}

impl Visit<'_> for Literals<'_> {
    fn visit_lit_str(&mut self, literal: &syn::LitStr) {
        let text = literal.value();
        if STATEMENT_STARTS.iter().any(|start| text.trim_start().starts_with(start)) {
            let line = literal.span().start().line;
            self.findings.push(self.file.finding(line, RULE, "SQL of a service stands in store.rs"));
        }
    }
}

fn statements(file: &File) -> Result<Vec<Finding>> {
    let parsed = syn::parse_file(&file.text).map_err(|e| anyhow::anyhow!("{}: {e}", file.path))?;
    let mut literals = Literals { file, findings: Vec::new() };
    literals.visit_file(&parsed);
    Ok(literals.findings)
}

fn portability(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let code = line.split("--").next().unwrap_or_default().to_uppercase();
        for (word, instead) in NOT_PORTABLE {
            let found = code.find(word).is_some_and(|at| !code[at + word.len()..].starts_with(char::is_alphanumeric));
            if found {
                findings.push(file.finding(index + 1, RULE, format!("`{}` is not portable: {instead}", word.trim())));
            }
        }
    }
    findings
}
