//! The program: reads the command line, does what it says, and ends with 0 (done), 1 (problems found) or 2 (bad usage); the
//! store ends it with 74 where it cannot go on.

use std::process::ExitCode;

use clap::Parser as _;
use samovar::cli::Cli;
use samovar::commands;

/// Many small allocations on many threads: what it is made for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => commands::run(cli),
        Err(usage) => commands::run_nothing(&usage),
    }
}
