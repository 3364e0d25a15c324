//! Short-lived state that may be lost: what is kept here is never the only place where something is known.
//!
//! So far the rate limiter, in memory: each instance counts by itself. The shared one over Redis comes with the
//! split into several processes.

mod rate_limiter;

pub use rate_limiter::{Rate, RateLimiter};
