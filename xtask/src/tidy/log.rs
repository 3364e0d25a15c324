//! A line of the log can be read alone: every call of `tracing` ends in its message, a literal. Any other last word becomes a
//! field of that name, and the message is empty.

use anyhow::Result;
use proc_macro2::TokenTree;
use syn::spanned::Spanned as _;
use syn::visit::Visit;

use super::{File, Finding, Tree};

const RULE: &str = "log";
const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.is_source()) {
        let parsed = syn::parse_file(&file.text).map_err(|e| anyhow::anyhow!("{}: {e}", file.path))?;
        let mut lines = Lines { file, findings: Vec::new() };
        lines.visit_file(&parsed);
        findings.extend(lines.findings);
    }
    Ok(findings)
}

struct Lines<'f> {
    file: &'f File,
    findings: Vec<Finding>,
}

impl Visit<'_> for Lines<'_> {
    fn visit_macro(&mut self, call: &syn::Macro) {
        let words: Vec<String> = call.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let is_line = matches!(words.as_slice(), [of, level] if of == "tracing" && LEVELS.contains(&level.as_str()));
        if is_line && !ends_in_text(call) {
            let line = call.path.span().start().line;
            self.findings.push(self.file.finding(line, RULE, "a line of the log ends in its message, as a literal"));
        }
    }
}

fn ends_in_text(call: &syn::Macro) -> bool {
    let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ',');
    let mut words: Vec<TokenTree> = call.tokens.clone().into_iter().collect();
    if words.last().is_some_and(is_comma) {
        words.pop();
    }
    let last: Vec<&TokenTree> = words.iter().rev().take_while(|token| !is_comma(token)).collect();
    matches!(last.as_slice(), [TokenTree::Literal(text)] if text.to_string().starts_with('"'))
}
