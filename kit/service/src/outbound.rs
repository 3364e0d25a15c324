//! HTTP to the outside: the one port through which a bank, a courier or a collector of traces is asked.
//!
//! Synchronous, because those who ask are consumers and timers with a thread of their own (decision 9). In
//! production the port is [`UreqOutbound`]; tests script it (`testkit::ScriptedOutbound`).
//!
//! Deliberately absent: redirects (an answer that points elsewhere is an answer), proxies of the environment, and
//! retries: only the asker knows whether asking twice is the same as asking once.

mod request;
mod ureq_client;

pub use self::request::{OutRequest, OutResponse};
pub use self::ureq_client::{OUTBOUND_SETTINGS, UreqOutbound};

/// The port.
pub trait Outbound: Send + Sync + std::fmt::Debug {
    /// Sends the request and reads the whole answer, within `request.timeout_ms` and the stated size.
    ///
    /// # Errors
    ///
    /// No answer, by what the asker may conclude from it. An answer of any status is not an error.
    fn send(&self, request: &OutRequest) -> Result<OutResponse, OutboundError>;
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// No connection could be made: the request was certainly not seen.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// The reason.
        reason: String,
    },
    /// No whole answer in time: the request may have been seen.
    #[error("{host} did not answer within {timeout_ms} ms")]
    Timeout {
        /// Host and port.
        host: String,
        /// The limit.
        timeout_ms: u32,
    },
    /// The connection broke, or what came is not HTTP: the request may have been seen.
    #[error("the connection to {host} broke: {reason}")]
    Broken {
        /// Host and port.
        host: String,
        /// The reason.
        reason: String,
    },
    /// The answer is larger than the asker wants to hold: the request was seen.
    #[error("the answer of {host} is larger than {limit} bytes")]
    TooLarge {
        /// Host and port.
        host: String,
        /// The limit.
        limit: u64,
    },
    /// The host is not in the list of hosts that may be asked: nothing was sent.
    #[error("{host} is not in outbound.hosts")]
    NotAllowed {
        /// Host and port.
        host: String,
    },
    /// The request itself cannot be sent: nothing was sent.
    #[error("the request cannot be sent: {reason}")]
    BadRequest {
        /// The reason.
        reason: String,
    },
}

impl OutboundError {
    /// Whether the other side may have seen the request, and done what it asks.
    #[must_use]
    pub fn outcome_unknown(&self) -> bool {
        match self {
            Self::Timeout { .. } | Self::Broken { .. } | Self::TooLarge { .. } => true,
            Self::Unreachable { .. } | Self::NotAllowed { .. } | Self::BadRequest { .. } => false,
        }
    }

    /// The failure of a consumer that asked `destination`: wait while it is away, park what can never be sent.
    #[must_use]
    pub fn into_failure(self, destination: &'static str) -> eventlog::Failure {
        let reason = self.to_string();
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::Broken { .. } => {
                eventlog::Failure::Unavailable { destination, reason }
            }
            Self::TooLarge { .. } => eventlog::Failure::Retry(reason),
            Self::NotAllowed { .. } | Self::BadRequest { .. } => eventlog::Failure::GiveUp(reason),
        }
    }
}
