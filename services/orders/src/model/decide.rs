//! What a command does to an order: the new state and what is to be told, or why not.

use contracts::PaymentId;
use contracts::orders::{FulfilmentKind, OrderState};
use kernel::Timestamp;

use super::{Canceller, Order, PaymentProgress, Receipt, State, Step};

/// What somebody wants of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// All of its money was captured.
    Pay {
        /// By this payment.
        payment_id: PaymentId,
        /// What has become of its stock and its slot meanwhile.
        holds: Holds,
    },
    /// Nobody paid in time.
    Expire,
    /// Work on it went on.
    Step(Step),
    /// Somebody calls it off.
    Cancel(Canceller),
}

/// Whether what an order needs is held for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Since it was placed.
    Kept,
    /// Given back at its expiry and taken again now, stock and slot.
    Retaken,
    /// Given back, and not all of it can be had again.
    Lost,
}

/// What is told to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The order was paid.
    Paid(Receipt),
    /// It moved; or, with `from` = `to`, its money has to go back although it did not move.
    Updated {
        /// From this state …
        from: OrderState,
        /// … to this one.
        to: OrderState,
        /// Whether captured money has to be given back.
        refund_due: bool,
    },
}

/// The state after a command and what is to be told. A repeated command leads to the same state and tells nothing.
pub type Decision = (State, Vec<Event>);

/// Why a command was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is no way from here to there.
    #[error("an order that is {from} cannot become {to}")]
    IllegalTransition {
        /// Where it is.
        from: OrderState,
        /// Where it should go.
        to: OrderState,
    },
    /// Too late, or not by this person.
    #[error("an order that is {state} cannot be cancelled now")]
    CannotCancel {
        /// Where it is.
        state: OrderState,
    },
    /// It still waits to be paid.
    #[error("an order expires at {expires_at}, not before")]
    NotExpiredYet {
        /// When it ends.
        expires_at: Timestamp,
    },
    /// All of its money went back: there is nothing to make it for.
    #[error("all that was paid for the order was given back")]
    GivenBack {
        /// Where it is.
        state: OrderState,
    },
    /// An expired order gave its stock back: it has to be taken again before money can revive the order.
    #[error("what an expired order needs has to be held again before it can be paid")]
    NothingHeld,
}

impl Order {
    /// The new state and what is to be told.
    ///
    /// # Errors
    /// [`Rejection`] says why the order stays as it is.
    pub fn decide(&self, command: Command, now: Timestamp) -> Result<Decision, Rejection> {
        match command {
            Command::Pay { payment_id, holds } => self.pay(Receipt { payment_id, paid_at: now }, holds),
            Command::Expire => self.expire(now),
            Command::Step(step) => self.step(step),
            Command::Cancel(canceller) => self.cancel(canceller),
        }
    }

    fn pay(&self, receipt: Receipt, holds: Holds) -> Result<Decision, Rejection> {
        match (self.state, holds) {
            (State::Placed { .. }, _) | (State::Expired, Holds::Retaken) => {
                let (state, updated) = self.moved(State::Paid(receipt));
                Ok((state, vec![Event::Paid(receipt), updated]))
            }
            (State::Expired, Holds::Kept) => Err(Rejection::NothingHeld),
            // Money for what nobody will make: it goes back, and the order stays ended.
            (State::Expired, Holds::Lost) | (State::Cancelled { .. }, _) => {
                let word = self.state.word();
                Ok((self.state, vec![Event::Updated { from: word, to: word, refund_due: true }]))
            }
            // Paid already. A second payment is refunded by payments itself (MON-5).
            (
                State::Paid(_) | State::Preparing(_) | State::Ready(_) | State::Delivering(_) | State::Closed(_),
                Holds::Kept | Holds::Retaken | Holds::Lost,
            ) => Ok((self.state, Vec::new())),
        }
    }

    /// Money came that does not pay the order. While the order lives a person has to look at it; when the order has
    /// ended it goes back.
    #[must_use]
    pub fn give_back(&self) -> Decision {
        let word = self.state.word();
        let told = self.state.is_ended().then_some(Event::Updated { from: word, to: word, refund_due: true });
        (self.state, told.into_iter().collect())
    }

    fn expire(&self, now: Timestamp) -> Result<Decision, Rejection> {
        match self.state {
            State::Placed { expires_at } if now < expires_at => Err(Rejection::NotExpiredYet { expires_at }),
            State::Placed { .. } => Ok(self.told(State::Expired)),
            State::Expired => Ok((self.state, Vec::new())),
            State::Paid(_)
            | State::Preparing(_)
            | State::Ready(_)
            | State::Delivering(_)
            | State::Closed(_)
            | State::Cancelled { .. } => Err(self.illegal(OrderState::Expired)),
        }
    }

    fn step(&self, step: Step) -> Result<Decision, Rejection> {
        use FulfilmentKind::{Delivery, Pickup};
        let next =
            match (step, self.state, self.fulfilment.kind) {
                (Step::Prepare, State::Paid(receipt), _) => State::Preparing(receipt),
                (Step::Finish, State::Preparing(receipt), _)
                | (Step::BringBack, State::Delivering(receipt), Delivery) => State::Ready(receipt),
                (Step::HandOver, State::Ready(receipt), Pickup)
                | (Step::Deliver, State::Delivering(receipt), Delivery) => State::Closed(receipt),
                (Step::Send, State::Ready(receipt), Delivery) => State::Delivering(receipt),
                _ if self.is_done(step) => return Ok((self.state, Vec::new())),
                _ => return Err(self.illegal(step.leads_to())),
            };
        if step.is_work() && self.tender.progress == PaymentProgress::Refunded {
            return Err(Rejection::GivenBack { state: self.state.word() });
        }
        Ok(self.told(next))
    }

    /// Whether the order stands where the step leads to. Closing and bringing back belong to one way of reaching the
    /// guest, so they are repeats only there.
    fn is_done(&self, step: Step) -> bool {
        step.leads_to() == self.state.word() && step.only().is_none_or(|kind| kind == self.fulfilment.kind)
    }

    fn cancel(&self, canceller: Canceller) -> Result<Decision, Rejection> {
        let may = match (self.state, canceller) {
            (State::Cancelled { .. }, _) => return Ok((self.state, Vec::new())),
            (State::Placed { .. } | State::Paid(_), Canceller::Guest | Canceller::Staff)
            | (State::Preparing(_) | State::Ready(_), Canceller::Staff) => true,
            (State::Delivering(_), Canceller::Delivery) => self.fulfilment.kind == FulfilmentKind::Delivery,
            (State::Placed { .. } | State::Paid(_), Canceller::Delivery)
            | (State::Preparing(_) | State::Ready(_), Canceller::Guest | Canceller::Delivery)
            | (State::Delivering(_), Canceller::Guest | Canceller::Staff)
            | (State::Closed(_) | State::Expired, _) => false,
        };
        if may {
            Ok(self.told(State::Cancelled { receipt: self.state.receipt() }))
        } else {
            Err(Rejection::CannotCancel { state: self.state.word() })
        }
    }

    /// Whether this person could call it off now; what the guest's page shows a button for.
    #[must_use]
    pub fn is_cancellable_by(&self, canceller: Canceller) -> bool {
        self.cancel(canceller).is_ok_and(|(_, events)| !events.is_empty())
    }

    fn told(&self, next: State) -> Decision {
        let (state, updated) = self.moved(next);
        (state, vec![updated])
    }

    /// An order that ends while money of its guest is with us says so: payments gives it back.
    fn moved(&self, next: State) -> (State, Event) {
        let refund_due = next.is_ended() && self.tender.is_money_here();
        (next, Event::Updated { from: self.state.word(), to: next.word(), refund_due })
    }

    fn illegal(&self, to: OrderState) -> Rejection {
        Rejection::IllegalTransition { from: self.state.word(), to }
    }
}

impl Step {
    /// The state after it.
    #[must_use]
    pub const fn leads_to(self) -> OrderState {
        match self {
            Self::Prepare => OrderState::Preparing,
            Self::Finish | Self::BringBack => OrderState::Ready,
            Self::HandOver | Self::Deliver => OrderState::Closed,
            Self::Send => OrderState::Delivering,
        }
    }

    /// Whether it goes on towards the guest inside the shop. What is with the courier comes to its end in any case.
    const fn is_work(self) -> bool {
        match self {
            Self::Prepare | Self::Finish | Self::HandOver | Self::Send => true,
            Self::Deliver | Self::BringBack => false,
        }
    }

    const fn only(self) -> Option<FulfilmentKind> {
        match self {
            Self::Prepare | Self::Finish => None,
            Self::HandOver => Some(FulfilmentKind::Pickup),
            Self::Send | Self::Deliver | Self::BringBack => Some(FulfilmentKind::Delivery),
        }
    }
}
