//! The demo's data folder: a mark that the demo made it, and the logins, which are random and readable by the owner only.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

const MARK: &str = "demo.json";

/// The mark while it is written.
const UNFINISHED: &str = "demo.json.new";

/// Says who serves the folder. It outlives every start: taken away while somebody holds it, it would let a second in.
const LOCK: &str = "samovar.db.lock";

/// What the demo remembers beside the databases.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// Whether the day was played to its end.
    pub(crate) complete: bool,
    /// The secret that the sandbox bank signs with.
    pub(crate) bank_secret: String,
    /// Who can sign in.
    pub(crate) logins: Vec<Login>,
}

/// One login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Login {
    /// `admin`, `manager`, `barista`, `guest`.
    pub(crate) role: String,
    /// Where, for staff of one shop.
    pub(crate) shop: Option<String>,
    /// The e-mail.
    pub(crate) email: String,
    /// The password.
    pub(crate) password: String,
}

/// What stands in the folder.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing: the demo begins.
    Empty,
    /// A whole demo.
    Complete(Mark),
    /// A demo whose day was interrupted; it is begun anew.
    Interrupted,
}

/// The folder of one demo.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder at `path`, which need not exist.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What stands in it.
    ///
    /// # Errors
    /// Files that no demo made: a business is never overwritten.
    pub(crate) fn look(&self) -> Result<Found> {
        let mark = self.path.join(MARK);
        if mark.exists() {
            let text = fs::read(&mark).with_context(|| format!("reading {}", mark.display()))?;
            let mark: Mark = serde_json::from_slice(&text).with_context(|| format!("reading {}", mark.display()))?;
            return Ok(if mark.complete { Found::Complete(mark) } else { Found::Interrupted });
        }
        // A start that ended before it wrote its mark leaves no more than these two.
        let ours = |name: &OsStr| name == LOCK || name == UNFINISHED;
        if self.path.exists() && self.names()?.iter().any(|name| !ours(name)) {
            bail!(
                "{} holds data that no demo made, so the demo leaves it alone; name another folder with --data",
                self.path.display()
            );
        }
        Ok(Found::Empty)
    }

    fn names(&self) -> Result<Vec<OsString>> {
        let listed = || fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name())).collect();
        let names: std::io::Result<Vec<OsString>> = listed();
        names.with_context(|| format!("reading {}", self.path.display()))
    }

    /// Takes away what an interrupted demo left. To be called with the folder's lock in hand.
    pub(crate) fn clear(&self) -> Result<()> {
        for name in self.names()?.into_iter().filter(|name| name != MARK && name != LOCK) {
            let path = self.path.join(name);
            if path.is_file() {
                fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
            }
        }
        Ok(())
    }

    /// Writes the mark, readable by the owner only, whole or not at all.
    pub(crate) fn write(&self, mark: &Mark) -> Result<()> {
        fs::create_dir_all(&self.path).with_context(|| format!("making {}", self.path.display()))?;
        fs::set_permissions(&self.path, fs::Permissions::from_mode(0o700))?;
        let unfinished = self.path.join(UNFINISHED);
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(&serde_json::to_vec_pretty(mark)?)?;
        file.sync_all()?;
        fs::rename(&unfinished, self.path.join(MARK)).context("writing demo.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_mark(complete: bool) -> Mark {
        Mark { complete, bank_secret: "s".into(), logins: Vec::new() }
    }

    #[test]
    fn a_folder_that_no_demo_made_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("samovar.db"), "a business").unwrap();

        let refused = Folder::new(folder.path().to_owned()).look().unwrap_err();

        assert!(refused.to_string().contains("no demo made"));
    }

    #[test]
    fn a_start_that_ended_before_its_mark_left_an_empty_folder() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(LOCK), "process 1").unwrap();
        fs::write(folder.path().join(UNFINISHED), "{").unwrap();

        assert!(matches!(Folder::new(folder.path().to_owned()).look().unwrap(), Found::Empty));
    }

    #[test]
    fn clearing_keeps_the_lock_and_the_mark() {
        let made = tempfile::tempdir().unwrap();
        let folder = Folder::new(made.path().join("demo"));
        folder.write(&a_mark(false)).unwrap();
        for name in [LOCK, "samovar.db", "bank.db"] {
            fs::write(folder.path().join(name), "").unwrap();
        }

        folder.clear().unwrap();

        let mut left = folder.names().unwrap();
        left.sort();
        assert_eq!(left, [MARK, LOCK]);
    }

    #[test]
    fn an_interrupted_demo_is_told_from_a_whole_one() {
        let made = tempfile::tempdir().unwrap();
        let folder = Folder::new(made.path().join("demo"));

        assert!(matches!(folder.look().unwrap(), Found::Empty));
        folder.write(&a_mark(false)).unwrap();
        assert!(matches!(folder.look().unwrap(), Found::Interrupted));
        folder.write(&a_mark(true)).unwrap();
        assert!(matches!(folder.look().unwrap(), Found::Complete(_)));
    }

    #[test]
    fn only_the_owner_can_read_the_logins() {
        let made = tempfile::tempdir().unwrap();
        let folder = Folder::new(made.path().join("demo"));

        folder.write(&a_mark(true)).unwrap();

        let mode = fs::metadata(folder.path().join(MARK)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
