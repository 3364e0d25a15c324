//! The rules of money, pure: no SQL, HTTP, clock, randomness or async.

#[cfg(test)]
pub(crate) mod examples;
pub mod hear;
pub mod judge;
pub mod ledger;
pub mod payment;
pub mod refund;
pub mod return_url;
