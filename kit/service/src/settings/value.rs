//! Which values a setting may have, and how they are written.

use std::net::SocketAddr;
use std::time::Duration;

use crate::server::TrustedProxies;
use crate::telemetry::levels;

/// The kind of a setting, with its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingKind {
    /// A whole number.
    Int {
        /// Smallest good value.
        min: i64,
        /// Largest good value.
        max: i64,
    },
    /// `true` or `false`.
    Flag,
    /// A number with its unit: `200ms`, `30s`, `10min`, `48h`, `30d`.
    Duration {
        /// Smallest good value, milliseconds.
        min_ms: u64,
        /// Largest good value, milliseconds.
        max_ms: u64,
    },
    /// Any text; empty is good.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `http://…` or `https://…`; a slash at its end is taken off. Empty when there is none.
    Url,
    /// `127.0.0.1:8080`, where a server listens.
    Listen,
    /// Addresses or networks, separated by commas.
    Networks,
    /// A level of the log, or levels by part: `info,store=debug`.
    LogLevel,
    /// Words: an array in the file, separated by commas elsewhere.
    List,
    /// A text that is never shown. May stand in a file of its own, named by the key with `_file` after it.
    Secret,
}

/// A checked value.
#[derive(Clone)]
pub(super) enum Value {
    Int(i64),
    Flag(bool),
    Duration(Duration),
    Text(String),
    List(Vec<String>),
    Secret(zeroize::Zeroizing<String>),
}

impl SettingKind {
    /// What is expected, to complete the sentence "expected …".
    #[must_use]
    pub fn expected(&self) -> String {
        match self {
            Self::Int { min, max } => format!("a whole number from {min} to {max}"),
            Self::Flag => "true or false".to_owned(),
            Self::Duration { min_ms, max_ms } => {
                format!("a duration from {} to {}, like 30s", written(*min_ms), written(*max_ms))
            }
            Self::Text => "a text".to_owned(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Url => "an address like https://bank.example, or nothing".to_owned(),
            Self::Listen => "an address like 127.0.0.1:8080".to_owned(),
            Self::Networks => "addresses or networks like 10.0.0.0/8, separated by commas, or nothing".to_owned(),
            Self::LogLevel => "a level like info, or levels by part like info,store=debug".to_owned(),
            Self::List => "words separated by commas".to_owned(),
            Self::Secret => "a text (kept secret)".to_owned(),
        }
    }

    pub(super) fn parse(&self, text: &str) -> Result<Value, String> {
        let value = match self {
            Self::Int { min, max } => text.parse().ok().filter(|n| (min..=max).contains(&n)).map(Value::Int),
            Self::Flag => text.parse().ok().map(Value::Flag),
            Self::Duration { min_ms, max_ms } => milliseconds(text)
                .filter(|ms| (min_ms..=max_ms).contains(&ms))
                .map(|ms| Value::Duration(Duration::from_millis(ms))),
            Self::Text => Some(Value::Text(text.to_owned())),
            Self::Choice(words) => words.contains(&text).then(|| Value::Text(text.to_owned())),
            Self::Url => base_url(text).map(|url| Value::Text(url.to_owned())),
            Self::Listen => text.parse::<SocketAddr>().is_ok().then(|| Value::Text(text.to_owned())),
            Self::Networks => text.parse::<TrustedProxies>().is_ok().then(|| Value::Text(text.to_owned())),
            Self::LogLevel => levels(text).is_ok().then(|| Value::Text(text.to_owned())),
            Self::List => Some(Value::List(words(text))),
            Self::Secret => Some(Value::Secret(text.to_owned().into())),
        };
        value.ok_or_else(|| self.expected())
    }
}

impl Value {
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Int(number) => number.to_string(),
            Self::Flag(on) => on.to_string(),
            Self::Duration(duration) => written(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
            Self::Text(text) => text.clone(),
            Self::List(items) => items.join(","),
            Self::Secret(secret) if secret.is_empty() => String::new(),
            Self::Secret(_) => "********".to_owned(),
        }
    }

    pub(super) fn kind_name(&self) -> &'static str {
        match self {
            Self::Int(_) => "a whole number",
            Self::Flag(_) => "a flag",
            Self::Duration(_) => "a duration",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Secret(_) => "a secret",
        }
    }
}

/// Never the secret itself: settings are printed where something fails.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown())
    }
}

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

fn milliseconds(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// The largest unit that leaves a whole number.
fn written(ms: u64) -> String {
    let (name, factor) = UNITS.iter().rev().find(|(_, factor)| ms.is_multiple_of(*factor)).unwrap_or(&UNITS[0]);
    if ms == 0 { "0s".to_owned() } else { format!("{}{name}", ms / factor) }
}

fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Paths are put behind it, so that a slash at its end would stand there twice.
fn base_url(text: &str) -> Option<&str> {
    let url = text.strip_suffix('/').unwrap_or(text);
    let has_scheme = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
    let is_good = has_scheme && !url.ends_with('/') && url.parse::<http::Uri>().is_ok_and(|uri| uri.host().is_some());
    (text.is_empty() || is_good).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::{milliseconds, written};

    #[test]
    fn a_duration_is_written_as_it_is_read() {
        for text in ["1ms", "200ms", "30s", "90s", "10min", "48h", "7d"] {
            let ms = milliseconds(text).unwrap();
            assert_eq!(milliseconds(&written(ms)), Some(ms), "{text}");
        }
        assert_eq!(written(90_000), "90s");
        for text in ["", "10", "s", "-1s", "1.5s", "10 weeks", "99999999999999999999s"] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }
}
