//! Every SQL statement of payments; rows to model and back.

mod audit;
mod callbacks;
mod ledger;
mod lists;
mod orders;
mod payments;
mod refunds;
pub(crate) mod sql;
mod words;

pub(crate) use self::audit::{
    counted_twice, going_back_by_order, held_by_order, ledger_differences, ledger_halves, opened_at_bank,
    payments_made, refund_differences, stray_money, unbalanced,
};
pub(crate) use self::callbacks::{Callback, callback_stored, match_callbacks, prune_callbacks};
pub(crate) use self::ledger::{LedgerKey, LedgerLine, list_ledger, post};
pub(crate) use self::lists::{PaymentFilter, PaymentKey, Scope, list_payments};
pub(crate) use self::orders::{
    NewOrder, OrderCopy, claim_order, insert_orders, is_ended, lock_order, order, order_ends, sold_lines,
};
pub(crate) use self::payments::{
    asked, due, insert_payment, lock_attempts, lock_payment, payment, payment_of_reference, payments_of_order,
    reserve_refund, save_payment,
};
pub(crate) use self::refunds::{insert_refund, lock_refund, refunds_of, save_refund};
