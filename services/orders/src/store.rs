//! Every SQL statement of the service, and rows to the model and back.
//!
//! Locks are taken in one order everywhere, so that no two transactions wait for each other: orders, then slots,
//! then guests' counters; several of one table in the order of their keys.

mod claims;
mod columns;
mod history;
mod lists;
mod orders;
mod payments;
mod scarce;
mod statements;

pub(crate) use claims::answered_without_order;
pub(crate) use history::{
    FirstEntry, HistoryEntry, HistoryRow, PastEntry, entomb, first_entry, history_of, history_rows, without_history,
};
pub(crate) use lists::{Filter, Visible, list_all, list_of_guest, list_of_shop, on_board};
pub(crate) use orders::{
    Saved, insert, load, load_visible, lock, lock_expired, lock_visible, mark_retaking, orders_rows, save,
};
pub(crate) use payments::{attempts_of, hear, tender_rows};
pub(crate) use scarce::{
    CountRow, give_back_slots, give_back_unpaid, slot_counts, slots_between, take_block, take_slot, take_unpaid,
    unpaid_counts,
};
pub(crate) use statements::STATEMENTS;
