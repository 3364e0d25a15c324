//! What a service is given: everything it may touch outside its own memory.

use std::sync::Arc;

use kernel::{Clock, Rng};
use store::Db;

use crate::{Calls, Outbound, Revocations, Settings, Stop, VerificationKeys};

/// The parameters of every `service(deps)`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Deps {
    /// The service's own tables.
    pub db: Db,
    /// Questions to other services.
    pub calls: Calls,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub rng: Arc<dyn Rng>,
    /// Configuration, checked before any service is built.
    pub settings: Settings,
    /// HTTP to the outside.
    pub outbound: Arc<dyn Outbound>,
    /// Sessions and users that are refused although their tokens still look good.
    pub revocations: Arc<Revocations>,
    /// The public keys that access tokens are checked with.
    pub keys: Arc<VerificationKeys>,
    /// Asked when the process takes no more requests: who waits for news answers with what there is.
    pub closing: Stop,
}
