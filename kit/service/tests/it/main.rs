//! The suite of `kit/service`.

#[cfg(test)]
mod asked;
#[cfg(test)]
mod body;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod etag;
#[cfg(test)]
mod health;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod outbound;
#[cfg(test)]
mod platform;
#[cfg(test)]
mod problem;
#[cfg(test)]
mod query;
#[cfg(test)]
mod revocations;
#[cfg(test)]
mod server;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod signals;
#[cfg(test)]
mod supervisor;
#[cfg(test)]
mod timers;
