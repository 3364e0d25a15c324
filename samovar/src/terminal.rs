//! What the program says to the person or program that called it.

use std::io::{IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// Whether anybody reads what is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Listens,
    Gone,
}

/// Says a line on standard output. A reader that has gone away (`| head`) is no error.
pub(crate) fn say(text: &str) {
    let _ = say_to_reader(text);
}

/// The same for who has more to say without end, and stops when nobody listens.
pub(crate) fn say_to_reader(text: &str) -> Reader {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Ok(()) => Reader::Listens,
        Err(_) => Reader::Gone,
    }
}

/// Says something as one JSON document on standard output.
pub(crate) fn say_json(value: &impl Serialize) {
    let text = serde_json::to_string_pretty(value).unwrap_or_else(|error| format!("\"{error}\""));
    say(&text);
}

/// Says a line on standard error.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A progress bar, when the output is a terminal.
pub(crate) fn progress(length: u64, title: &'static str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::hidden());
    }
    let style =
        ProgressStyle::with_template("{prefix} {bar:32} {pos}/{len} {msg}").expect("the template is well-formed");
    ProgressBar::new(length).with_style(style).with_prefix(title)
}
