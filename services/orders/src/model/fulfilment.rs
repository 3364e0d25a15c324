//! How and when an order reaches the guest.

use contracts::orders::FulfilmentKind;
use jiff::civil::Date;
use kernel::Timestamp;

use super::Slot;

/// When the guest wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedTime {
    /// As soon as possible.
    Asap,
    /// At the beginning of this slot.
    At(Timestamp),
}

/// How and when an order reaches the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fulfilment {
    /// By which way.
    pub kind: FulfilmentKind,
    /// Whether the guest asked for it as soon as possible rather than at a slot.
    pub is_asap: bool,
    /// When it is to be ready.
    pub due_at: Timestamp,
    /// The slot that `due_at` lies in.
    pub slot: Slot,
    /// Whether a place in the slot is held for it; not where the shop's slots are unlimited.
    pub is_slot_held: bool,
    /// The shop's time zone at that moment.
    pub time_zone: String,
    /// The shop's day of `due_at`; pickup numbers are unique within it.
    pub day: Date,
}
