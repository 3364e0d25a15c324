//! What the program says to the person or program that called it. All of standard output goes through here, so that what is
//! lost of it (a full disk) is seen in one place, however much of a command was done by then.

use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::sync::OnceLock;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// Whether anybody reads what is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Listens,
    Gone,
}

/// Why standard output could not be written, the first time that it could not.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Says a line on standard output.
pub(crate) fn say(text: &str) {
    let _ = say_to_reader(text);
}

/// The same for who has more to say without end, and stops when nobody listens.
pub(crate) fn say_to_reader(text: &str) -> Reader {
    heard(writeln!(io::stdout().lock(), "{text}"))
}

/// Says a document as it is.
pub(crate) fn say_document(bytes: &[u8]) {
    let _ = heard(io::stdout().write_all(bytes));
}

/// Whether all that was said has been written: asked once, at the end.
///
/// # Errors
/// Why it could not be. A reader that has gone away (`| head`) is no error.
pub(crate) fn all_said() -> Result<(), &'static io::Error> {
    let _ = heard(io::stdout().flush());
    LOST.get().map_or(Ok(()), Err)
}

/// The help that was asked for, or what cannot be understood of the command line.
///
/// # Errors
/// It cannot be written.
pub(crate) fn say_usage(usage: &clap::Error) -> Result<(), &'static io::Error> {
    let _ = heard(usage.print());
    all_said()
}

fn heard(written: io::Result<()>) -> Reader {
    let Err(error) = written else { return Reader::Listens };
    if error.kind() != ErrorKind::BrokenPipe {
        LOST.get_or_init(|| error);
    }
    Reader::Gone
}

/// Says something as one JSON document on standard output.
pub(crate) fn say_json(value: &impl Serialize) {
    let text = serde_json::to_string_pretty(value).unwrap_or_else(|error| format!("\"{error}\""));
    say(&text);
}

/// Says a line on standard error.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A progress bar, when the output is a terminal.
pub(crate) fn progress(length: u64, title: &'static str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::hidden());
    }
    let style =
        ProgressStyle::with_template("{prefix} {bar:32} {pos}/{len} {msg}").expect("the template is well-formed");
    ProgressBar::new(length).with_style(style).with_prefix(title)
}
