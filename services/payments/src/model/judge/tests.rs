use contracts::payments::PaymentState;
use kernel::Money;

use super::{OrderMoney, Seen, SeenState, Verdict, judge};
use crate::model::examples::{TOTAL, a_payment, rub, seen};
use crate::model::payment::{Alarm, may_move};

/// What each state makes of each word, for an order that wants money and one that has it.
#[test]
fn every_state_meets_every_word_of_the_bank() {
    for state in PaymentState::ALL {
        for word in SeenState::ALL {
            for order in [OrderMoney::Wanted, OrderMoney::Had] {
                let payment = a_payment(*state);

                let verdict = judge(&payment, &seen(*word), order);

                let to = match verdict {
                    Verdict::Nothing => continue,
                    Verdict::Step(to) => to,
                    Verdict::Accept => PaymentState::Captured,
                    Verdict::TurnAway { .. } if *state == PaymentState::Failed => continue,
                    Verdict::TurnAway { .. } => PaymentState::Failed,
                    Verdict::Distrust(alarm) => panic!("{state} distrusts {word:?}: {alarm:?}"),
                };
                assert!(may_move(*state, to), "{state} → {to} on {word:?}");
                assert_eq!(matches!(verdict, Verdict::Accept | Verdict::TurnAway { .. }), *word == SeenState::Captured);
            }
        }
    }
}

#[test]
fn money_counts_once_per_order() {
    let payment = a_payment(PaymentState::Pending);

    assert_eq!(judge(&payment, &seen(SeenState::Captured), OrderMoney::Wanted), Verdict::Accept);
    assert_eq!(
        judge(&payment, &seen(SeenState::Captured), OrderMoney::Had),
        Verdict::TurnAway { taken: rub(TOTAL), alarm: Alarm::SecondSuccess }
    );
    assert_eq!(
        judge(&a_payment(PaymentState::Captured), &seen(SeenState::Captured), OrderMoney::Wanted),
        Verdict::Nothing
    );
}

/// security.md P5.
#[test]
fn another_amount_currency_or_order_never_counts() {
    let payment = a_payment(PaymentState::Pending);
    let captured = seen(SeenState::Captured);
    let one_rouble = Seen { captured: rub(100), ..captured.clone() };
    let cheap = Seen { amount: rub(100), captured: rub(100), ..captured.clone() };
    let dear = Seen { captured: rub(TOTAL + 1), ..captured.clone() };
    let nothing = Seen { captured: rub(0), ..captured.clone() };
    let dollars = Money::new(TOTAL, "USD".parse().unwrap()).unwrap();
    let in_dollars = Seen { amount: dollars, captured: dollars, ..captured.clone() };
    let half_in_dollars = Seen { captured: dollars, ..captured.clone() };
    let of_another = Seen { order_id: "ord_other".to_owned(), ..captured.clone() };
    let another = Seen { provider_ref: "bnk_2".to_owned(), ..captured };

    for (wrong, taken) in [(one_rouble, 100), (cheap, 100), (dear, TOTAL + 1)] {
        let verdict = judge(&payment, &wrong, OrderMoney::Wanted);
        assert_eq!(verdict, Verdict::TurnAway { taken: rub(taken), alarm: Alarm::AmountMismatch });
    }
    for (wrong, alarm) in [
        (nothing, Alarm::AmountMismatch),
        (in_dollars, Alarm::CurrencyMismatch),
        (half_in_dollars, Alarm::CurrencyMismatch),
        (of_another, Alarm::OrderMismatch),
        (another, Alarm::OrderMismatch),
    ] {
        assert_eq!(judge(&payment, &wrong, OrderMoney::Wanted), Verdict::Distrust(alarm));
    }
}

#[test]
fn a_page_for_another_amount_is_not_shown() {
    let cheap = Seen { amount: rub(100), ..seen(SeenState::Pending) };

    let verdict = judge(&a_payment(PaymentState::Created), &cheap, OrderMoney::Wanted);

    assert_eq!(verdict, Verdict::Distrust(Alarm::AmountMismatch));
}
