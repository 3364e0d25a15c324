//! The service on both databases, with a catalog and a payments that the tests control.

#[cfg(test)]
mod audit;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod input;
#[cfg(test)]
mod payable;
#[cfg(test)]
mod payments;
#[cfg(test)]
mod placement;
#[cfg(test)]
mod races;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod slots;
#[cfg(test)]
mod staff;
#[cfg(test)]
mod support;
#[cfg(test)]
mod switching;
#[cfg(test)]
mod tables;
