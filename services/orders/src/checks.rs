//! The invariants that `samovar audit` recomputes, and what checks across services are told.

mod fold;

use std::sync::Arc;
use std::time::Duration;

use contracts::orders::{FulfilmentKind, OrderState};
use kernel::{Clock, Money};
use service::{Check, FactSet, Finding};
use store::{Snapshot, StoreError};

use self::fold::Fold;
use crate::model::{Order, Totals};
use crate::store::{
    CountRow, answered_without_order, history_rows, orders_rows, slot_counts, tender_rows, unpaid_counts,
    without_history,
};

/// How long after its time an unpaid order may still wait for the timer.
const EXPIRY_GRACE: Duration = Duration::from_secs(60);

pub(crate) fn checks(clock: &Arc<dyn Clock>) -> Vec<Check> {
    let clock = Arc::clone(clock);
    vec![
        Check::local("MON-6", totals_add_up),
        Check::local("MON-4", tenders_add_up),
        Check::local("MON-10", money_of_ended_orders).quiescent(),
        Check::local("ORD-1", histories_fold),
        Check::local("ORD-2", move |snapshot| unpaid_past_their_time(snapshot, clock.as_ref())).quiescent(),
        Check::local("ORD-3", answered_orders_exist),
        Check::local("ORD-4", versions_increase),
        Check::local("ORD-5", slots_are_counted),
        Check::local("ORD-6", unpaid_orders_are_counted),
    ]
}

/// What other services' checks compare with: the money that each order says is with us (MON-4), the orders that may hold
/// stock (STK-3), and those whose guests have paid for their goods (MON-10).
pub(crate) fn facts() -> Vec<FactSet> {
    vec![
        FactSet::new("orders.paid", |snapshot| {
            each(snapshot, |order, _| {
                let minor = order.tender.captured_minor - order.tender.refunded_minor;
                let is_money = order.tender.captured_minor > 0;
                is_money.then(|| (order.id.to_string(), (minor, order.totals.currency())))
            })
        }),
        FactSet::new("orders.live", |snapshot| {
            each(snapshot, |order, _| {
                let state = order.state.word();
                let is_over = order.state.is_ended() || state == OrderState::Closed;
                (!is_over).then(|| (order.id.to_string(), state))
            })
        }),
        FactSet::new("orders.sold", |snapshot| {
            each(snapshot, |order, _| {
                let state = order.state.word();
                let is_sold = !order.state.is_ended() && state != OrderState::Placed;
                is_sold.then(|| (order.id.to_string(), state))
            })
        }),
    ]
}

fn each<T>(snapshot: &mut Snapshot<'_>, mut pick: impl FnMut(&Order, i64) -> Option<T>) -> Result<Vec<T>, StoreError> {
    let mut picked = Vec::new();
    orders_rows(snapshot, |order, total| picked.extend(pick(&order, total)))?;
    Ok(picked)
}

fn on(order: &Order, message: impl Into<String>) -> Finding {
    Finding::new(format!("order {}", order.id), message).of_key(order.id.to_string())
}

/// MON-6: items − discount − points + delivery = total, and the lines add up to the items.
fn totals_add_up(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    each(snapshot, |order, total| {
        let stored = order.totals;
        let of_lines = Totals::of(&order.lines, stored.currency());
        if stored.total().amount() != total {
            return Some(on(order, format!("its parts make {}, its total is {total}", stored.total().amount())));
        }
        let agrees = |lines: &Totals| lines.items() == stored.items() && lines.discount() == stored.discount();
        match of_lines {
            Ok(lines) if agrees(&lines) => None,
            Ok(lines) => Some(on(order, format!("its lines make {}, its items {}", lines.items(), stored.items()))),
            Err(error) => Some(on(order, error.to_string())),
        }
    })
}

/// MON-4, our half: what an order says came and went is what its attempts add up to.
fn tenders_add_up(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    let rows = tender_rows(snapshot)?.into_iter().filter(|row| row.says != row.adds_up);
    Ok(rows
        .map(|row| {
            let message = format!("says {:?} came and went, its payments make {:?}", row.says, row.adds_up);
            Finding::new(format!("order {}", row.order_id), message).of_key(row.order_id)
        })
        .collect())
}

/// MON-10, our half: money is with us only for orders that are or will be made. Named here too: a sum that does not pay its
/// order. That their goods were held is catalog's half.
fn money_of_ended_orders(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    each(snapshot, |order, _| {
        let is_unpaid = order.state.is_ended() || order.state.word() == OrderState::Placed;
        let minor = order.tender.captured_minor - order.tender.refunded_minor;
        let money = Money::new(minor, order.totals.currency());
        (is_unpaid && minor > 0).then(|| {
            let money = money.map_or_else(|_| minor.to_string(), |money| money.to_string());
            on(order, format!("is {} while {money} of its guest is here", order.state.word()))
        })
    })
}

fn folds(snapshot: &mut Snapshot<'_>) -> Result<Vec<Fold>, StoreError> {
    let mut folds: Vec<Fold> = Vec::new();
    let mut open: Option<Fold> = None;
    history_rows(snapshot, |row| {
        if open.as_ref().is_some_and(|fold| fold.order_id != row.order_id) {
            folds.extend(open.take().filter(Fold::has_faults));
        }
        open.get_or_insert_with(|| Fold::begin(&row)).step(&row);
    })?;
    folds.extend(open.filter(Fold::has_faults));
    Ok(folds)
}

/// ORD-1: only legal transitions; the history folds to the stored row.
fn histories_fold(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    let mut findings: Vec<Finding> = folds(snapshot)?.iter().filter_map(Fold::illegal).collect();
    let orphans = without_history(snapshot)?.into_iter();
    findings.extend(orphans.map(|id| Finding::new(format!("order {id}"), "has no history")));
    Ok(findings)
}

/// ORD-4: versions grow by one and no update is lost.
fn versions_increase(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    Ok(folds(snapshot)?.iter().filter_map(Fold::version_fault).collect())
}

/// ORD-2: an order that waits to be paid past its time waits for nobody. All other states wait for a named person.
fn unpaid_past_their_time(snapshot: &mut Snapshot<'_>, clock: &dyn Clock) -> Result<Vec<Finding>, StoreError> {
    let due = clock.now().minus(EXPIRY_GRACE);
    each(snapshot, |order, _| {
        let expires_at = order.state.expires_at().filter(|at| *at < due)?;
        Some(on(order, format!("should have expired at {expires_at}")))
    })
}

/// ORD-3: an answer that was given stands for an order that is there.
fn answered_orders_exist(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    let lost = answered_without_order(snapshot)?.into_iter();
    Ok(lost.map(|id| Finding::new(format!("order {id}"), "was answered as placed and is not there")).collect())
}

/// ORD-5: what is taken of a slot is what its orders hold; the capacity is a constraint of the table.
fn slots_are_counted(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    Ok(slot_counts(snapshot)?.into_iter().filter_map(miscounted).collect())
}

/// ORD-6: a guest's counter of unpaid orders is how many there are.
fn unpaid_orders_are_counted(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    Ok(unpaid_counts(snapshot)?.into_iter().filter_map(miscounted).collect())
}

fn miscounted(row: CountRow) -> Option<Finding> {
    let CountRow { subject, counted, there } = row;
    (counted != there).then(|| Finding::new(subject, format!("counts {counted} orders, there are {there}")))
}

/// Kept with [`crate::model::is_legal`]: what a history may do between two entries.
fn may_follow(kind: FulfilmentKind, from: OrderState, to: OrderState) -> bool {
    from == to || crate::model::is_legal(kind, from, to)
}
