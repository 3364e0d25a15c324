//! The invariants that `samovar audit` recomputes, and what checks across services are told.

mod fold;
mod told;

use std::sync::Arc;
use std::time::Duration;

use contracts::OrderId;
use contracts::orders::{FulfilmentKind, OrderState};
use kernel::Clock;
use service::{Check, FactSet, Finding};
use store::{Db, Snapshot, StoreError};

use self::fold::Fold;
use crate::app::App;
use crate::model::{Order, Totals};
use crate::store::{
    CountRow, answered_without_order, histories_up_to, history_rows, live_orders, money_of_orders, money_without_order,
    orders_after, paid_without_money, past_their_time, slot_counts, sold_orders, tender_rows, unpaid_counts,
    without_history,
};

/// How long after its time an unpaid order may still wait for the timer.
const EXPIRY_GRACE: Duration = Duration::from_secs(60);

/// Orders that are read at once where every one has to be looked at: a reader that stays open for long keeps the log
/// of the whole database (decision 7).
const CHUNK: u32 = 500;

pub(crate) fn checks(app: &Arc<App>) -> Vec<Check> {
    let clock = Arc::clone(&app.clock);
    let rows = vec![
        in_chunks("MON-6", app, totals_add_up),
        Check::local("MON-4", tenders_add_up),
        Check::local("MON-4", paid_orders_have_their_money),
        in_chunks("ORD-1", app, histories_fold),
        Check::local("ORD-1", orders_have_histories),
        Check::local("ORD-2", move |snapshot| unpaid_past_their_time(snapshot, clock.as_ref())).quiescent(),
        Check::local("ORD-3", answered_orders_exist),
        in_chunks("ORD-4", app, versions_increase),
        Check::local("ORD-5", slots_are_counted),
        Check::local("ORD-6", unpaid_orders_are_counted),
    ];
    rows.into_iter().chain(told::checks(&app.db)).collect()
}

/// A rule on each order by itself, which holds at every commit: so each chunk may be of a moment of its own.
fn in_chunks(id: &'static str, app: &Arc<App>, run: fn(&Db) -> Result<Vec<Finding>, StoreError>) -> Check {
    let app = Arc::clone(app);
    Check::row_by_row(id, move || run(&app.db))
}

/// What other services' checks compare with: the money that each order says is with us (MON-4), the orders that may hold
/// stock (STK-3), those whose guests have paid for their goods, and those that nobody makes and money is here for (MON-10).
pub(crate) fn facts() -> Vec<FactSet> {
    vec![
        FactSet::new("orders.paid", |snapshot| {
            let money = money_of_orders(snapshot)?.into_iter();
            Ok(money.map(|(id, minor, currency)| (id.to_string(), (minor, currency))).collect())
        }),
        FactSet::new("orders.live", |snapshot| Ok(by_id(live_orders(snapshot)?))),
        FactSet::new("orders.sold", |snapshot| Ok(by_id(sold_orders(snapshot)?))),
        FactSet::new("orders.unmade", |snapshot| {
            let money = money_without_order(snapshot)?.into_iter();
            Ok(money.map(|(id, state, minor, currency)| (id.to_string(), (state, minor, currency))).collect())
        }),
    ]
}

fn by_id(orders: Vec<(OrderId, OrderState)>) -> Vec<(String, OrderState)> {
    orders.into_iter().map(|(id, state)| (id.to_string(), state)).collect()
}

fn on(id: OrderId, message: impl Into<String>) -> Finding {
    Finding::new(format!("order {id}"), message).of_key(id.to_string())
}

/// MON-6: items − discount − points + delivery = total, and the lines add up to the items.
fn totals_add_up(db: &Db) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    let mut after = OrderId::from_bits(0);
    loop {
        let chunk = db.read_blocking(move |snapshot| orders_after(snapshot, after, CHUNK))?;
        let Some((last, _)) = chunk.last() else { return Ok(findings) };
        after = last.id;
        findings.extend(chunk.iter().filter_map(|(order, total)| sum_fault(order, *total)));
    }
}

fn sum_fault(order: &Order, total: i64) -> Option<Finding> {
    let stored = order.totals;
    if stored.total().amount() != total {
        return Some(on(order.id, format!("its parts make {}, its total is {total}", stored.total().amount())));
    }
    let agrees = |lines: &Totals| lines.items() == stored.items() && lines.discount() == stored.discount();
    match Totals::of(&order.lines, stored.currency()) {
        Ok(lines) if agrees(&lines) => None,
        Ok(lines) => Some(on(order.id, format!("its lines make {}, its items {}", lines.items(), stored.items()))),
        Err(error) => Some(on(order.id, error.to_string())),
    }
}

/// MON-4, our half: what an order says came and went is what its attempts add up to.
fn tenders_add_up(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    let rows = tender_rows(snapshot)?.into_iter();
    Ok(rows
        .map(|row| {
            let message = format!("says {:?} came and went, its payments make {:?}", row.says, row.adds_up);
            Finding::new(format!("order {}", row.order_id), message).of_key(row.order_id)
        })
        .collect())
}

/// MON-4, the other half: whoever is made or was handed over is paid, by an attempt that took all of the total. What of it
/// went back since is another matter.
fn paid_orders_have_their_money(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    let unpaid = paid_without_money(snapshot)?.into_iter();
    Ok(unpaid.map(|(id, state)| on(id, format!("is {state}, and no payment that it names took its total"))).collect())
}

/// The histories that have a fault.
fn folds(db: &Db) -> Result<Vec<Fold>, StoreError> {
    let mut folds: Vec<Fold> = Vec::new();
    let mut after = String::new();
    loop {
        let from = after.clone();
        let chunk = db.read_blocking(move |snapshot| fold_chunk(snapshot, &from))?;
        let Some((up_to, faulty)) = chunk else { return Ok(folds) };
        after = up_to;
        folds.extend(faulty);
    }
}

/// The next histories: up to which order, and those that have a fault.
fn fold_chunk(snapshot: &mut Snapshot<'_>, after: &str) -> Result<Option<(String, Vec<Fold>)>, StoreError> {
    let Some(up_to) = histories_up_to(snapshot, after, CHUNK)? else { return Ok(None) };
    let mut folds: Vec<Fold> = Vec::new();
    let mut open: Option<Fold> = None;
    history_rows(snapshot, after, &up_to, |row| {
        if open.as_ref().is_some_and(|fold| fold.order_id != row.order_id) {
            folds.extend(open.take().filter(Fold::has_faults));
        }
        open.get_or_insert_with(|| Fold::begin(&row)).step(&row);
    })?;
    folds.extend(open.filter(Fold::has_faults));
    Ok(Some((up_to, folds)))
}

/// ORD-1: only legal transitions; the history folds to the stored row.
fn histories_fold(db: &Db) -> Result<Vec<Finding>, StoreError> {
    Ok(folds(db)?.iter().filter_map(Fold::illegal).collect())
}

/// ORD-1: an order has a history.
fn orders_have_histories(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    let orphans = without_history(snapshot)?.into_iter();
    Ok(orphans.map(|id| Finding::new(format!("order {id}"), "has no history")).collect())
}

/// ORD-4: versions grow by one and no update is lost.
fn versions_increase(db: &Db) -> Result<Vec<Finding>, StoreError> {
    Ok(folds(db)?.iter().filter_map(Fold::version_fault).collect())
}

/// ORD-2: an order that waits to be paid past its time waits for nobody. All other states wait for a named person.
fn unpaid_past_their_time(snapshot: &mut Snapshot<'_>, clock: &dyn Clock) -> Result<Vec<Finding>, StoreError> {
    let late = past_their_time(snapshot, clock.now().minus(EXPIRY_GRACE))?.into_iter();
    Ok(late.map(|(id, expires_at)| on(id, format!("should have expired at {expires_at}"))).collect())
}

/// ORD-3: an answer that was given stands for an order that is there.
fn answered_orders_exist(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    let lost = answered_without_order(snapshot)?.into_iter();
    Ok(lost.map(|id| Finding::new(format!("order {id}"), "was answered as placed and is not there")).collect())
}

/// ORD-5: what is taken of a slot is what its orders hold; the capacity is a constraint of the table.
fn slots_are_counted(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    Ok(slot_counts(snapshot)?.into_iter().map(miscounted).collect())
}

/// ORD-6: a guest's counter of unpaid orders is how many there are.
fn unpaid_orders_are_counted(snapshot: &mut Snapshot<'_>) -> Result<Vec<Finding>, StoreError> {
    Ok(unpaid_counts(snapshot)?.into_iter().map(miscounted).collect())
}

fn miscounted(row: CountRow) -> Finding {
    let CountRow { subject, counted, there } = row;
    Finding::new(subject, format!("counts {counted} orders, there are {there}"))
}

/// Kept with [`crate::model::is_legal`]: what a history may do between two entries.
fn may_follow(kind: FulfilmentKind, from: OrderState, to: OrderState) -> bool {
    from == to || crate::model::is_legal(kind, from, to)
}
