//! AUT-4 as far as rows can show it: no event holds the hash of a password, an access token or a card number. Answers, logs
//! and metrics are no rows: there the types keep them out (`docs/security.md`, V2, V14 and PCI).
//!
//! What people type is left out. A card number there is masked before it is stored; what looks like a hash or a token is
//! what somebody chose to be called, and no guest may turn the audit red by it.

use eventlog::{Delivered, audit};
use serde_json::Value;
use store::Db;

use crate::card_number::holds_card_number;
use crate::{Check, Finding};

/// Members of events that people fill in as they like.
const TYPED: [&str; 5] = ["name", "variant_name", "email", "reason", "return_url"];

/// So many findings say enough.
const FINDINGS_MAX: usize = 100;

pub(super) fn check(db: &Db) -> Check {
    let db = db.clone();
    Check::row_by_row("AUT-4", move || {
        let mut findings = Vec::new();
        audit::walk(&db, None, |events| {
            findings.extend(events.iter().filter_map(leak));
            findings.truncate(FINDINGS_MAX);
            Ok(())
        })?;
        Ok(findings)
    })
}

fn leak(event: &Delivered) -> Option<Finding> {
    let payload: Value = serde_json::from_str(&event.payload).ok()?;
    Some(Finding::new(format!("event {}", event.id), format!("holds {}", secret_in(&payload)?)))
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
