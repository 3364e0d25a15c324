//! The binary as a library, so that stories, drills and the benchmark start the very program that people run.

pub mod cli;
pub mod commands;
mod demo;
pub mod instance;
pub mod openapi;
pub mod roles;
pub mod settings;
mod terminal;
