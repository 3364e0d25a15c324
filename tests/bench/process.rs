//! The process by itself: how soon it answers, how much memory it holds, how large the file is.

use std::path::Path;
use std::process::Command;

use kernel::{Clock as _, SystemClock};
use serde_json::json;
use testkit::TestDatabase;

use crate::business::Business;
use crate::machine::memory_mb;
use crate::report::Report;

pub(crate) fn measure(report: &mut Report) {
    let mut business = Business::open(&TestDatabase::sqlite());
    let clock = SystemClock::new();
    let mut starts: Vec<u128> = (0..11)
        .map(|_| {
            assert!(business.stage.stop(), "the program ended with a failure");
            let begun = clock.elapsed();
            business.stage.start();
            business.stage.nobody().get("/shops").expect(200);
            (clock.elapsed() - begun).as_millis()
        })
        .collect();
    starts.sort_unstable();
    report.row("start to first answer", "sqlite", json!({"p50_ms": starts[5], "max_ms": starts[10]}));
    let (now, _) = memory_mb(business.stage.pid());
    report.row("memory when idle", "sqlite", json!({"mb": now}));
    report.row("binary, stripped", "-", json!({"mb": stripped_mb(Path::new(env!("CARGO_BIN_EXE_samovar")))}));
}

fn stripped_mb(binary: &Path) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let stripped = folder.path().join("samovar");
    let done = Command::new("strip").arg("-o").arg(&stripped).arg(binary).status().unwrap();
    assert!(done.success(), "strip failed");
    let bytes = u32::try_from(stripped.metadata().unwrap().len()).unwrap();
    (f64::from(bytes) / 100_000.0).round() / 10.0
}
