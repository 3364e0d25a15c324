//! Everything that may be configured, and where it is read from.

mod checks;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use service::{Setting, SettingFault, SettingFaults, SettingKind, Settings, Sources};

use crate::cli::Common;
use crate::commands::BadUsage;
use crate::roles::SERVICES;

/// The settings of the process itself.
pub static PROCESS_SETTINGS: &[Setting] = &[
    Setting {
        key: "data.folder",
        default: "data",
        kind: SettingKind::Text,
        doc: "Folder of the SQLite file and of what belongs to it; made when it is not there.",
    },
    Setting {
        key: "database.url",
        default: "",
        kind: SettingKind::Secret,
        doc: "A PostgreSQL server, postgres://user:password@host:port/database; without it the data is in SQLite.",
    },
    Setting {
        key: "database.writers",
        default: "8",
        kind: SettingKind::Int { min: 1, max: 256 },
        doc: "Connections that write, on PostgreSQL.",
    },
    Setting {
        key: "database.readers",
        default: "4",
        kind: SettingKind::Int { min: 1, max: 256 },
        doc: "Connections that read.",
    },
    Setting {
        key: "database.queue_max",
        default: "1024",
        kind: SettingKind::Int { min: 16, max: 1_000_000 },
        doc: "Transactions that may wait for the database, and of each kind that shares transactions on PostgreSQL as many again; one more is answered 503.",
    },
    Setting {
        key: "database.connect_wait",
        default: "15s",
        kind: SettingKind::Duration { min_ms: 0, max_ms: 600_000 },
        doc: "How long the start waits for PostgreSQL to be there.",
    },
    Setting {
        key: "server.listen",
        default: "127.0.0.1:8080",
        kind: SettingKind::Listen,
        doc: "Address of the public API.",
    },
    Setting {
        key: "server.private_listen",
        default: "127.0.0.1:9464",
        kind: SettingKind::Listen,
        doc: "Address of metrics and health; never to be reached from outside.",
    },
    Setting {
        key: "server.connections_max",
        default: "4096",
        kind: SettingKind::Int { min: 16, max: 1_000_000 },
        doc: "Open connections at once; further ones wait in the system's queue.",
    },
    Setting {
        key: "server.connections_per_address",
        default: "2048",
        kind: SettingKind::Int { min: 1, max: 1_000_000 },
        doc: "Open connections of one address (of IPv6, one /64); further ones are closed. Trusted proxies are not counted.",
    },
    Setting {
        key: "server.trusted_proxies",
        default: "",
        kind: SettingKind::Networks,
        doc: "Addresses or networks, separated by commas, whose X-Forwarded-For and X-Request-Id are believed.",
    },
    Setting {
        key: "server.tls_in_front",
        default: "false",
        kind: SettingKind::Flag,
        doc: "Whether callers reach this server through a proxy that speaks TLS: sends Strict-Transport-Security.",
    },
];

/// The name of the configuration file when none is named.
const FILE: &str = "samovar.toml";

/// Every table of settings of this program.
#[must_use]
pub fn tables() -> Vec<&'static [Setting]> {
    let kit = [
        PROCESS_SETTINGS,
        service::SUPERVISOR_SETTINGS,
        service::TELEMETRY_SETTINGS,
        service::OUTBOUND_SETTINGS,
        service::RATE_SETTINGS,
        gateway::SETTINGS,
    ];
    kit.into_iter().chain(SERVICES.iter().map(|mount| mount.settings)).collect()
}

/// Reads defaults, file, environment and flags.
///
/// # Errors
/// Every fault of every source at once: what was asked was not said right.
pub fn load(common: &Common, flags: Vec<(String, String)>) -> Result<Settings> {
    sources(common, flags).and_then(|sources| checked(&sources)).map_err(BadUsage::of)
}

/// What is set anywhere; `flags` are those of the command itself.
pub(crate) fn sources(common: &Common, flags: Vec<(String, String)>) -> Result<Sources> {
    let mut all = vec![];
    for given in &common.settings {
        let unreadable = || BadUsage::of(anyhow!("--set {given}: expected KEY=VALUE"));
        let (key, value) = given.split_once('=').ok_or_else(unreadable)?;
        all.push((key.trim().to_owned(), value.to_owned()));
    }
    if let Some(data) = &common.data {
        all.push(("data.folder".to_owned(), data.display().to_string()));
    }
    all.extend(flags);
    Ok(Sources { presets: Vec::new(), file: file(common.config.as_deref())?, env: environment()?, flags: all })
}

/// The settings, for a command that does not serve. A fault elsewhere than on the command line is what was found, and no bad
/// usage of who only asks whether there are any.
fn checked(sources: &Sources) -> Result<Settings> {
    Settings::load(&tables(), sources).map_err(refused)
}

/// The settings, for who serves: what cannot be served with is a fault as well.
pub(crate) fn checked_to_serve(sources: &Sources) -> Result<Settings> {
    let settings = checked(sources)?;
    let faults = checks::faults(&settings);
    if faults.is_empty() { Ok(settings) } else { Err(refused(SettingFaults(faults))) }
}

/// The faults as an error: bad usage, if the command line has one.
pub(crate) fn refused(faults: SettingFaults) -> anyhow::Error {
    let on_command_line = faults.0.iter().any(SettingFault::is_on_command_line);
    if on_command_line { BadUsage::of(faults.into()) } else { faults.into() }
}

/// Our variables; what is not UTF-8 elsewhere in the environment is nobody's concern here.
fn environment() -> Result<Vec<(String, String)>> {
    let ours = std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"SAMOVAR_"));
    ours.map(|(name, value)| {
        let shown = name.to_string_lossy().into_owned();
        let texts = name.into_string().and_then(|name| Ok((name, value.into_string()?)));
        texts.map_err(|_| anyhow!("environment {shown}: it is not UTF-8"))
    })
    .collect()
}

/// A file that was named must be there; the usual one need not.
fn file(named: Option<&Path>) -> Result<Option<(PathBuf, String)>> {
    let path = named.unwrap_or_else(|| Path::new(FILE));
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some((path.to_owned(), text))),
        Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading the configuration {}", path.display())),
    }
}
