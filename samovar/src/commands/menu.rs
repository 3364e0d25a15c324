//! `import menu` and `export menu`: the CSV of the whole menu.

use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use catalog::ImportMode;
use kernel::Coded as _;
use service::Settings;
use store::Db;

use super::{BadUsage, End};
use crate::cli::{Common, ExportCommand, ImportCommand};
use crate::instance::{self, Instance, World};
use crate::settings;
use crate::terminal::{complain, say, say_json};

pub(super) fn import(common: &Common, command: ImportCommand) -> Result<End> {
    let ImportCommand::Menu { file, dry_run } = command;
    let csv = read(&file).map_err(BadUsage::of)?;
    let mode = if dry_run { ImportMode::DryRun } else { ImportMode::Apply };
    let instance = open(settings::load(common, Vec::new())?)?;
    match catalog::import_menu(catalog_of(&instance)?, &instance.world.rng, &csv, mode) {
        Ok(summary) if common.json => say_json(&summary),
        Ok(summary) => {
            let verb = if dry_run { "would be" } else { "were" };
            let products = summary.products;
            say(&format!(
                "products: {} {verb} created, {} {verb} changed, {} are as the file says",
                products.created, products.changed, products.unchanged
            ));
        }
        Err(refused) => {
            let members = refused.members();
            if common.json {
                say_json(
                    &serde_json::json!({"error": refused.to_string(), "code": refused.code().code, "errors": members.get("errors")}),
                );
            } else {
                let faults = members.get("errors").and_then(|errors| errors.as_array());
                complain(&match faults {
                    Some(_) => format!("{}: nothing was changed; what is wrong:", file.display()),
                    None => format!("{}: nothing was changed: {refused}", file.display()),
                });
                for fault in faults.into_iter().flatten() {
                    let text = |field: &str| fault[field].as_str().unwrap_or_default().to_owned();
                    complain(&format!("  {}: {}", text("pointer"), text("message")));
                }
            }
            return Ok(End::ProblemsFound);
        }
    }
    Ok(End::Done)
}

pub(super) fn export(common: &Common, command: ExportCommand) -> Result<End> {
    let ExportCommand::Menu { file } = command;
    let settings = settings::load(common, Vec::new())?;
    instance::require_data(&settings)?;
    let instance = open(settings)?;
    let csv = catalog::export_menu(catalog_of(&instance)?)?;
    if file == Path::new("-") {
        std::io::stdout().write_all(&csv).context("writing to standard output")?;
    } else {
        std::fs::write(&file, &csv).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(End::Done)
}

fn open(settings: Settings) -> Result<Instance> {
    let world = World::real(&settings);
    Instance::open(settings, world)
}

fn catalog_of(instance: &Instance) -> Result<&Db> {
    instance.platform.db("catalog").context("catalog is not mounted")
}

fn read(file: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut bytes).context("reading standard input")?;
    } else {
        bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    }
    Ok(bytes)
}
