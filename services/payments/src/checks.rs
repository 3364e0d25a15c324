//! The invariants about money that `samovar audit` recomputes.

mod bank;
mod told;

use std::collections::BTreeMap;
use std::sync::Arc;

use contracts::orders::OrderState;
use kernel::{Currency, Money};
use service::{Check, FactError, FactSet, Facts, Finding};
use store::{Snapshot, StoreError};

use crate::app::App;
use crate::store as rows;

/// What of an order's money is with us, in minor units.
type Held = (i64, Currency);

pub(crate) fn checks(app: &Arc<App>) -> Vec<Check> {
    let mut checks = vec![
        Check::local("MON-1", ledger_balances),
        Check::local("MON-2", ledger_agrees_with_payments),
        Check::local("MON-3", refunds_stay_within_captures),
        Check::across("MON-4", orders_say_what_payments_hold),
        Check::across("MON-10", money_goes_back),
        Check::local("MON-5", one_payment_counts),
        Check::local("MON-5", stray_money_goes_back).quiescent(),
    ];
    checks.extend(told::checks(&app.db));
    let compared = Arc::clone(app);
    checks.push(if app.bank.is_configured() {
        Check::outside("MON-8", move || bank::compare(&compared))
    } else {
        Check::left_out("MON-8", "no bank is configured (payments.bank_url)")
    });
    checks
}

pub(crate) fn facts() -> Vec<FactSet> {
    vec![
        FactSet::new("payments.held", |snapshot| Ok(by_order(rows::held_by_order(snapshot)?))),
        FactSet::new("payments.going-back", |snapshot| Ok(by_order(rows::going_back_by_order(snapshot)?))),
    ]
}

fn by_order(money: Vec<(String, i64, Currency)>) -> Vec<(String, Held)> {
    money.into_iter().map(|(order_id, minor, currency)| (order_id, (minor, currency))).collect()
}

/// MON-1: every transaction has lines, every line a transaction, and they balance per currency.
fn ledger_balances(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    let unbalanced = rows::unbalanced(snapshot)?.into_iter().map(|(id, debit, credit)| {
        Finding::new(format!("ledger transaction {id}"), format!("debits {debit}, credits {credit}"))
    });
    let mut findings: Vec<Finding> = unbalanced.collect();
    let halves = rows::ledger_halves(snapshot)?.into_iter();
    findings
        .extend(halves.map(|id| Finding::new(format!("ledger transaction {id}"), "has a header or lines, not both")));
    Ok(findings)
}

/// MON-2: nothing was added to or taken from the ledger: it says of every payment what the payment says of itself.
fn ledger_agrees_with_payments(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    let wrong = rows::ledger_differences(snapshot)?.into_iter();
    Ok(wrong
        .map(|row| {
            let message = format!(
                "has taken {} and given back {}, the ledger says {} and {}",
                row.captured, row.refunded, row.posted_in, row.posted_out
            );
            Finding::new(format!("payment {}", row.payment_id), message)
        })
        .collect())
}

/// MON-3: 0 ≤ refunded ≤ captured ≤ authorized, and the sums are those of the refunds.
fn refunds_stay_within_captures(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    let wrong = rows::refund_differences(snapshot)?.into_iter();
    Ok(wrong
        .map(|row| {
            let message = format!(
                "has captured {}, refunded {} and {} on the way; its refunds make {} and {}",
                row.captured, row.refunded, row.refund_pending, row.succeeded, row.under_way
            );
            Finding::new(format!("payment {}", row.payment_id), message)
        })
        .collect())
}

/// MON-4: what payments holds of an order is what the order says is paid.
fn orders_say_what_payments_hold(facts: &Facts) -> Result<Vec<Finding>, FactError> {
    let held: BTreeMap<String, Held> = facts.of("payments.held")?;
    let said: BTreeMap<String, Held> = facts.of("orders.paid")?;
    let mut findings = Vec::new();
    for (order_id, (minor, currency)) in &held {
        match said.get(order_id) {
            Some(known) if known == &(*minor, *currency) => {}
            Some((other, in_currency)) => findings.push(on_order(
                order_id,
                format!("says that {other} {in_currency} are paid; payments holds {minor} {currency}"),
            )),
            None => {
                findings.push(on_order(order_id, format!("says nothing of {minor} {currency} that payments holds")));
            }
        }
    }
    for (order_id, (minor, currency)) in said.iter().filter(|(order_id, _)| !held.contains_key(*order_id)) {
        findings.push(on_order(order_id, format!("says that {minor} {currency} are paid; payments never took any")));
    }
    Ok(findings)
}

/// MON-10, half of it: money is with us only for orders that are or will be made. Of the others it has gone back, or is on
/// its way: a bank may take days, and is asked until it has said so. A sum that does not pay its order is named here too. That
/// the goods of the paid ones were held is catalog's half.
fn money_goes_back(facts: &Facts) -> Result<Vec<Finding>, FactError> {
    let unmade: BTreeMap<String, (OrderState, i64, Currency)> = facts.of("orders.unmade")?;
    let going: BTreeMap<String, Held> = facts.of("payments.going-back")?;
    let left = unmade.iter().filter_map(|(order_id, (state, minor, currency))| {
        let going = going.get(order_id).filter(|(_, known)| known == currency).map_or(0, |(going, _)| *going);
        let left = Money::new(minor - going, *currency).ok().filter(|left| left.amount() > 0)?;
        Some(on_order(order_id, format!("is {state} while {left} of its guest is here")))
    });
    Ok(left.collect())
}

fn on_order(order_id: &str, message: String) -> Finding {
    Finding::new(format!("order {order_id}"), message).of_key(order_id)
}

/// MON-5: at most one payment counts for an order, and it is the one that the order was claimed by.
fn one_payment_counts(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    let wrong = rows::counted_twice(snapshot)?.into_iter();
    Ok(wrong
        .map(|order_id| on_order(&order_id, "is paid by several payments, or by another than it says".to_owned()))
        .collect())
}

/// MON-5, the other half: money that does not count goes back by itself.
fn stray_money_goes_back(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    let stray = rows::stray_money(snapshot)?.into_iter();
    Ok(stray
        .map(|(payment_id, order_id, minor)| {
            let message = format!("holds {minor} minor units that count for no order");
            Finding::new(format!("payment {payment_id}"), message).of_key(order_id.to_string())
        })
        .collect())
}
