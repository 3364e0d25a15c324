//! What is wrong with a configuration.

use std::fmt;

use super::source::{Given, Origin};
use super::{Setting, SettingKind};

/// One fault: which key, where it was set, what is expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingFault {
    /// Nothing is called that.
    #[error("{origin}: {key} is not a setting{}", nearest.map_or(String::new(), |n| format!("; did you mean {n}?")))]
    Unknown {
        /// What was set, as it was written there.
        key: String,
        /// The nearest known name, if one is near.
        nearest: Option<&'static str>,
        /// Where it was set.
        origin: Origin,
    },
    /// The value is not good.
    #[error("{origin}: {key} is {shown}, expected {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// What was set; a secret is masked.
        shown: String,
        /// What is expected.
        expected: String,
        /// Where it was set.
        origin: Origin,
    },
    /// The same source sets a key more than once.
    #[error("{origin}: {key} is set more than once; keep one")]
    Twice {
        /// The key.
        key: &'static str,
        /// Where it was set.
        origin: Origin,
    },
    /// The same source sets a secret and the file that holds it.
    #[error("{origin}: {key} and {key}_file are both set; keep one")]
    Both {
        /// The key.
        key: &'static str,
        /// Where they were set.
        origin: Origin,
    },
    /// A secret's file cannot be read.
    #[error("{origin}: {key}_file names {path}, which cannot be read: {reason}")]
    SecretFile {
        /// The key.
        key: &'static str,
        /// The file.
        path: String,
        /// The operating system's reason.
        reason: String,
        /// Where it was set.
        origin: Origin,
    },
    /// The value is good by itself, and cannot be worked with: what it names is not there, or another setting forbids it.
    #[error("{origin}: {key} {reason}")]
    Unusable {
        /// The key.
        key: &'static str,
        /// Why, to complete the sentence "The setting …".
        reason: String,
        /// Where it was set.
        origin: Origin,
    },
    /// The file is not TOML.
    #[error("{path} is not TOML: {reason}")]
    Syntax {
        /// The file.
        path: String,
        /// The parser's reason, with line and column.
        reason: String,
    },
}

impl SettingFault {
    /// What is wrong: the name as it was written; of a file that cannot be read as a whole, nothing.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Unknown { key, .. } => Some(key),
            Self::Value { key, .. }
            | Self::Twice { key, .. }
            | Self::Both { key, .. }
            | Self::SecretFile { key, .. }
            | Self::Unusable { key, .. } => Some(key),
            Self::Syntax { .. } => None,
        }
    }

    /// Whether the command line is at fault: bad usage, and not a bad configuration.
    #[must_use]
    pub fn is_on_command_line(&self) -> bool {
        match self {
            Self::Unknown { origin, .. }
            | Self::Value { origin, .. }
            | Self::Twice { origin, .. }
            | Self::Both { origin, .. }
            | Self::SecretFile { origin, .. }
            | Self::Unusable { origin, .. } => *origin == Origin::Flag,
            Self::Syntax { .. } => false,
        }
    }

    pub(super) fn value(setting: &'static Setting, given: &Given, expected: &str) -> Self {
        let secret = setting.kind == SettingKind::Secret;
        let shown = if secret { "********".to_owned() } else { format!("{:?}", given.text) };
        Self::Value { key: setting.key, shown, expected: expected.to_owned(), origin: given.origin.clone() }
    }
}

/// All faults of a configuration, one a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingFaults(pub Vec<SettingFault>);

impl fmt::Display for SettingFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingFaults {}
