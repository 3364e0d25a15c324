//! Stories and drills against the very program that people run: started as a process, asked over HTTP, killed with
//! `kill -9`, and audited.

#![expect(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

mod api;
mod documents;
mod kill_nine;
mod pickup;
mod stage;
