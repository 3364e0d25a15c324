//! The service on both databases, with a catalog that the tests control.

mod audit;
mod crashes;
mod input;
mod payments;
mod placement;
mod races;
mod reading;
mod slots;
mod staff;
mod support;
mod tables;
