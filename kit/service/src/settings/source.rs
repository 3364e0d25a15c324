//! The places where a value may be set, and which of them wins.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::SettingFault;
use super::{Setting, SettingKind};

/// Every variable of the environment that begins so must be a setting.
const ENV_PREFIX: &str = "SAMOVAR_";

/// What is set, in the order in which later ones win.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// What a command would have instead of the built-in defaults, by key; to a person it is a default like them.
    pub presets: Vec<(String, String)>,
    /// The file's name for messages, and its text.
    pub file: Option<(PathBuf, String)>,
    /// The environment; only `SAMOVAR_…` is looked at.
    pub env: Vec<(String, String)>,
    /// Flags of the command line by the key they set.
    pub flags: Vec<(String, String)>,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    Default,
    /// A line of the file.
    File {
        /// The file as it was named.
        path: PathBuf,
        /// Counted from one.
        line: usize,
    },
    /// A variable.
    Environment {
        /// Its name.
        variable: String,
    },
    /// The command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment { variable } => write!(f, "environment {variable}"),
            Self::Flag => f.write_str("command line"),
        }
    }
}

/// A value before it is checked.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) text: String,
    pub(super) origin: Origin,
}

type Declared = BTreeMap<&'static str, &'static Setting>;

/// The winning text of each key that is set anywhere, and the faults of all sources.
pub(super) fn collect(declared: &Declared, sources: &Sources) -> (BTreeMap<&'static str, Given>, Vec<SettingFault>) {
    let mut won = BTreeMap::new();
    let mut faults = Vec::new();
    let file = sources.file.as_ref().map_or_else(Vec::new, |(path, text)| {
        of_file(path, text).unwrap_or_else(|fault| {
            faults.push(fault);
            Vec::new()
        })
    });
    let (presets, flags) = (given(&sources.presets, &Origin::Default), given(&sources.flags, &Origin::Flag));
    for source in [presets, file, of_environment(declared, &sources.env), flags] {
        let resolved = resolve(declared, source, &mut faults);
        won.extend(resolved);
    }
    (won, faults)
}

fn given(pairs: &[(String, String)], origin: &Origin) -> Vec<(String, Given)> {
    pairs.iter().map(|(key, text)| (key.clone(), Given { text: text.clone(), origin: origin.clone() })).collect()
}

/// One source's keys against the tables: unknown ones are faults, `…_file` is read.
fn resolve(
    declared: &Declared,
    source: Vec<(String, Given)>,
    faults: &mut Vec<SettingFault>,
) -> BTreeMap<&'static str, Given> {
    let mut found: BTreeMap<&'static str, (String, Given)> = BTreeMap::new();
    for (key, given) in source {
        let origin = given.origin.clone();
        let (setting, value) = if let Some(&setting) = declared.get(key.as_str()) {
            (setting, Ok(given))
        } else if let Some(setting) = secret_of_file_key(declared, &key) {
            (setting, read_secret(setting.key, given))
        } else {
            faults.push(SettingFault::Unknown { nearest: nearest(declared, &key), key, origin });
            continue;
        };
        match (value, found.get(setting.key)) {
            (Ok(_), Some((same, _))) if *same == key => faults.push(SettingFault::Twice { key: setting.key, origin }),
            (Ok(_), Some(_)) => faults.push(SettingFault::Both { key: setting.key, origin }),
            (Ok(given), None) => drop(found.insert(setting.key, (key, given))),
            (Err(fault), _) => faults.push(fault),
        }
    }
    found.into_iter().map(|(key, (_, given))| (key, given)).collect()
}

fn secret_of_file_key(declared: &Declared, key: &str) -> Option<&'static Setting> {
    let setting = declared.get(key.strip_suffix("_file")?)?;
    (setting.kind == SettingKind::Secret).then_some(*setting)
}

/// A file written by an editor or `echo` ends with a line break that is not part of the secret.
fn read_secret(key: &'static str, given: Given) -> Result<Given, SettingFault> {
    match std::fs::read_to_string(&given.text) {
        Ok(text) => Ok(Given { text: text.trim_end_matches(['\r', '\n']).to_owned(), origin: given.origin }),
        Err(error) => {
            Err(SettingFault::SecretFile { key, path: given.text, reason: error.to_string(), origin: given.origin })
        }
    }
}

/// `SAMOVAR_ORDERS_UNPAID_EXPIRY_MIN` sets `orders.unpaid_expiry_min`. Both `.` and `_` become `_`, so the way back
/// goes through the tables; a variable that no table knows keeps its own name for the message.
fn of_environment(declared: &Declared, env: &[(String, String)]) -> Vec<(String, Given)> {
    let ours = env.iter().filter_map(|(variable, text)| Some((variable, variable.strip_prefix(ENV_PREFIX)?, text)));
    ours.map(|(variable, name, text)| {
        let given = Given { text: text.clone(), origin: Origin::Environment { variable: variable.clone() } };
        (key_of_variable(declared, name).unwrap_or_else(|| variable.clone()), given)
    })
    .collect()
}

fn key_of_variable(declared: &Declared, name: &str) -> Option<String> {
    declared.values().find_map(|setting| {
        let own = variable_part(setting.key);
        let rest = name.strip_prefix(own.as_str())?;
        match (rest, setting.kind) {
            ("", _) => Some(setting.key.to_owned()),
            ("_FILE", SettingKind::Secret) => Some(format!("{}_file", setting.key)),
            _ => None,
        }
    })
}

fn variable_part(key: &str) -> String {
    key.replace('.', "_").to_ascii_uppercase()
}

/// The name of the variable that sets `key`.
pub(super) fn variable_of(key: &str) -> String {
    format!("{ENV_PREFIX}{}", variable_part(key))
}

/// The known name that is nearest to what was written, if it is near enough to be meant.
fn nearest(declared: &Declared, written: &str) -> Option<&'static str> {
    const NEAR: f64 = 0.7;
    let folded = written.strip_prefix(ENV_PREFIX).unwrap_or(written).replace('.', "_").to_ascii_lowercase();
    let score = |key: &str| strsim::normalized_damerau_levenshtein(&folded, &key.replace('.', "_"));
    let best = declared.keys().map(|&key| (key, score(key))).max_by(|a, b| a.1.total_cmp(&b.1));
    best.filter(|(_, score)| *score >= NEAR).map(|(key, _)| key)
}

fn of_file(path: &std::path::Path, text: &str) -> Result<Vec<(String, Given)>, SettingFault> {
    let table = DeTable::parse(text)
        .map_err(|e| SettingFault::Syntax { path: path.display().to_string(), reason: place_of(text, &e) })?;
    let mut flat = Vec::new();
    flatten(table.get_ref(), "", &mut |key, value| {
        let line = 1 + text[..value.span().start].matches('\n').count();
        let origin = Origin::File { path: path.to_owned(), line };
        flat.push((key, Given { text: written(value.get_ref()), origin }));
    });
    Ok(flat)
}

/// What the parser says, and where; never the line itself, as the parser would show it: a secret may stand in it.
fn place_of(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = 1 + before.matches('\n').count();
    let column = 1 + before.chars().rev().take_while(|c| *c != '\n').count();
    format!("line {line}, column {column}: {}", error.message())
}

fn flatten(table: &DeTable<'_>, prefix: &str, found: &mut dyn FnMut(String, &Spanned<DeValue<'_>>)) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
        match value.get_ref() {
            DeValue::Table(inner) => flatten(inner, &key, found),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => found(key, value),
        }
    }
}

/// A value of the file as it would be written in a variable.
fn written(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(on) => on.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        DeValue::Array(items) => items.iter().map(|item| written(item.get_ref())).collect::<Vec<_>>().join(","),
        DeValue::Table(_) => String::new(),
    }
}
