//! A process that dies, and one whose disk refuses a write in the middle of a commit: what was answered stands.
//!
//! The dying is done by a child: this binary again, with one test that does nothing otherwise.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use kernel::{OsRng, SystemClock};
use store::{EXIT_FATAL, SqliteConfig, Store, StoreConfig, StoreError, Tx, params};

use crate::harness::{PUT_WHOLE, ids, things};

/// As in a server: what is read after a death has nothing behind its last commit but what was reserved.
const LOG_RESERVE: u64 = 512 << 10;

const FILE: &str = "SAMOVAR_CRASH_FILE";

/// How much the child writes beside each id, bytes.
const AND_MORE: &str = "SAMOVAR_CRASH_AND_MORE";

fn open(path: impl AsRef<Path>) -> Store {
    let mut config = SqliteConfig::new(path.as_ref());
    config.log_reserve = LOG_RESERVE;
    Store::open(StoreConfig::Sqlite(config), Arc::new(SystemClock::new()), Arc::new(OsRng)).unwrap()
}

/// Starts the child; `limit` is the largest file that it may write, in the shell's blocks of 512 or 1024 bytes.
fn child(path: &Path, limit: &str, and_more: usize) -> Child {
    let this = std::env::current_exe().unwrap();
    // With the signal ignored, a write beyond the limit fails as on a broken disk.
    let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" \"$@\"");
    let arguments = ["crash::the_child_writes_until_it_dies", "--exact", "--nocapture"];
    Command::new("sh")
        .args(["-c", &script])
        .arg(this)
        .args(arguments)
        .env(FILE, path)
        .env(AND_MORE, and_more.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The ids that the child was told are written, as long as it lives or until there are so many. Of a line that it was in
/// the middle of when it died nothing is known.
fn acknowledged(child: &mut Child, at_most: usize) -> Vec<String> {
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut answered = Vec::new();
    let mut line = String::new();
    while answered.len() < at_most && lines.read_line(&mut line).is_ok() && line.ends_with('\n') {
        answered.extend(line.trim_end().strip_prefix("written ").map(str::to_owned));
        line.clear();
    }
    answered
}

/// The child. In the run of the whole suite nobody names it a file, and it has nothing to do.
#[test]
fn the_child_writes_until_it_dies() {
    let Ok(path) = std::env::var(FILE) else { return };
    let and_more: usize = std::env::var(AND_MORE).unwrap().parse().unwrap();
    let db = things(&open(path));
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let db = db.clone();
            scope.spawn(move || {
                for number in 0..100_000 {
                    let id = format!("{writer}-{number}");
                    let written = id.clone();
                    let label = format!("{id}{}", "x".repeat(and_more));
                    match db.write_blocking(move |tx| put_labelled(tx, &id, &label)) {
                        Ok(()) => println!("written {written}"),
                        Err(error) => return refused(&error),
                    }
                }
            });
        }
    });
}

fn put_labelled(tx: &mut Tx<'_>, id: &str, label: &str) -> Result<(), StoreError> {
    let [weight, in_box, shelf, place] = params![None::<f64>, None::<&str>, None::<&str>, None::<i64>];
    tx.execute(&PUT_WHOLE, &params![id, 1, label, weight, in_box, shelf, place]).map(drop)
}

fn refused(error: &StoreError) {
    println!("refused {error}");
}

#[test]
fn what_was_answered_survives_a_kill() {
    for at_most in [1, 40, 400] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("samovar.db");
        let mut child = child(&path, "unlimited", 0);

        let answered = acknowledged(&mut child, at_most);
        child.kill().unwrap();
        child.wait().unwrap();

        assert!(std::fs::metadata(folder.path().join("samovar.db-wal")).unwrap().len() >= LOG_RESERVE);
        let stored = ids(&things(&open(&path)));
        assert_eq!(answered.len(), at_most);
        assert!(answered.iter().all(|id| stored.contains(id)), "an answered write is lost");
    }
}

#[test]
fn a_write_that_the_disk_refuses_stops_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samovar.db");
    let mut child = child(&path, "2048", 0);

    let answered = acknowledged(&mut child, usize::MAX);
    let status = child.wait().unwrap();

    assert_eq!(status.code(), Some(EXIT_FATAL));
    let stored = ids(&things(&open(&path)));
    assert!(!answered.is_empty());
    assert!(answered.iter().all(|id| stored.contains(id)), "an answered write is lost");
}

/// The log has room below the limit, since it is begun anew when it was written back; the file that it is written back
/// into has not.
#[test]
fn a_file_that_its_log_cannot_be_written_back_into_stops_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samovar.db");
    let mut child = child(&path, "200000", 200_000);

    let answered = acknowledged(&mut child, usize::MAX);
    let status = child.wait().unwrap();

    assert_eq!(status.code(), Some(EXIT_FATAL));
    let log = std::fs::metadata(folder.path().join("samovar.db-wal")).unwrap().len();
    assert!(log < 80 * 1024 * 1024, "the log went on to {log} bytes");
    let stored = ids(&things(&open(&path)));
    assert!(answered.iter().all(|id| stored.contains(id)), "an answered write is lost");
}
