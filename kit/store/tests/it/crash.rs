//! A process that dies, and one whose disk refuses a write in the middle of a commit: what was answered stands.
//!
//! The dying is done by a child: this binary again, with one test that does nothing otherwise.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use kernel::{OsRng, SystemClock};
use store::{EXIT_FATAL, Store, StoreConfig, StoreError};

use crate::harness::{ids, put, things};

const FILE: &str = "SAMOVAR_CRASH_FILE";

fn open(path: impl AsRef<Path>) -> Store {
    let config = StoreConfig::sqlite(path.as_ref());
    Store::open(config, Arc::new(SystemClock::new()), Arc::new(OsRng)).unwrap()
}

/// Starts the child; `limit` is the largest file that it may write, in the shell's blocks of 512 or 1024 bytes.
fn child(path: &Path, limit: &str) -> Child {
    let this = std::env::current_exe().unwrap();
    // With the signal ignored, a write beyond the limit fails as on a broken disk.
    let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" \"$@\"");
    let arguments = ["crash::the_child_writes_until_it_dies", "--exact", "--nocapture"];
    Command::new("sh")
        .args(["-c", &script])
        .arg(this)
        .args(arguments)
        .env(FILE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The ids that the child was told are written, as long as it lives or until there are so many.
fn acknowledged(child: &mut Child, at_most: usize) -> Vec<String> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    lines.filter_map(|line| line.strip_prefix("written ").map(str::to_owned)).take(at_most).collect()
}

/// The child. In the run of the whole suite nobody names it a file, and it has nothing to do.
#[test]
fn the_child_writes_until_it_dies() {
    let Ok(path) = std::env::var(FILE) else { return };
    let db = things(&open(path));
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let db = db.clone();
            scope.spawn(move || {
                for number in 0..100_000 {
                    let id = format!("{writer}-{number}");
                    let written = id.clone();
                    match db.write_blocking(move |tx| put(tx, &id, 1)) {
                        Ok(()) => println!("written {written}"),
                        Err(error) => return refused(&error),
                    }
                }
            });
        }
    });
}

fn refused(error: &StoreError) {
    println!("refused {error}");
}

#[test]
fn what_was_answered_survives_a_kill() {
    for at_most in [1, 40, 400] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("samovar.db");
        let mut child = child(&path, "unlimited");

        let answered = acknowledged(&mut child, at_most);
        child.kill().unwrap();
        child.wait().unwrap();

        let stored = ids(&things(&open(&path)));
        assert_eq!(answered.len(), at_most);
        assert!(answered.iter().all(|id| stored.contains(id)), "an answered write is lost");
    }
}

#[test]
fn a_write_that_the_disk_refuses_stops_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samovar.db");
    let mut child = child(&path, "2048");

    let answered = acknowledged(&mut child, usize::MAX);
    let status = child.wait().unwrap();

    assert_eq!(status.code(), Some(EXIT_FATAL));
    let stored = ids(&things(&open(&path)));
    assert!(!answered.is_empty());
    assert!(answered.iter().all(|id| stored.contains(id)), "an answered write is lost");
}
