//! The bank over loopback, as a shop meets it.

#[cfg(test)]
mod bank;
#[cfg(test)]
mod callbacks;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod shop;
