//! All failures as a table for `docs/errors.md`, and whether an answer keeps to it.

use std::fmt::Write as _;

use kernel::Code;
use serde_json::Value;

use super::{STANDARD, codes, status_of};
use crate::CALL_CODES;

/// The failures of the kit, which any service may answer with.
pub fn kit_codes() -> impl Iterator<Item = &'static Code> {
    [codes::CODES, CALL_CODES, store::CODES, eventlog::CODES].into_iter().flatten().copied()
}

/// These failures as Markdown, with a heading for each part of the program: code, status, what happened, what to do,
/// members beside the standard ones.
#[must_use]
pub fn errors_table(codes: impl Iterator<Item = &'static Code>) -> String {
    let mut codes: Vec<&Code> = codes.collect();
    codes.sort_by_key(|code| code.code);
    let mut text = String::new();
    let mut heading = "";
    for code in codes {
        let part = part_of(code.code);
        if part != heading {
            heading = part;
            write!(text, "{}", HEAD.replace("PART", part)).expect(INFALLIBLE);
        }
        let (title, hint, status) = (code.title, code.hint, status_of(code.kind).as_u16());
        let members: Vec<String> = code.members.iter().map(|name| format!("`{name}`")).collect();
        let members = members.join(", ");
        let line = format!(
            "| `{}` | {status} | {}<br>{} | {}<br>{} | {members} |",
            code.code, title.en, title.ru, hint.en, hint.ru
        );
        writeln!(text, "{line}").expect(INFALLIBLE);
    }
    text
}

const INFALLIBLE: &str = "writing to a String cannot fail";

const HEAD: &str = "\n## PART\n\n| Code | Status | What happened | What to do | Has besides |\n|---|---|---|---|---|\n";

/// `orders` of `orders.out-of-stock`.
fn part_of(code: &str) -> &str {
    code.split('.').next().unwrap_or(code)
}

/// What a problem document says that is in none of these rows: a code of one of their parts, or a member. For tests: what is
/// answered anywhere stands in `docs/errors.md`.
#[must_use]
pub fn undeclared(problem: &Value, codes: impl Iterator<Item = &'static Code>) -> Option<String> {
    let name = problem["code"].as_str()?;
    let codes: Vec<&Code> = codes.collect();
    let Some(code) = codes.iter().find(|code| code.code == name) else {
        let is_ours = codes.iter().any(|code| part_of(code.code) == part_of(name));
        return is_ours.then(|| format!("{name} stands in no list of codes"));
    };
    let members = problem.as_object().into_iter().flat_map(|members| members.keys());
    let mut besides = members.filter(|member| !STANDARD.contains(&member.as_str()));
    let unknown = besides.find(|member| !code.members.contains(&member.as_str()))?;
    Some(format!("{name} has the member {unknown}, which its row does not name"))
}
