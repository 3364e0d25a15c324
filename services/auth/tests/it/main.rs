//! auth from outside: its routes, as the gateway passes them on, on both databases.

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
