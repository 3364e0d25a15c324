//! The world of the tests: one shop, a catalog in the test's hands, guests and staff.

mod catalog;
mod world;

pub(crate) use catalog::FakeCatalog;
pub(crate) use world::{World, id_of, minutes, other_shop, shop, variant};
