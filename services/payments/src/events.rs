//! What payments tells itself: tasks for the provider and callbacks to be looked into. Nobody else hears these.

use contracts::{OrderId, PaymentId, RefundId};
use kernel::Event;
use serde::{Deserialize, Serialize};

/// The topics of these.
pub const TOPICS: &[&str] = &[ProviderWanted::TOPIC, CallbackStored::TOPIC];

/// What a provider has to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// To open the payment.
    Open,
    /// To take money that is blocked.
    Capture,
    /// To call the payment off.
    Cancel,
    /// To give money back.
    Refund(RefundId),
}

/// A provider has to be asked for something: written with the decision, carried out by an effect consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderWanted {
    /// Of which payment.
    pub payment_id: PaymentId,
    /// For which order.
    pub order_id: OrderId,
    /// What.
    pub wanted: Wanted,
}

impl Event for ProviderWanted {
    const TOPIC: &'static str = "payment_tasks";
    const TYPE: &'static str = "samovar.payments.provider-wanted.v1";
    const SOURCE: &'static str = "/payments";

    fn key(&self) -> String {
        self.payment_id.to_string()
    }
}

/// A genuine callback is stored. It only says *look* (decision 37).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackStored {
    /// Whose.
    pub provider: String,
    /// The provider's id of the payment.
    pub provider_ref: String,
    /// The provider's id of the event.
    pub event_id: String,
}

impl Event for CallbackStored {
    const TOPIC: &'static str = "payment_callbacks";
    const TYPE: &'static str = "samovar.payments.callback-stored.v1";
    const SOURCE: &'static str = "/payments";

    fn key(&self) -> String {
        self.provider_ref.clone()
    }
}
