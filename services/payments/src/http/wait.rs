//! Waiting for a payment to move without holding anything: short reads, between them sleep until somebody commits.

use std::time::Duration;

use contracts::payments::PaymentState;
use contracts::{OrderId, UserId};
use kernel::Timestamp;
use service::Shops;

use super::requests::WaitQuery;
use crate::app::App;
use crate::error::Error;
use crate::model::payment::Payment;
use crate::store::{self as rows, OrderCopy};

/// An order that was placed this recently may not have been heard of here yet.
const NEWS_TRAVEL: Duration = Duration::from_secs(30);
/// How long a read waits for such an order although nobody asked it to.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long it does when it was asked to wait: an id can be made up, and must not keep anything for long.
const PATIENCE_MAX: Duration = Duration::from_secs(1);
/// How long to wait for a commit at most before looking again: another instance may have moved the payment.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How far apart two looks of one reader are in the end at least: with many orders on their way somebody always commits.
const PACE: Duration = Duration::from_millis(100);
/// How soon the second look comes, each further one after twice as long: a payment is there soon after its order.
const PACE_AT_FIRST: Duration = Duration::from_millis(25);

/// Who wants to read.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    pub(super) user_id: UserId,
    /// Whose orders this person sees as staff.
    pub(super) shops: Shops,
}

impl Reader {
    fn may_see(&self, order: &OrderCopy) -> bool {
        order.guest_id == self.user_id || self.shops.has(order.shop_id)
    }
}

/// The order's payment, once it is what the reader waits for or the time is over: the one that paid it, else its latest.
/// What is not for this reader is not there, and not waited for.
pub(super) async fn payment_of_order(
    app: &App,
    id: OrderId,
    reader: &Reader,
    query: &WaitQuery,
) -> Result<Option<Payment>, Error> {
    let seen = app.db.commits().count();
    let found = look(app, id, reader).await?;
    let limit = match &found {
        Some(_) => query.wait().unwrap_or_default(),
        None if is_fresh(id, app.clock.now()) => query.wait().unwrap_or_default().clamp(PATIENCE, PATIENCE_MAX),
        None => Duration::ZERO,
    };
    // Without a wish to wait, only the order itself is waited for.
    let is_enough = |payment: &Payment| query.wait().is_none() || is_news(payment, query.since);
    if limit.is_zero() || found.as_ref().is_some_and(is_enough) {
        return Ok(found);
    }
    let Some(_own_place) = app.waiters.own_place(reader.user_id) else { return Ok(found) };
    // Everybody's places are for orders that are there.
    let place = found.as_ref().map(|_| app.waiters.place());
    if matches!(place, Some(None)) {
        return Ok(found);
    }
    match tokio::time::timeout(limit, until(app, id, reader, seen, is_enough)).await {
        Ok(found) => found.map(Some),
        Err(_) => look(app, id, reader).await,
    }
}

/// Looks again with each commit after the `seen` ones, and from time to time, but never faster than the pace.
async fn until(
    app: &App,
    id: OrderId,
    reader: &Reader,
    mut seen: u64,
    is_enough: impl Fn(&Payment) -> bool,
) -> Result<Payment, Error> {
    let mut pace = tokio::time::interval(PACE);
    let mut apart = PACE_AT_FIRST;
    loop {
        pace.reset_after(apart);
        apart = (apart * 2).min(PACE);
        // Running out is as good as being woken: both look again.
        let _ = tokio::time::timeout(LOOK_EVERY, app.db.commits().changed(seen)).await;
        pace.tick().await;
        seen = app.db.commits().count();
        if let Some(found) = look(app, id, reader).await?.filter(|payment| is_enough(payment)) {
            return Ok(found);
        }
    }
}

async fn look(app: &App, id: OrderId, reader: &Reader) -> Result<Option<Payment>, Error> {
    let reader = reader.clone();
    app.db
        .read(move |snapshot| {
            let Some(order) = rows::order(snapshot, id)?.filter(|order| reader.may_see(order)) else { return Ok(None) };
            let mut payments = rows::payments_of_order(snapshot, id)?;
            let paid = order.paid_by.and_then(|paid| payments.iter().position(|payment| payment.id == paid));
            let place = paid.or(payments.len().checked_sub(1));
            Ok(place.map(|place| payments.swap_remove(place)))
        })
        .await
}

fn is_news(payment: &Payment, since: Option<PaymentState>) -> bool {
    match since {
        Some(known) => payment.state != known,
        None => {
            let waits_for_page = matches!(payment.state, PaymentState::Created | PaymentState::Unknown);
            payment.open_page().is_some() || !waits_for_page
        }
    }
}

/// Ids tell when they were made: only a young order can be one that was not heard of yet.
fn is_fresh(id: OrderId, now: Timestamp) -> bool {
    let made_ms = u64::try_from(id.bits() >> 80).unwrap_or(u64::MAX);
    made_ms.saturating_add(u64::try_from(NEWS_TRAVEL.as_millis()).unwrap_or(u64::MAX)) > now.as_millis()
}
