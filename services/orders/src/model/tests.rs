//! Every state with every command, against the table and against the page of the domain; sums as properties.

use contracts::PaymentId;
use contracts::orders::{FulfilmentKind, OrderState};
use contracts::payments::PaymentState;
use kernel::{Currency, Money};
use proptest::prelude::*;

use super::builders::{a_receipt, an_order, at, line, roubles};
use super::*;

const STEPS: [Step; 6] = [Step::Prepare, Step::Finish, Step::HandOver, Step::Send, Step::Deliver, Step::BringBack];
const CANCELLERS: [Canceller; 3] = [Canceller::Guest, Canceller::Staff, Canceller::Delivery];
const HOLDS: [Holds; 3] = [Holds::Kept, Holds::Retaken, Holds::Lost];

fn commands() -> Vec<(Cause, Command)> {
    let pay = |holds| Command::Pay { payment_id: PaymentId::from_bits(77), holds };
    let mut commands: Vec<_> = HOLDS.map(|holds| (Cause::Pay, pay(holds))).into();
    commands.push((Cause::Expire, Command::Expire));
    commands.extend(STEPS.map(|step| (Cause::Step(step), Command::Step(step))));
    commands.extend(CANCELLERS.map(|who| (Cause::Cancel(who), Command::Cancel(who))));
    commands
}

fn row(from: OrderState, cause: Cause, kind: FulfilmentKind) -> Option<&'static Transition> {
    TRANSITIONS.iter().find(|row| row.from == from && row.cause == cause && row.only.is_none_or(|only| only == kind))
}

/// Where a cause leads wherever it is legal: the state in which repeating it is no fault.
fn target(cause: Cause, kind: FulfilmentKind) -> Option<OrderState> {
    TRANSITIONS.iter().find(|row| row.cause == cause && row.only.is_none_or(|only| only == kind)).map(|row| row.to)
}

#[test]
fn every_command_in_every_state_does_what_the_table_says() {
    for kind in FulfilmentKind::ALL.iter().copied() {
        for from in OrderState::ALL.iter().copied() {
            for (cause, command) in commands() {
                let order = an_order(from, kind);

                let decided = order.decide(command, at(60));

                let case = format!("{from} {command:?} {kind}");
                match row(from, cause, kind) {
                    Some(row) if is_payable(from, command) => assert_moves(&decided, row, &case),
                    Some(_) | None => assert_stays(&order, command, cause, &decided, &case),
                }
            }
        }
    }
}

/// The table says what money does; whether an expired order can be revived depends on its holds as well.
fn is_payable(from: OrderState, command: Command) -> bool {
    let Command::Pay { holds, .. } = command else { return true };
    from != OrderState::Expired || holds == Holds::Retaken
}

fn assert_moves(decided: &Result<Decision, Rejection>, row: &Transition, case: &str) {
    let (state, events) = decided.as_ref().unwrap_or_else(|rejection| panic!("{case}: {rejection}"));
    assert_eq!(state.word(), row.to, "{case}");
    let told = Event::Updated { from: row.from, to: row.to, refund_due: false };
    assert_eq!(events.last(), Some(&told), "{case}");
    assert_eq!(events.len(), if row.cause == Cause::Pay { 2 } else { 1 }, "{case}");
    assert_eq!(state.receipt().is_some(), row.to != OrderState::Expired && row.cause_has_money(), "{case}");
}

impl Transition {
    fn cause_has_money(&self) -> bool {
        self.from != OrderState::Placed || self.cause == Cause::Pay
    }
}

fn assert_stays(order: &Order, command: Command, cause: Cause, decided: &Result<Decision, Rejection>, case: &str) {
    let from = order.state.word();
    let is_paid = order.state.receipt().is_some() && from != OrderState::Cancelled;
    let is_repeat = target(cause, order.fulfilment.kind) == Some(from) || (cause == Cause::Pay && is_paid);
    match (cause, from) {
        _ if is_repeat => assert_eq!(decided, &Ok((order.state, vec![])), "{case}"),
        (Cause::Pay, OrderState::Expired) if command_holds(command) == Some(Holds::Kept) => {
            assert_eq!(decided, &Err(Rejection::NothingHeld), "{case}");
        }
        (Cause::Pay, _) => {
            let refund = Event::Updated { from, to: from, refund_due: true };
            assert_eq!(decided, &Ok((order.state, vec![refund])), "{case}");
        }
        (Cause::Cancel(_), OrderState::Cancelled) => assert_eq!(decided, &Ok((order.state, vec![])), "{case}"),
        (Cause::Cancel(_), _) => assert_eq!(decided, &Err(Rejection::CannotCancel { state: from }), "{case}"),
        (Cause::Expire, _) => {
            assert_eq!(decided, &Err(Rejection::IllegalTransition { from, to: OrderState::Expired }), "{case}");
        }
        (Cause::Step(step), _) => {
            assert_eq!(decided, &Err(Rejection::IllegalTransition { from, to: step.leads_to() }), "{case}");
        }
    }
}

fn command_holds(command: Command) -> Option<Holds> {
    if let Command::Pay { holds, .. } = command { Some(holds) } else { None }
}

/// The words of `domain.md`, typed in by hand: the table must say the same.
#[test]
fn the_table_is_the_one_of_the_domain() {
    let written = "placed paid, paid preparing, preparing ready, ready closed pickup, ready delivering delivery, \
        delivering closed delivery, placed expired, placed cancelled, expired paid, delivering ready delivery, \
        delivering cancelled delivery, paid cancelled, preparing cancelled, ready cancelled";
    let mut expected: Vec<String> = written.split(", ").map(str::to_owned).collect();
    let mut actual: Vec<String> = TRANSITIONS
        .iter()
        .map(|row| {
            let only = row.only.map(|kind| format!(" {kind}")).unwrap_or_default();
            format!("{} {}{only}", row.from, row.to)
        })
        .collect();

    expected.sort_unstable();
    actual.sort_unstable();
    actual.dedup();

    assert_eq!(actual, expected);
}

#[test]
fn an_order_does_not_expire_before_its_time() {
    let order = an_order(OrderState::Placed, FulfilmentKind::Pickup);

    assert_eq!(order.decide(Command::Expire, at(9)), Err(Rejection::NotExpiredYet { expires_at: at(10) }));
    assert!(order.decide(Command::Expire, at(10)).is_ok());
}

#[test]
fn cancelling_asks_for_a_refund_exactly_when_money_is_here() {
    let mut order = an_order(OrderState::Paid, FulfilmentKind::Pickup);
    let refund_due = |order: &Order| {
        let (_, events) = order.decide(Command::Cancel(Canceller::Guest), at(5)).unwrap();
        matches!(events[..], [Event::Updated { refund_due: true, .. }])
    };

    order.tender =
        Tender { captured_minor: 62_000, refunded_minor: 10_000, progress: PaymentProgress::PartiallyRefunded };
    assert!(refund_due(&order));

    order.tender = Tender { captured_minor: 62_000, refunded_minor: 62_000, progress: PaymentProgress::Refunded };
    assert!(!refund_due(&order));
}

#[test]
fn who_may_cancel_is_who_is_shown_the_button() {
    let shown = |word, who| an_order(word, FulfilmentKind::Pickup).is_cancellable_by(who);

    assert!(shown(OrderState::Paid, Canceller::Guest));
    assert!(!shown(OrderState::Preparing, Canceller::Guest));
    assert!(shown(OrderState::Ready, Canceller::Staff));
    assert!(!shown(OrderState::Cancelled, Canceller::Staff));
}

fn attempt(number: i64, state: PaymentState, captured: i64, refunded: i64) -> Attempt {
    Attempt {
        payment_id: PaymentId::from_bits(u128::from(number.unsigned_abs())),
        attempt: number,
        version: 1,
        state,
        captured: roubles(captured),
        refunded: roubles(refunded),
    }
}

#[test]
fn a_second_success_that_was_given_back_leaves_the_order_paid() {
    let attempts = [attempt(1, PaymentState::Captured, 620, 0), attempt(2, PaymentState::Refunded, 620, 620)];

    let tender = Tender::of(&attempts, Some(PaymentId::from_bits(1)), roubles(620));

    assert_eq!(tender.progress, PaymentProgress::Paid);
    assert_eq!((tender.captured_minor, tender.refunded_minor), (124_000, 62_000));
}

#[test]
fn a_wrong_sum_does_not_count_as_paid() {
    let wrong = attempt(1, PaymentState::Captured, 1, 0);

    assert!(wrong.differs_from(roubles(620)) && !wrong.pays(roubles(620)));
    assert_eq!(Tender::of(&[wrong], None, roubles(620)).progress, PaymentProgress::Pending);
}

#[test]
fn the_last_failed_attempt_is_what_the_guest_is_told() {
    let attempts = [attempt(1, PaymentState::Failed, 0, 0), attempt(2, PaymentState::Pending, 0, 0)];

    assert_eq!(Tender::of(&attempts[..1], None, roubles(620)).progress, PaymentProgress::Failed);
    assert_eq!(Tender::of(&attempts, None, roubles(620)).progress, PaymentProgress::Pending);
}

#[test]
fn a_line_that_does_not_add_up_is_refused() {
    let mut wrong = line(roubles(310), 2);
    wrong.total = roubles(619);

    assert_eq!(Totals::of(&[line(roubles(1), 1), wrong], Currency::RUB), Err(TotalsError::Line(1)));
}

#[test]
fn the_receipt_follows_the_order_to_its_end() {
    let mut order = an_order(OrderState::Placed, FulfilmentKind::Pickup);
    let receipt = Receipt { paid_at: at(5), ..a_receipt() };
    let commands = [
        Command::Pay { payment_id: receipt.payment_id, holds: Holds::Kept },
        Command::Step(Step::Prepare),
        Command::Step(Step::Finish),
        Command::Step(Step::HandOver),
    ];

    for command in commands {
        order.state = order.decide(command, at(5)).unwrap().0;
    }

    assert_eq!(order.state, State::Closed(receipt));
}

proptest! {
    #[test]
    fn totals_always_add_up_and_are_never_below_zero(
        lines in proptest::collection::vec((0_i64..1_000_000, 1_i64..1_000), 1..100),
        parts in (0_i64..10_000_000_000, 0_i64..10_000_000_000, 0_i64..10_000_000_000),
    ) {
        let lines: Vec<Line> =
            lines.into_iter().map(|(price, quantity)| line(Money::new(price, Currency::RUB).unwrap(), quantity)).collect();
        let totals = Totals::of(&lines, Currency::RUB).unwrap();
        let money = |amount| Money::new(amount, Currency::RUB).unwrap();

        let sum: i64 = lines.iter().map(|l| l.total.amount()).sum();
        prop_assert_eq!(totals.total().amount(), sum);

        let (discount, points, delivery) = parts;
        match Totals::new(totals.items(), money(discount), money(points), money(delivery)) {
            Ok(t) => {
                let parts = [t.items(), t.discount(), t.points(), t.delivery(), t.total()];
                prop_assert!(parts.iter().all(|part| part.amount() >= 0));
                prop_assert_eq!(t.total().amount(), sum - discount - points + delivery);
            }
            Err(error) => {
                prop_assert_eq!(error, TotalsError::BelowZero);
                prop_assert!(sum - discount - points + delivery < 0);
            }
        }
    }
}
