//! The world of the tests: one shop, a catalog and a payments in the test's hands, guests and staff.

mod catalog;
mod payments;
mod world;

pub(crate) use catalog::FakeCatalog;
pub(crate) use payments::FakePayments;
pub(crate) use world::{World, id_of, minutes, other_shop, shop, variant};
