use contracts::RefundId;
use contracts::payments::PaymentState;
use kernel::Timestamp;
use proptest::prelude::*;

use super::{Heard, hear, refund_ended, stamp};
use crate::model::examples::{TOTAL, a_payment, rub, seen};
use crate::model::judge::{OrderMoney, Seen, SeenState};
use crate::model::ledger::{PostingKind, Side};
use crate::model::payment::{Alarm, Payment, ProviderName, may_move, rank};
use crate::model::refund::{Refund, RefundHow, RefundState};

fn a_refund(minor: i64) -> Refund {
    let now = Timestamp::from_micros(0);
    Refund {
        id: RefundId::from_bits(u128::try_from(minor).unwrap()),
        payment_id: a_payment(PaymentState::Captured).id,
        amount: rub(minor),
        state: RefundState::Pending,
        how: RefundHow::Provider,
        source: "test".to_owned(),
        reason: "test".to_owned(),
        lines: None,
        by_user: None,
        provider_ref: None,
        created_at: now,
        updated_at: now,
    }
}

#[test]
fn accepted_money_is_posted_to_the_orders_and_stray_money_is_not() {
    let accepted = hear(&a_payment(PaymentState::Pending), &seen(SeenState::Captured), OrderMoney::Wanted);
    let stray = hear(&a_payment(PaymentState::Pending), &seen(SeenState::Captured), OrderMoney::Had);

    assert_eq!(accepted.payment.state, PaymentState::Captured);
    assert_eq!(accepted.posting.unwrap().kind(), PostingKind::Capture);
    assert_eq!(accepted.give_back, None);
    assert_eq!(stray.payment.state, PaymentState::Failed);
    assert_eq!(stray.payment.captured, rub(TOTAL));
    assert_eq!(stray.posting.unwrap().kind(), PostingKind::Stray);
    assert_eq!(stray.give_back, Some(rub(TOTAL)));
}

#[test]
fn a_payment_is_asked_about_until_it_is_at_an_end() {
    let (now, later) = (Timestamp::from_micros(1), Timestamp::from_micros(2));
    for state in PaymentState::ALL {
        let mut payment = a_payment(*state);

        stamp(&mut payment, now, later);

        let is_open = rank(*state) <= rank(PaymentState::Authorized);
        assert_eq!(payment.ask_at, is_open.then_some(later), "{state}");
        assert_eq!(payment.version, 2);
    }
}

/// Every history that an honest bank can have; the last word is the truth.
const HISTORIES: &[&[SeenState]] = &[
    &[SeenState::Pending],
    &[SeenState::Pending, SeenState::Authorized],
    &[SeenState::Pending, SeenState::Authorized, SeenState::Captured],
    &[SeenState::Pending, SeenState::Captured],
    &[SeenState::Pending, SeenState::Declined],
    &[SeenState::Pending, SeenState::Cancelled],
    &[SeenState::Pending, SeenState::Authorized, SeenState::Cancelled],
    &[SeenState::Pending, SeenState::Expired],
];

fn hear_all(words: &[Seen], order: OrderMoney) -> (Payment, usize) {
    let mut payment = a_payment(PaymentState::Created);
    let mut postings = 0;
    for word in words {
        let before = payment.clone();
        let Heard { payment: next, posting, give_back } = hear(&payment, word, order);
        postings += usize::from(posting.is_some());
        assert!(before.state == next.state || may_move(before.state, next.state), "{} → {}", before.state, next.state);
        assert!(give_back.is_none() || posting_is_first(postings), "money goes back once");
        payment = next;
    }
    (payment, postings)
}

fn posting_is_first(postings: usize) -> bool {
    postings == 1
}

proptest! {
    /// MON-9: the truth, in any order and number, with anything that was true before it, leads to one state.
    #[test]
    fn words_in_any_order_and_number_lead_to_the_same_state(
        history in 0..HISTORIES.len(),
        picks in prop::collection::vec(0_usize..100, 0..30),
        last_at in 0_usize..30,
        had in any::<bool>(),
    ) {
        let history = HISTORIES[history];
        let order = if had { OrderMoney::Had } else { OrderMoney::Wanted };
        let last = seen(*history.last().unwrap());
        let mut words: Vec<Seen> = picks.iter().map(|pick| seen(history[pick % history.len()])).collect();
        words.insert(last_at.min(words.len()), last.clone());

        let (shuffled, postings) = hear_all(&words, order);
        let (told_once, _) = hear_all(&[last], order);

        prop_assert_eq!(shuffled.state, told_once.state);
        prop_assert_eq!(shuffled.captured, told_once.captured);
        prop_assert!(postings <= 1);
    }

    /// Every posting balances, and the ledger's sums are the payment's.
    #[test]
    fn refunds_of_any_sizes_keep_ledger_and_payment_together(parts in prop::collection::vec(1_i64..20_000, 1..10)) {
        let mut payment = a_payment(PaymentState::Captured);
        let mut posted_back = 0;
        for part in parts {
            if part > payment.refundable_minor() {
                continue;
            }
            payment.refund_pending = payment.refund_pending.plus(rub(part)).unwrap();
            let (next, posting) = refund_ended(&payment, &a_refund(part), RefundState::Succeeded);
            let entries = posting.unwrap().entries().to_owned();
            let side = |side| entries.iter().filter(|e| e.side == side).map(|e| e.amount.amount()).sum::<i64>();
            prop_assert_eq!(side(Side::Debit), side(Side::Credit));
            posted_back += side(Side::Debit);
            payment = next;
            prop_assert_eq!(payment.refunded.amount(), posted_back);
            prop_assert!(payment.refunded.amount() + payment.refund_pending.amount() <= payment.captured.amount());
        }
        let is_all = payment.refunded == payment.captured;
        prop_assert_eq!(payment.state == PaymentState::Refunded, is_all);
    }
}

#[test]
fn a_failed_refund_frees_what_it_held_and_calls_a_person() {
    let mut payment = a_payment(PaymentState::Captured);
    payment.refund_pending = rub(1_000);

    let (next, posting) = refund_ended(&payment, &a_refund(1_000), RefundState::Failed);

    assert_eq!(next.refundable_minor(), TOTAL);
    assert_eq!(next.state, PaymentState::Captured);
    assert_eq!(next.alarm, Some(Alarm::RefundFailed));
    assert!(posting.is_none());
}

/// Stray money has an alarm of its own that says it goes back by itself: now it does not.
#[test]
fn a_failed_refund_speaks_louder_than_an_alarm_before_it() {
    let payment =
        Payment { alarm: Some(Alarm::SecondSuccess), refund_pending: rub(1_000), ..a_payment(PaymentState::Captured) };

    let (next, _) = refund_ended(&payment, &a_refund(1_000), RefundState::Failed);

    assert_eq!(next.alarm, Some(Alarm::RefundFailed));
}

#[test]
fn an_alarm_about_money_ends_when_all_of_it_went_back() {
    let payment =
        Payment { alarm: Some(Alarm::RefundFailed), refund_pending: rub(TOTAL), ..a_payment(PaymentState::Captured) };

    let (next, _) = refund_ended(&payment, &a_refund(TOTAL), RefundState::Succeeded);
    let part = Payment { refund_pending: rub(1_000), ..payment };
    let (part, _) = refund_ended(&part, &a_refund(1_000), RefundState::Succeeded);

    assert_eq!(next.alarm, None);
    assert_eq!(part.alarm, Some(Alarm::RefundFailed));
}

#[test]
fn money_to_hand_over_does_not_hide_what_was_to_be_looked_at_before() {
    let payment = Payment {
        provider: ProviderName::Counter,
        alarm: Some(Alarm::OrderMismatch),
        refund_pending: rub(TOTAL),
        ..a_payment(PaymentState::Captured)
    };

    let (next, _) = refund_ended(&payment, &a_refund(TOTAL), RefundState::Succeeded);

    assert_eq!(next.alarm, Some(Alarm::OrderMismatch));
}
