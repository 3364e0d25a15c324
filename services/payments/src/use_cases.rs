//! One function per intention. Those that take a `Tx` are one transaction: payment, ledger, event and task together.
//!
//! Whatever moves money of an order locks the order's row first, then the payment's, then a refund's: two of them
//! never meet, and never wait for each other in a circle.

pub(crate) mod ask;
pub(crate) mod callback;
pub(crate) mod carry_out;
pub(crate) mod end_order;
pub(crate) mod give_back;
pub(crate) mod receive;
pub(crate) mod record;
pub(crate) mod start;
