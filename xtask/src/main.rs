//! Automation of this repository: `cargo xtask tidy` checks the rules of ARCHITECTURE.md, `cargo xtask docs` rewrites
//! the generated documents. Each rule of tidy lives in one file of `tidy/` and has a fixture that it must reject.

mod tidy;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    let outcome = match task.as_deref() {
        Some("tidy") => run_tidy(&root()),
        Some("docs") => write_docs(&root()),
        Some(other) => Err(anyhow::anyhow!("no task {other:?}: there are tidy and docs")),
        None => Err(anyhow::anyhow!("name a task: tidy or docs")),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            say(&format!("xtask: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn run_tidy(root: &Path) -> Result<ExitCode> {
    let tree = tidy::Tree::read(root)?;
    let findings = tidy::check(&tree)?;
    for finding in &findings {
        say(&finding.to_string());
    }
    if findings.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    say(&format!("tidy: {} found; the rules stand in ARCHITECTURE.md", findings.len()));
    Ok(ExitCode::from(1))
}

/// The product writes its own documents, so that they cannot differ from what it does.
fn write_docs(root: &Path) -> Result<ExitCode> {
    let status = Command::new(env!("CARGO"))
        .args(["test", "--quiet", "--package", "samovar", "--test", "it", "committed_documents"])
        .env("WRITE_DOCS", "1")
        .current_dir(root)
        .status()
        .context("starting cargo")?;
    if !status.success() {
        bail!("the documents could not be written");
    }
    Ok(ExitCode::SUCCESS)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies inside the repository").to_owned()
}

#[expect(clippy::print_stderr, reason = "a command-line tool speaks to its terminal")]
fn say(line: &str) {
    eprintln!("{line}");
}
