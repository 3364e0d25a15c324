//! What each command does; one file per command.

mod admin;
pub(crate) mod audit;
mod config;
mod events;
mod menu;
mod pages;
pub(crate) mod serve;

use std::fmt;
use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};
use service::{SettingFault, SettingFaults};

use crate::cli::{Cli, Command};
use crate::terminal::{all_said, complain, say_json, say_usage};

/// What was asked cannot be done as it was said: a setting that does not exist, a file that is not there.
#[derive(Debug)]
pub(crate) struct BadUsage(anyhow::Error);

impl BadUsage {
    /// The same error, with exit code 2.
    pub(crate) fn of(error: anyhow::Error) -> anyhow::Error {
        anyhow::Error::new(Self(error))
    }
}

impl fmt::Display for BadUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl std::error::Error for BadUsage {}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// What was asked is done.
    Done,
    /// It was looked, and something is not right.
    ProblemsFound,
}

impl End {
    /// Problems, if there are any.
    pub(crate) const fn of(problems: usize) -> Self {
        if problems == 0 { Self::Done } else { Self::ProblemsFound }
    }
}

/// Runs a command and reports its errors, as text or as JSON.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let json = cli.common.json;
    let code = match dispatch(cli) {
        Ok(End::Done) => 0,
        Ok(End::ProblemsFound) => 1,
        Err(error) => {
            report(&error, json);
            if error.is::<BadUsage>() { 2 } else { 1 }
        }
    };
    ExitCode::from(code_when(all_said(), code))
}

/// Where no command was said, or help was asked for.
#[must_use]
pub fn run_nothing(usage: &clap::Error) -> ExitCode {
    // 0 for help and version, 2 for bad usage.
    let code = u8::try_from(usage.exit_code()).unwrap_or(2);
    ExitCode::from(code_when(say_usage(usage), code))
}

/// The exit code of whom was told everything, and of whom was not: nobody takes half a report for the whole.
fn code_when(said: Result<(), &'static std::io::Error>, code: u8) -> u8 {
    match said {
        Ok(()) => code,
        Err(error) => {
            complain(&format!("samovar: writing to standard output: {error}"));
            code.max(1)
        }
    }
}

fn report(error: &anyhow::Error, json: bool) {
    if json {
        say_json(&as_json(error));
    } else {
        complain(&format!("samovar: {error:#}"));
    }
}

/// An error for programs; of a configuration every fault by itself.
fn as_json(error: &anyhow::Error) -> Value {
    if let Some(BadUsage(error)) = error.downcast_ref() {
        return as_json(error);
    }
    if let Some(SettingFaults(faults)) = error.downcast_ref() {
        let each = |fault: &SettingFault| json!({"key": fault.key(), "message": fault.to_string()});
        let faults: Vec<Value> = faults.iter().map(each).collect();
        return json!({"error": "the configuration cannot be used", "faults": faults});
    }
    let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
    json!({"error": error.to_string(), "causes": causes})
}

fn dispatch(cli: Cli) -> Result<End> {
    let common = cli.common;
    match cli.command {
        Command::Demo(args) => crate::demo::run(&common, &args),
        Command::Serve(args) => serve::run(&common, &args),
        Command::Admin(command) => admin::run(&common, command),
        Command::Import(command) => menu::import(&common, command),
        Command::Export(command) => menu::export(&common, command),
        Command::Audit { stopped } => {
            audit::run(&common, if stopped { audit::Business::Stopped } else { audit::Business::Unknown })
        }
        Command::Events(command) => events::run(&common, command),
        Command::Config(command) => config::run(&common, command),
        Command::Openapi => pages::openapi(&common),
        Command::Completions { shell } => pages::completions(shell),
        Command::Man => pages::man(),
    }
}
