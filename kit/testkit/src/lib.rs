//! What tests stand on: time and chance in the test's hands, the outside world and other services as scripts, and a
//! service mounted on a database of its own.
//!
//! For tests only: no product crate depends on it.

mod calls;
mod clock;
mod outbound;
mod rng;

pub use calls::{Asked, FakeCalls};
pub use clock::FakeClock;
pub use outbound::{ScriptedOutbound, json_answer};
pub use rng::SeededRng;
