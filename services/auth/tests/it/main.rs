//! auth from outside: its routes, as the gateway passes them on, on both databases.

#![expect(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

mod admin;
mod audit;
mod cookie;
mod keys;
mod passwords;
mod profile;
mod refresh;
mod sessions;
mod sign_in;
mod throttle;
mod users;
mod world;
