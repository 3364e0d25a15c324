//! Every SQL statement of the service, and rows to the model and back.
//!
//! Locks are taken in one order everywhere, so that no two transactions wait for each other: orders, then the right to
//! count a shop's slots, then slots, then guests' counters; several of one table in the order of their keys.

mod audit;
mod claims;
mod columns;
mod history;
mod lists;
mod orders;
mod payments;
mod scarce;
mod statements;

pub(crate) use audit::{
    entered, entries_of_states, live_orders, money_of_orders, money_without_order, orders_after, paid_without_money,
    past_their_time, sold_orders,
};
pub(crate) use claims::answered_without_order;
pub(crate) use history::{
    FirstEntry, HistoryEntry, HistoryRow, Passage, PastEntry, Travelled, entomb, first_entry, histories_up_to,
    history_of, history_rows, load_with_passages, without_history,
};
pub(crate) use lists::{Filter, Visible, list_all, list_of_guest, list_of_shop, on_board};
pub(crate) use orders::{
    Saved, expired, insert, load, load_visible, lock, lock_expired, lock_visible, mark_retaking, save,
};
pub(crate) use payments::{attempts_of, hear, tender_rows};
pub(crate) use scarce::{
    CountRow, TakenSlots, at_cap, give_back_slots, give_back_unpaid, hold_slots, slot_counts, slots_between,
    switch_unpaid, take_block, take_counted_slot, take_known_slot, take_unpaid_or_fail, unpaid_counts, unpaid_of,
};
pub(crate) use statements::STATEMENTS;
