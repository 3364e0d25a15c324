//! What tests stand on: time and chance in the test's hands, the outside world and other services as scripts, and a
//! service mounted on a database of its own.
//!
//! For tests only: no product crate depends on it.

mod calls;
mod clock;
mod database;
mod harness;
mod outbound;
mod people;
mod rng;

pub use calls::{Asked, FakeCalls};
pub use clock::FakeClock;
pub use database::{Contents, TestDatabase, for_each_database};
pub use harness::{Answer, HarnessOptions, ServiceHarness, TestRequest, runtime};
pub use outbound::{ScriptedOutbound, json_answer};
pub use people::{Admin, Analyst, Barista, Courier, Guest, Manager, Marketer, Person};
pub use rng::SeededRng;
