//! The port to whoever takes the money, and what its silence means.
//!
//! Five questions, each safe to ask twice: opening, capturing, cancelling and refunding carry ids of ours as
//! idempotency keys. What a provider answers is a statement ([`Seen`]), never an order: `model::judge` decides.

mod counter;
mod sandbox;
mod signature;

pub use self::counter::Counter;
pub(crate) use self::sandbox::is_plain_id;
pub use self::sandbox::{Capture, Sandbox, SandboxConfig};
pub use self::signature::{CallbackRefused, TOLERANCE};

use crate::model::judge::{Seen, SeenRefund};
use crate::model::payment::Payment;
use crate::model::refund::Refund;

/// The name under which consumers wait for the bank.
pub const BANK: &str = "bank";

/// Why a provider gave no statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It was not reached, or did nothing: ask again later.
    #[error("the provider is away: {0}")]
    Away(String),
    /// No answer came in time: it may have done what was asked. Find out.
    #[error("the provider did not answer: {0}")]
    Silent(String),
    /// Its answer makes no sense: it may have done what was asked. Find out.
    #[error("the provider's answer makes no sense: {0}")]
    Unclear(String),
    /// It will not do it, however often it is asked.
    #[error("the provider refuses: {0}")]
    Refused(String),
    /// The payment's state there does not permit it: look at it anew.
    #[error("the provider's payment does not permit it: {0}")]
    Conflict(String),
    /// It knows no such payment.
    #[error("the provider does not know the payment")]
    Forgotten,
}

/// Whoever takes the money. A question about a payment that was not opened yet finds nothing ([`ProviderError::Forgotten`]).
pub trait Provider: Send + Sync + std::fmt::Debug {
    /// Whether it answers at once and without I/O, so that it may be asked inside a transaction.
    fn answers_at_once(&self) -> bool;

    /// Opens a payment, or finds the one that this id has opened.
    ///
    /// # Errors
    /// [`ProviderError`]
    fn open(&self, payment: &Payment) -> Result<Seen, ProviderError>;

    /// Takes money that is blocked.
    ///
    /// # Errors
    /// [`ProviderError`]
    fn capture(&self, payment: &Payment) -> Result<Seen, ProviderError>;

    /// Calls a payment off before any money moved.
    ///
    /// # Errors
    /// [`ProviderError`]
    fn cancel(&self, payment: &Payment) -> Result<Seen, ProviderError>;

    /// Gives money back, once per refund id.
    ///
    /// # Errors
    /// [`ProviderError`]
    fn refund(&self, payment: &Payment, refund: &Refund) -> Result<SeenRefund, ProviderError>;

    /// Looks at a payment.
    ///
    /// # Errors
    /// [`ProviderError`]
    fn fetch(&self, payment: &Payment) -> Result<Seen, ProviderError>;
}
