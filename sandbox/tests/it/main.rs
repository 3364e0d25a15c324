//! The bank over loopback, as a shop meets it.

mod bank;
mod callbacks;
mod faults;
mod killed;
#[cfg(test)]
mod shop;
