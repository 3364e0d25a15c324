//! The suite of `kit/service`.

#[cfg(test)]
mod calls;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod outbound;
#[cfg(test)]
mod revocations;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod supervisor;
