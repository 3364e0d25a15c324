//! Stock levels and their movements.

use contracts::VariantId;

/// Units of one movement, and of a shelf that is counted.
pub(crate) const UNITS_MAX: i64 = 1_000_000;

/// What a shop has of a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    /// On the shelf.
    pub(crate) on_hand: i64,
    /// Of these, held for orders.
    pub(crate) reserved: i64,
}

impl Level {
    /// What can still be sold.
    #[must_use]
    pub(crate) const fn available(self) -> i64 {
        self.on_hand - self.reserved
    }
}

/// Why stock moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MovementKind {
    /// Came in.
    Receipt,
    /// Spoilt, broken, lost.
    WriteOff,
    /// The shelf was counted: this many there are.
    Count,
    /// Left with a paid order.
    Sale,
    /// Came back from a paid order that was cancelled before it was begun.
    Return,
}

impl MovementKind {
    /// The word in SQL and JSON.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::WriteOff => "write_off",
            Self::Count => "count",
            Self::Sale => "sale",
            Self::Return => "return",
        }
    }
}

/// A movement that staff book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StaffMovement {
    /// So many came in.
    Receipt(i64),
    /// So many are written off.
    WriteOff(i64),
    /// So many there are.
    Count(i64),
}

impl StaffMovement {
    /// Its kind.
    #[must_use]
    pub(crate) const fn kind(self) -> MovementKind {
        match self {
            Self::Receipt(_) => MovementKind::Receipt,
            Self::WriteOff(_) => MovementKind::WriteOff,
            Self::Count(_) => MovementKind::Count,
        }
    }

    /// What it adds to the shelf.
    ///
    /// # Errors
    /// What is available, when fewer would be on the shelf than are held for orders.
    pub(crate) const fn change(self, level: Level) -> Result<i64, i64> {
        let change = match self {
            Self::Receipt(units) => units,
            Self::WriteOff(units) => -units,
            Self::Count(units) => units - level.on_hand,
        };
        if level.available() + change < 0 { Err(level.available()) } else { Ok(change) }
    }
}

/// Whether a shop runs out of something, or has it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flip {
    /// The last one went.
    SoldOut(VariantId),
    /// There are some again.
    Back(VariantId),
}

impl Flip {
    /// What a change of the available number means.
    #[must_use]
    pub(crate) const fn of(variant: VariantId, before: i64, after: i64) -> Option<Self> {
        match (before > 0, after > 0) {
            (true, false) => Some(Self::SoldOut(variant)),
            (false, true) => Some(Self::Back(variant)),
            (true, true) | (false, false) => None,
        }
    }

    /// Of which variant.
    #[must_use]
    pub(crate) const fn variant(self) -> VariantId {
        match self {
            Self::SoldOut(variant) | Self::Back(variant) => variant,
        }
    }
}
