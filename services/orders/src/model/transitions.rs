//! Every legal way from one state to another, as a table.
//!
//! It stands beside the code of [`super::Order::decide`] on purpose and is not read by it: a test tries every pair of
//! state and command against both, so a slip in one is seen in the other.

use contracts::orders::{FulfilmentKind, OrderState};

/// What moves an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// All of its money was captured, and all that it needs is held.
    Pay,
    /// Nobody paid in time.
    Expire,
    /// Work on it went on.
    Step(Step),
    /// Somebody called it off.
    Cancel(Canceller),
}

/// The steps from paid to handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The barista begins.
    Prepare,
    /// The barista is done.
    Finish,
    /// The guest has it.
    HandOver,
    /// The courier has it.
    Send,
    /// The guest has it from the courier.
    Deliver,
    /// The courier brought it back.
    BringBack,
}

/// Who calls an order off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canceller {
    /// The guest whose it is.
    Guest,
    /// Staff of the shop, with a reason.
    Staff,
    /// Delivery: it failed for good.
    Delivery,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// From this state …
    pub from: OrderState,
    /// … by this …
    pub cause: Cause,
    /// … to this one.
    pub to: OrderState,
    /// Only for orders that reach the guest in this way; `None`: for all.
    pub only: Option<FulfilmentKind>,
}

impl Transition {
    const fn new(from: OrderState, cause: Cause, to: OrderState) -> Self {
        Self { from, cause, to, only: None }
    }

    const fn only(self, kind: FulfilmentKind) -> Self {
        Self { only: Some(kind), ..self }
    }
}

/// All of them; what is not here is illegal. `domain.md` draws the same, decision 35 says who may.
pub const TRANSITIONS: &[Transition] = {
    use Canceller::{Delivery as ByDelivery, Guest, Staff};
    use Cause::{Cancel, Expire, Pay, Step as By};
    use FulfilmentKind::{Delivery, Pickup};
    use OrderState::{Cancelled, Closed, Delivering, Expired, Paid, Placed, Preparing, Ready};
    use Step::{BringBack, Deliver, Finish, HandOver, Prepare, Send};
    &[
        Transition::new(Placed, Pay, Paid),
        Transition::new(Placed, Expire, Expired),
        Transition::new(Placed, Cancel(Guest), Cancelled),
        Transition::new(Placed, Cancel(Staff), Cancelled),
        Transition::new(Expired, Pay, Paid),
        Transition::new(Paid, By(Prepare), Preparing),
        Transition::new(Paid, Cancel(Guest), Cancelled),
        Transition::new(Paid, Cancel(Staff), Cancelled),
        Transition::new(Preparing, By(Finish), Ready),
        Transition::new(Preparing, Cancel(Staff), Cancelled),
        Transition::new(Ready, By(HandOver), Closed).only(Pickup),
        Transition::new(Ready, By(Send), Delivering).only(Delivery),
        Transition::new(Ready, Cancel(Staff), Cancelled),
        Transition::new(Delivering, By(Deliver), Closed).only(Delivery),
        Transition::new(Delivering, By(BringBack), Ready).only(Delivery),
        Transition::new(Delivering, Cancel(ByDelivery), Cancelled).only(Delivery),
    ]
};

/// Whether an order of this kind may go from one state to the other at all, whoever moves it.
#[must_use]
pub fn is_legal(kind: FulfilmentKind, from: OrderState, to: OrderState) -> bool {
    TRANSITIONS.iter().any(|row| row.from == from && row.to == to && row.only.is_none_or(|only| only == kind))
}
