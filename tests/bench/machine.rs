//! What it was measured on.

use std::io::Write as _;
use std::process::Command;

use kernel::{Clock as _, SystemClock};
use serde_json::{Value, json};

/// One line for people.
pub(crate) fn describe() -> String {
    let facts = facts();
    format!(
        "{}, {} cores, {} MB, {}, fsync {} us, commit {}",
        facts["processor"].as_str().unwrap_or("?"),
        facts["cores"],
        facts["memory_mb"],
        facts["kernel"].as_str().unwrap_or("?"),
        facts["fsync_us"],
        commit()
    )
}

/// The same for programs.
pub(crate) fn facts() -> Value {
    let processor = line_of("/proc/cpuinfo", "model name").unwrap_or_default();
    let memory_kb = line_of("/proc/meminfo", "MemTotal").and_then(|text| number(&text)).unwrap_or(0);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    json!({"processor": processor, "cores": cores, "memory_mb": memory_kb / 1024, "kernel": kernel.trim(), "fsync_us": fsync_us()})
}

/// The commit, and whether there is more than it.
pub(crate) fn commit() -> String {
    let git = |words: &[&str]| {
        let output = Command::new("git").args(words).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short", "HEAD"]).unwrap_or_default();
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|text| !text.is_empty());
    if changed { format!("{commit} and changes") } else { commit }
}

/// Memory that a process holds now and held at most, in MB.
pub(crate) fn memory_mb(pid: u32) -> (u64, u64) {
    let of = |key| line_of(&format!("/proc/{pid}/status"), key).and_then(|text| number(&text)).unwrap_or(0) / 1024;
    (of("VmRSS"), of("VmHWM"))
}

fn line_of(file: &str, key: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

/// The middle of 51 times that a written page takes to be on the disk.
fn fsync_us() -> u128 {
    let clock = SystemClock::new();
    let mut file = tempfile::tempfile().unwrap();
    let mut times: Vec<u128> = (0..51)
        .map(|_| {
            let begun = clock.elapsed();
            file.write_all(&[7; 4096]).unwrap();
            file.sync_data().unwrap();
            (clock.elapsed() - begun).as_micros()
        })
        .collect();
    times.sort_unstable();
    times[25]
}
