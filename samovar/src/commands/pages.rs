//! Documents that the program writes of itself: OpenAPI, completions, the manual page.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;
use kernel::{Clock, OsRng, SystemClock};
use service::{Ground, Platform, UreqOutbound};
use store::{Mode, SqliteConfig, Store, StoreConfig};

use super::End;
use crate::cli::{Cli, Common};
use crate::roles::SERVICES;
use crate::settings;
use crate::terminal::{say, say_document};

/// The OpenAPI document; no database of the business is touched.
pub(super) fn openapi(common: &Common) -> Result<End> {
    let settings = settings::load(common, Vec::new())?;
    let folder = tempfile::tempdir().context("making a temporary folder")?;
    let mut config = SqliteConfig::new(folder.path().join("openapi.db"));
    config.mode = Mode::Inline;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let store = Store::open(StoreConfig::Sqlite(config), Arc::clone(&clock), Arc::new(OsRng))?;
    let outbound = Arc::new(UreqOutbound::new(&settings));
    let ground = Ground { store, settings, clock, rng: Arc::new(OsRng), outbound };
    let mut platform = Platform::mount(&ground, SERVICES, Vec::new())?;
    let (_, document) = crate::openapi::assemble(platform.take_routes());
    say(&serde_json::to_string_pretty(document.as_value())?);
    Ok(End::Done)
}

/// Completions for a shell.
pub(super) fn completions(shell: clap_complete::Shell) -> Result<End> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "samovar", &mut script);
    say_document(&script);
    Ok(End::Done)
}

/// The manual page of the program and of every command.
pub(super) fn man() -> Result<End> {
    let mut pages = Vec::new();
    let mut program = Cli::command();
    // Gives every command its whole name.
    program.build();
    write_pages(&program, &mut pages)?;
    say_document(&pages);
    Ok(End::Done)
}

fn write_pages(command: &clap::Command, pages: &mut Vec<u8>) -> std::io::Result<()> {
    clap_mangen::Man::new(command.clone()).render(pages)?;
    let mut commands = command.get_subcommands().filter(|below| below.get_name() != "help");
    commands.try_for_each(|below| write_pages(below, pages))
}
