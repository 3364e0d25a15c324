//! Stories and drills against the very program that people run: started as a process, asked over HTTP, killed with
//! `kill -9`, and audited.

mod api;
mod documents;
mod kill_nine;
mod pickup;
mod stage;
