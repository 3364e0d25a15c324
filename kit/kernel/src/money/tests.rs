use proptest::prelude::*;

use super::*;

fn rub(amount: i64) -> Money {
    Money::new(amount, Currency::RUB).unwrap()
}

fn any_amount() -> impl Strategy<Value = i64> {
    prop_oneof![-AMOUNT_MAX..=AMOUNT_MAX, Just(AMOUNT_MAX), Just(-AMOUNT_MAX), Just(0), -10_i64..10]
}

proptest! {
    #[test]
    fn parts_sum_to_the_whole_and_differ_from_their_share_by_less_than_one(
        amount in any_amount(),
        weights in prop::collection::vec(0_i64..1_000_000, 1..30),
    ) {
        prop_assume!(weights.iter().sum::<i64>() > 0);

        let parts = rub(amount).split(&weights).unwrap();

        prop_assert_eq!(parts.iter().map(|p| p.amount()).sum::<i64>(), amount);
        let total: i128 = weights.iter().map(|w| i128::from(*w)).sum();
        for (part, weight) in parts.iter().zip(&weights) {
            let difference = i128::from(part.amount()) * total - i128::from(amount) * i128::from(*weight);
            prop_assert!(difference.abs() < total);
        }
    }

    #[test]
    fn addition_is_undone_by_subtraction_or_refused(a in any_amount(), b in any_amount()) {
        match rub(a).plus(rub(b)) {
            Ok(sum) => prop_assert_eq!(sum.minus(rub(b)), Ok(rub(a))),
            Err(refused) => {
                prop_assert_eq!(refused, MoneyError::OutOfRange);
                prop_assert!((i128::from(a) + i128::from(b)).abs() > i128::from(AMOUNT_MAX));
            }
        }
    }

    #[test]
    fn multiplication_never_wraps(a in any_amount(), quantity in any::<i64>()) {
        let exact = i128::from(a) * i128::from(quantity);

        match rub(a).times(quantity) {
            Ok(product) => prop_assert_eq!(i128::from(product.amount()), exact),
            Err(refused) => {
                prop_assert_eq!(refused, MoneyError::OutOfRange);
                prop_assert!(exact.abs() > i128::from(AMOUNT_MAX));
            }
        }
    }

    #[test]
    fn json_gives_the_same_money_back(amount in any_amount()) {
        let json = serde_json::to_string(&rub(amount)).unwrap();

        prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), rub(amount));
    }
}

#[test]
fn halves_go_to_the_even_neighbour() {
    for (amount, expected) in [(5, 2), (15, 8), (25, 12), (-5, -2), (-15, -8), (14, 7), (11, 6)] {
        assert_eq!(rub(amount).scaled(1, 2).unwrap().amount(), expected, "{amount} / 2");
    }
}

#[test]
fn two_currencies_are_never_added() {
    let eur: Currency = "EUR".parse().unwrap();

    assert_eq!(rub(1).plus(Money::zero(eur)), Err(MoneyError::CurrencyMismatch(Currency::RUB, eur)));
}

#[test]
fn what_is_beyond_the_exact_range_of_json_is_refused() {
    assert_eq!(Money::new(AMOUNT_MAX + 1, Currency::RUB), Err(MoneyError::OutOfRange));
    assert_eq!(Money::new(i64::MIN, Currency::RUB), Err(MoneyError::OutOfRange));
    for json in [
        r#"{"amount": 9007199254740992, "currency": "RUB"}"#,
        r#"{"amount": 1.5, "currency": "RUB"}"#,
        r#"{"amount": "1", "currency": "RUB"}"#,
        r#"{"amount": 1, "currency": "rub"}"#,
        r#"{"amount": 1, "currency": "RUB", "extra": 1}"#,
    ] {
        assert!(serde_json::from_str::<Money>(json).is_err(), "{json} was taken for money");
    }
}

#[test]
fn people_see_major_units() {
    assert_eq!(rub(17_505).to_string(), "175.05 RUB");
    assert_eq!(rub(-5).to_string(), "-0.05 RUB");
    assert_eq!(Money::new(500, "JPY".parse().unwrap()).unwrap().to_string(), "500 JPY");
}
