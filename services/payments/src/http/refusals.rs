//! Which operation is refused with which codes.

use service::codes::REQUEST_IN_PROGRESS;
use service::refusals;

use crate::error::members::{NoSuchPaymentStep, Refundable};
use crate::error::{
    ALREADY_PAID, ILLEGAL_TRANSITION, NOT_AT_COUNTER, ONLINE_UNAVAILABLE, ORDER_ENDED, REFUND_EXCEEDS_CAPTURED,
    TOO_MANY_ATTEMPTS,
};

refusals! {
    /// Why there is no other attempt to pay.
    pub(super) PayingAgainRefused { ALREADY_PAID, ORDER_ENDED, TOO_MANY_ATTEMPTS, ONLINE_UNAVAILABLE, REQUEST_IN_PROGRESS }

    /// Why money is not received.
    pub(super) ReceivingRefused {
        NOT_AT_COUNTER,
        ALREADY_PAID,
        ORDER_ENDED,
        ILLEGAL_TRANSITION => NoSuchPaymentStep,
        REQUEST_IN_PROGRESS,
    }

    /// Why money is not given back.
    pub(super) RefundRefused { REFUND_EXCEEDS_CAPTURED => Refundable, REQUEST_IN_PROGRESS }
}
