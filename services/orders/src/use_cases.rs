//! One module per intention.

pub(crate) mod cancel_order;
pub(crate) mod change_status;
pub(crate) mod expire_unpaid;
mod move_order;
pub(crate) mod place_order;
pub(crate) mod quote_order;
pub(crate) mod read_orders;
pub(crate) mod record_payment;
pub(crate) mod show_slots;
pub(crate) mod tell_lives;
