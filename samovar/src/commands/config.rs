//! `config`: what is configured, where it came from, and whether it is good.

use anyhow::Result;
use service::Shown;

use super::End;
use crate::cli::{Common, ConfigCommand};
use crate::settings;
use crate::terminal::{say, say_json};

pub(super) fn run(common: &Common, command: ConfigCommand) -> Result<End> {
    // To find that it is not good is what `check` is for, and no bad usage of it.
    let settings = match command {
        ConfigCommand::Check => settings::checked_to_serve(&settings::sources(common, Vec::new())?)?,
        ConfigCommand::Show => settings::load(common, Vec::new())?,
    };
    match command {
        ConfigCommand::Check if common.json => say_json(&serde_json::json!({"good": true})),
        ConfigCommand::Check => say("the configuration is good"),
        ConfigCommand::Show if common.json => say_json(&settings.shown().collect::<Vec<Shown>>()),
        ConfigCommand::Show => {
            for shown in settings.shown() {
                say(&format!("{:<34} {:<28} {}", shown.key, shown.value, shown.origin));
            }
        }
    }
    Ok(End::Done)
}
