//! A hold on stock: what an order keeps others from buying, from its placement to its payment.
//!
//! | state | take | release | expire | commit | undo |
//! |---|---|---|---|---|---|
//! | active | renew | give back → released | give back → released, or ask | sell → committed | give back → released |
//! | committed | as it was | – | – | – | restock → returned |
//! | released | take anew → active | – | – | – | – |
//! | returned | refused | – | – | – | – |
//!
//! **Expire** comes as an event and may be late: an order that expired can be paid all the same and then takes its
//! hold again (decision 33). So an expiry ends a hold that was asked for once; of one that was asked for again it is
//! not believed, and orders is asked what is true. **Undo** is the cancellation of a paid order that was not begun:
//! its goods are still on the shelf. Of an order that was begun they are used up, and staff book in what they can
//! still sell.
//!
//! A commit that finds its hold released changes nothing: events of two topics overtake each other, and the order
//! was cancelled before the news of its payment came.

use std::collections::BTreeMap;

use contracts::orders::{OrderState, OrderUpdated};
use contracts::{OrderId, ShopId, VariantId};

use super::pricing::Bill;

/// Where a hold is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum HoldState {
    /// Its stock is reserved.
    Active,
    /// Its stock was sold.
    Committed,
    /// Its stock was given back unsold.
    Released,
    /// Its stock was sold and came back.
    Returned,
}

/// What can be asked of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum HoldCommand {
    /// Reserve, once more or for the first time.
    Take,
    /// Give back: the order says so itself.
    Release,
    /// Give back: the order was reported expired.
    Expire,
    /// The order is paid: the stock leaves.
    Commit,
    /// The paid order was cancelled before it was begun.
    Undo,
}

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum HoldEffect {
    /// Nothing: it is so already, or comes too late.
    Nothing,
    /// Only move the time to ask.
    Renew,
    /// Reserve the stock again.
    TakeAnew,
    /// Un-reserve the stock.
    GiveBack,
    /// Take reserved stock off the shelf.
    Sell,
    /// Put sold stock back.
    Restock,
    /// Ask orders now what has become of the order.
    Ask,
    /// Not possible any more.
    Refuse,
}

/// A hold as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    /// For which order.
    pub(crate) order_id: OrderId,
    /// Where.
    pub(crate) shop_id: ShopId,
    /// Where it is.
    pub(crate) state: HoldState,
    /// What is held, in id order.
    pub(crate) stock: BTreeMap<VariantId, i64>,
    /// The lines as they were priced.
    pub(crate) bill: Bill,
    /// How often it was asked for.
    pub(crate) asked: i64,
    /// Moves with every change.
    pub(crate) version: i64,
}

impl HoldState {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Active, Self::Committed, Self::Released, Self::Returned];

    /// The word in SQL.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Committed => "committed",
            Self::Released => "released",
            Self::Returned => "returned",
        }
    }
}

impl HoldEffect {
    /// The state that the effect leads to; none: the same.
    #[must_use]
    pub(crate) const fn state(self) -> Option<HoldState> {
        match self {
            Self::TakeAnew => Some(HoldState::Active),
            Self::GiveBack => Some(HoldState::Released),
            Self::Sell => Some(HoldState::Committed),
            Self::Restock => Some(HoldState::Returned),
            Self::Nothing | Self::Renew | Self::Ask | Self::Refuse => None,
        }
    }
}

/// What a command does to a hold in this state that was asked for so often.
#[must_use]
pub(crate) const fn decide(state: HoldState, asked: i64, command: HoldCommand) -> HoldEffect {
    match (state, command) {
        (HoldState::Active, HoldCommand::Take) => HoldEffect::Renew,
        (HoldState::Active, HoldCommand::Expire) if asked > 1 => HoldEffect::Ask,
        (HoldState::Active, HoldCommand::Release | HoldCommand::Expire | HoldCommand::Undo) => HoldEffect::GiveBack,
        (HoldState::Active, HoldCommand::Commit) => HoldEffect::Sell,
        (HoldState::Committed, HoldCommand::Undo) => HoldEffect::Restock,
        (HoldState::Released, HoldCommand::Take) => HoldEffect::TakeAnew,
        (HoldState::Returned, HoldCommand::Take) => HoldEffect::Refuse,
        (
            HoldState::Committed,
            HoldCommand::Take | HoldCommand::Release | HoldCommand::Expire | HoldCommand::Commit,
        )
        | (
            HoldState::Released | HoldState::Returned,
            HoldCommand::Release | HoldCommand::Expire | HoldCommand::Commit | HoldCommand::Undo,
        ) => HoldEffect::Nothing,
    }
}

/// What an order's move means for its hold; none: nothing.
#[must_use]
pub(crate) const fn command_of(update: &OrderUpdated) -> Option<HoldCommand> {
    match (update.to, update.from) {
        (OrderState::Expired, _) => Some(HoldCommand::Expire),
        (OrderState::Cancelled, OrderState::Paid) => Some(HoldCommand::Undo),
        // It was begun, so it was paid: its goods are used up, even if the news of the payment is still on its way.
        (OrderState::Cancelled, OrderState::Preparing | OrderState::Ready | OrderState::Delivering) => {
            Some(HoldCommand::Commit)
        }
        (
            OrderState::Cancelled,
            OrderState::Placed | OrderState::Expired | OrderState::Cancelled | OrderState::Closed,
        ) => Some(HoldCommand::Release),
        (
            OrderState::Placed
            | OrderState::Paid
            | OrderState::Preparing
            | OrderState::Ready
            | OrderState::Delivering
            | OrderState::Closed,
            _,
        ) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMANDS: [HoldCommand; 5] =
        [HoldCommand::Take, HoldCommand::Release, HoldCommand::Expire, HoldCommand::Commit, HoldCommand::Undo];

    #[test]
    fn every_command_in_every_state_has_one_effect() {
        use HoldCommand::{Commit, Expire, Release, Take, Undo};
        use HoldEffect::{GiveBack, Nothing, Refuse, Renew, Restock, Sell, TakeAnew};
        use HoldState::{Active, Committed, Released, Returned};
        let table = [
            (Active, [(Take, Renew), (Release, GiveBack), (Expire, GiveBack), (Commit, Sell), (Undo, GiveBack)]),
            (Committed, [(Take, Nothing), (Release, Nothing), (Expire, Nothing), (Commit, Nothing), (Undo, Restock)]),
            (Released, [(Take, TakeAnew), (Release, Nothing), (Expire, Nothing), (Commit, Nothing), (Undo, Nothing)]),
            (Returned, [(Take, Refuse), (Release, Nothing), (Expire, Nothing), (Commit, Nothing), (Undo, Nothing)]),
        ];

        assert_eq!(table.map(|(state, _)| state), HoldState::ALL);
        for (state, row) in table {
            assert_eq!(row.map(|(command, _)| command), COMMANDS);
            for (command, effect) in row {
                assert_eq!(decide(state, 1, command), effect, "{command:?} of a hold that is {state:?}");
            }
        }
    }

    #[test]
    fn an_expiry_is_believed_only_of_a_hold_that_was_asked_for_once() {
        assert_eq!(decide(HoldState::Active, 1, HoldCommand::Expire), HoldEffect::GiveBack);
        assert_eq!(decide(HoldState::Active, 2, HoldCommand::Expire), HoldEffect::Ask);
    }

    #[test]
    fn an_effect_repeated_in_the_state_that_it_leads_to_is_nothing() {
        for state in HoldState::ALL {
            for command in [HoldCommand::Release, HoldCommand::Expire, HoldCommand::Commit, HoldCommand::Undo] {
                let Some(after) = decide(state, 1, command).state() else { continue };
                assert_eq!(decide(after, 1, command), HoldEffect::Nothing, "{command:?} twice, first {state:?}");
            }
        }
    }
}
