//! AUT-4 as far as rows can show it: no event, no row of the audit trail and no answer that is kept to be given again holds
//! the hash of a password, an access token or a card number. Other answers, logs and metrics are no rows: there the types
//! keep them out (`docs/security.md`, V2, V14 and PCI).
//!
//! What people type is left out. A card number there is masked before it is stored; what looks like a hash or a token is
//! what somebody chose to be called, and no guest may turn the audit red by it.

use eventlog::audit;
use serde_json::Value;
use store::idempotency::{Key, answers_after};
use store::{Db, StoreError, audit_trail};

use crate::card_number::holds_card_number;
use crate::{Check, Finding};

/// Members that people fill in as they like.
const TYPED: [&str; 11] = [
    "address",
    "comment",
    "description",
    "email",
    "name",
    "product_name",
    "reason",
    "reference",
    "return_url",
    "sku",
    "variant_name",
];

/// So many findings of a kind say enough.
const FINDINGS_MAX: usize = 100;

/// Rows in one stretch.
const STRETCH: u32 = 500;

pub(super) fn check(db: &Db) -> Check {
    let db = db.clone();
    Check::row_by_row("AUT-4", move || {
        let mut findings = in_events(&db)?;
        findings.extend(in_trail(&db)?);
        findings.extend(in_answers(&db)?);
        Ok(findings)
    })
}

fn in_events(db: &Db) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    audit::walk(db, None, |events| {
        findings.extend(events.iter().filter_map(|event| leak(format!("event {}", event.id), &event.payload)));
        findings.truncate(FINDINGS_MAX);
        Ok(())
    })?;
    Ok(findings)
}

fn in_trail(db: &Db) -> Result<Vec<Finding>, StoreError> {
    let (mut findings, mut after) = (Vec::new(), 0);
    loop {
        let rows = db.read_blocking(move |snapshot| audit_trail::states_after(snapshot, after, STRETCH))?;
        let Some(last) = rows.last() else { return Ok(findings) };
        after = last.seq;
        for row in &rows {
            let states = [&row.before, &row.after].into_iter().flatten();
            findings.extend(states.filter_map(|state| leak(format!("audit trail, row {}", row.seq), state)));
        }
        findings.truncate(FINDINGS_MAX);
    }
}

/// The key is the guest's own and is not shown.
fn in_answers(db: &Db) -> Result<Vec<Finding>, StoreError> {
    let (mut findings, mut after) = (Vec::new(), Key::default());
    loop {
        let from = after.clone();
        let answers = db.read_blocking(move |snapshot| answers_after(snapshot, &from, STRETCH))?;
        let Some((last, _)) = answers.last() else { return Ok(findings) };
        after = last.clone();
        let subject = |key: &Key| format!("answer of {} to {}", key.route, key.principal);
        findings.extend(answers.iter().filter_map(|(key, body)| leak(subject(key), body)));
        findings.truncate(FINDINGS_MAX);
    }
}

fn leak(subject: String, json: &str) -> Option<Finding> {
    let said: Value = serde_json::from_str(json).ok()?;
    Some(Finding::new(subject, format!("holds {}", secret_in(&said)?)))
}

fn secret_in(value: &Value) -> Option<&'static str> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
        Value::String(text) => kind_of_secret(text),
        Value::Array(items) => items.iter().find_map(secret_in),
        Value::Object(members) => {
            let ours = members.iter().filter(|(name, _)| !TYPED.contains(&name.as_str()));
            ours.map(|(_, value)| value).find_map(secret_in)
        }
    }
}

fn kind_of_secret(text: &str) -> Option<&'static str> {
    if text.contains("$argon2") {
        return Some("the hash of a password");
    }
    if text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))).any(is_token) {
        return Some("an access token");
    }
    // Digits beside letters are ids; those before an @ may be a telephone number.
    let words = text.split_whitespace();
    let plain: Vec<&str> = words.filter(|word| !word.contains(|c: char| c.is_alphabetic() || c == '@')).collect();
    holds_card_number(&plain.join(" ")).then_some("a card number")
}

/// A JSON object in base64url, and two dots (RFC 7519).
fn is_token(word: &str) -> bool {
    word.starts_with("eyJ") && word.bytes().filter(|byte| *byte == b'.').count() == 2
}

#[cfg(test)]
mod tests {
    use super::kind_of_secret;

    #[test]
    fn a_secret_is_known_wherever_it_stands() {
        for (text, kind) in [
            ("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", "the hash of a password"),
            ("Bearer eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2ln", "an access token"),
            ("paid with 4242 4242 4242 4242, thanks", "a card number"),
            ("4242424242424242", "a card number"),
        ] {
            assert_eq!(kind_of_secret(text), Some(kind), "{text}");
        }
        for harmless in [
            "ord_4242424242424242x",
            "+7 900 123-45-67",
            "4242424242424242@mail.example",
            "2026-11-21T19:16:16Z",
            "4242 4242 4242 4243",
            "eyJ",
        ] {
            assert_eq!(kind_of_secret(harmless), None, "{harmless}");
        }
    }
}
