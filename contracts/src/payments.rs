//! What payments tells and answers: how an attempt to pay goes, and whether one could begin.

use kernel::{Call, Event, Money, Timestamp};
use serde::{Deserialize, Serialize};

use crate::orders::PaymentMethod;
use crate::{OrderId, PaymentId, words};

words! {
    /// Where an attempt to pay is.
    PaymentState {
        /// Wanted, not yet opened at the provider.
        Created = "created",
        /// Opened; the guest has not finished.
        Pending = "pending",
        /// The money is blocked, not taken.
        Authorized = "authorized",
        /// The money is ours.
        Captured = "captured",
        /// A part went back.
        PartiallyRefunded = "partially_refunded",
        /// All went back.
        Refunded = "refunded",
        /// The provider refused.
        Failed = "failed",
        /// The guest did not finish in time.
        Expired = "expired",
        /// Called off before any money moved.
        Cancelled = "cancelled",
        /// The provider did not say; it will be asked.
        Unknown = "unknown",
    }
}

/// An attempt to pay moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentMoved {
    /// The attempt.
    pub payment_id: PaymentId,
    /// For which order.
    pub order_id: OrderId,
    /// 1 for the first attempt of the order.
    pub attempt: i64,
    /// Where it is now.
    pub state: PaymentState,
    /// What it is for.
    pub amount: Money,
    /// What was taken so far.
    pub captured: Money,
    /// What went back so far.
    pub refunded: Money,
    /// `sandbox`, `counter`.
    pub provider: String,
    /// When.
    pub at: Timestamp,
    /// The payment's version.
    pub version: i64,
}

impl PaymentMoved {
    /// How the order is paid with this attempt: by the barista, or on the page of a bank, whichever it is.
    #[must_use]
    pub fn method(&self) -> PaymentMethod {
        if self.provider == "counter" { PaymentMethod::Counter } else { PaymentMethod::Online }
    }
}

impl Event for PaymentMoved {
    const TOPIC: &'static str = "payments";
    const TYPE: &'static str = "samovar.payments.moved.v1";
    const SOURCE: &'static str = "/payments";

    fn key(&self) -> String {
        self.order_id.to_string()
    }
}

/// `payments.payable`: whether an order can be paid like this here, asked before it is placed. Refused with
/// `payments.online-unavailable` when nobody could.
#[derive(Debug)]
pub enum Payable {}

/// How an order is to be paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayableRequest {
    /// Where.
    pub method: PaymentMethod,
    /// Where the bank's page is to send the guest afterwards; nothing: back to this installation.
    pub return_url: Option<String>,
}

/// It can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayableReply {
    /// Why guests are not sent to that address; nothing if they may be.
    pub return_url_fault: Option<String>,
}

impl Call for Payable {
    type Request = PayableRequest;
    type Reply = PayableReply;
    const NAME: &'static str = "payments.payable";
    const TIMEOUT_MS: u32 = 3_000;
    const IDEMPOTENT: bool = true;
}
