//! Stories and drills against the very program that people run: started as a process, asked over HTTP, killed with
//! `kill -9`, and audited.

#![expect(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

mod access;
mod api;
mod business;
mod command_line;
mod demo;
mod documents;
mod fields;
mod hostile;
mod kill_nine;
mod no_bank;
mod openapi;
mod pickup;
mod returning;
mod secrets;
mod simulation;
mod slow_senders;
#[expect(dead_code, reason = "the measurements use more of it")]
mod stage;
