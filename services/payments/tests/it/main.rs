//! payments from outside: orders' events in, the real sandbox bank over loopback beside it, answers and events out, on
//! both databases.

#[cfg(test)]
mod audit;
#[cfg(test)]
mod bank_faults;
#[cfg(test)]
mod by_hand;
#[cfg(test)]
mod callbacks;
#[cfg(test)]
mod counter;
#[cfg(test)]
mod ends;
#[cfg(test)]
mod hostile_bank;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod no_bank;
#[cfg(test)]
mod online;
#[cfg(test)]
mod races;
#[cfg(test)]
mod refunds;
#[cfg(test)]
mod restarts;
#[cfg(test)]
mod together;
#[cfg(test)]
mod told;
#[cfg(test)]
mod waiting;
#[cfg(test)]
mod world;
