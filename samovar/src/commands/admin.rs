//! `admin create`: the first administrator.

use std::io::BufRead as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::{BadUsage, End};
use crate::cli::{AdminCommand, Common};
use crate::instance::{Instance, World};
use crate::settings;
use crate::terminal::{say, say_json};

pub(super) fn run(common: &Common, command: AdminCommand) -> Result<End> {
    let AdminCommand::Create { email, name, password_file } = command;
    let password = first_line(&password_file).map_err(BadUsage::of)?;
    let settings = settings::load(common, Vec::new())?;
    let world = World::real(&settings);
    let instance = Instance::open_or_make(settings, world)?;
    let new = auth::NewAdmin { email: email.clone(), name: Some(name), password: auth::Secret::new(password) };
    let db = instance.platform.db("auth").context("auth is not mounted")?;
    let id = auth::create_admin(db, &new)?.to_string();
    if common.json {
        say_json(&serde_json::json!({"user_id": id, "email": email}));
    } else {
        say(&format!("created the administrator {email} ({id})"));
    }
    Ok(End::Done)
}

fn first_line(file: &Path) -> Result<String> {
    let mut line = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().read_line(&mut line).context("reading the password from standard input")?
    } else {
        let opened = std::fs::File::open(file).with_context(|| format!("opening {}", file.display()))?;
        std::io::BufReader::new(opened).read_line(&mut line).with_context(|| format!("reading {}", file.display()))?
    };
    if read == 0 {
        bail!("{} is empty: its first line is the password", file.display());
    }
    // Only the end of the line is taken off: a password is verbatim.
    Ok(line.strip_suffix('\n').map_or(line.as_str(), |l| l.strip_suffix('\r').unwrap_or(l)).to_owned())
}
