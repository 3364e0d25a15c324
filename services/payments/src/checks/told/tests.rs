//! However few payments are followed at once, the same are found to have been led back.

use contracts::PaymentId;
use contracts::payments::PaymentState::{self, Captured, Created, Pending};
use store::StoreError;
use testkit::TestDatabase;

use super::news_lead_forward;
use crate::model::examples::a_payment;
use crate::model::payment::Payment;
use crate::use_cases::record::moved;

testkit::both_databases!(however_few_payments_are_followed_at_once_the_same_are_found);

/// What is told, in this order: 3 and 5 are led back.
const TOLD: [(u128, PaymentState); 10] = [
    (5, Captured),
    (2, Created),
    (3, Captured),
    (2, Captured),
    (3, Created),
    (1, Created),
    (4, Captured),
    (5, Pending),
    (1, Captured),
    (4, Captured),
];

fn however_few_payments_are_followed_at_once_the_same_are_found(database: &TestDatabase) {
    let db = database.open().db("payments", crate::MIGRATIONS).unwrap();
    let news = |(number, state)| moved(&Payment { id: PaymentId::from_bits(number), ..a_payment(state) });
    let published: Result<(), StoreError> =
        db.write_blocking(move |tx| TOLD.into_iter().map(news).try_for_each(|moved| tx.publish(&moved)));
    published.unwrap();

    for followed_max in 1..=6 {
        let findings = news_lead_forward(&db, followed_max).unwrap().into_iter();

        let mut found: Vec<String> = findings.map(|finding| finding.subject).collect();
        found.sort_unstable();
        let led_back = [3, 5].map(|number| format!("payment {}", PaymentId::from_bits(number)));
        assert_eq!(found, led_back, "{followed_max} at once");
    }
}
