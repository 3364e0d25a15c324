//! `import menu` and `export menu`: the CSV of the whole menu.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use catalog::ImportMode;
use kernel::Coded as _;
use store::Db;

use super::{BadUsage, End};
use crate::cli::{Common, ExportCommand, ImportCommand};
use crate::instance::{Instance, World};
use crate::settings;
use crate::terminal::{complain, say, say_document, say_json};

pub(super) fn import(common: &Common, command: ImportCommand) -> Result<End> {
    let ImportCommand::Menu { file, dry_run } = command;
    let csv = read(&file).map_err(BadUsage::of)?;
    let mode = if dry_run { ImportMode::DryRun } else { ImportMode::Apply };
    let settings = settings::load(common, Vec::new())?;
    let world = World::real(&settings);
    let instance = match mode {
        ImportMode::Apply => Instance::open_or_make(settings, world),
        ImportMode::DryRun => Instance::open_existing(settings, world),
    }?;
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
    let world = World::real(&settings);
    let instance = Instance::open_existing(settings, world)?;
    let csv = catalog::export_menu(catalog_of(&instance)?)?;
    if file == Path::new("-") {
        say_document(&csv);
    } else {
        write_whole(&file, &csv).with_context(|| format!("writing {}", file.display()))?;
        if common.json {
            say_json(&serde_json::json!({"file": file, "bytes": csv.len()}));
        }
    }
    Ok(End::Done)
}

/// Writes a file whole or not at all: an export that fails leaves the one before it. What is no regular file (a pipe, a
/// terminal) has nothing to lose.
fn write_whole(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if file.exists() && !file.is_file() {
        return std::fs::write(file, bytes);
    }
    // A link goes on pointing at the file.
    let target = if file.exists() { file.canonicalize()? } else { file.to_owned() };
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mode = std::fs::Permissions::from_mode(0o666);
    let mut unfinished = tempfile::Builder::new().prefix(".samovar-").permissions(mode).tempfile_in(folder)?;
    unfinished.write_all(bytes)?;
    unfinished.as_file().sync_all()?;
    unfinished.persist(&target)?;
    std::fs::File::open(folder)?.sync_all()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_takes_the_place_of_the_one_before_it_and_is_never_half_there() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("menu.csv"), folder.path().join("latest.csv"));
        std::fs::write(&file, "the export of yesterday").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let mut before = std::fs::File::open(&file).unwrap();

        write_whole(&link, b"today's").unwrap();

        let mut kept = String::new();
        before.read_to_string(&mut kept).unwrap();
        assert_eq!(kept, "the export of yesterday", "it was written over in place");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "today's");
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
    }

    #[test]
    fn what_is_no_regular_file_is_written_to_as_it_is() {
        write_whole(Path::new("/dev/null"), b"nothing").unwrap();

        assert!(!Path::new("/dev/null").is_file());
    }
}
