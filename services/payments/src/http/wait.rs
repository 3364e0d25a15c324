//! Waiting for a payment to move without holding anything: short reads, between them sleep until somebody commits.

use std::time::Duration;

use contracts::OrderId;
use contracts::payments::PaymentState;
use kernel::Timestamp;

use super::requests::WaitQuery;
use crate::app::App;
use crate::error::Error;
use crate::model::payment::Payment;
use crate::store::{self as rows, OrderCopy};

/// An order that was placed this recently may not have been heard of here yet.
const NEWS_TRAVEL: Duration = Duration::from_secs(30);
/// How long a read waits for such an order although nobody asked it to.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long to sleep at most between two looks: another instance may have moved the payment.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// An order's payment: the one that paid it, else its latest.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) order: OrderCopy,
    pub(super) payment: Payment,
}

/// The order's payment, once it is what the reader waits for or the time is over.
pub(super) async fn payment_of_order(app: &App, id: OrderId, query: &WaitQuery) -> Result<Option<Found>, Error> {
    let found = look(app, id).await?;
    let limit = match &found {
        Some(_) => query.wait().unwrap_or_default(),
        None if is_fresh(id, app.clock.now()) => query.wait().unwrap_or_default().max(PATIENCE),
        None => Duration::ZERO,
    };
    if limit.is_zero() {
        return Ok(found);
    }
    // Without a wish to wait, only the order itself is waited for.
    let is_enough = |payment: &Payment| query.wait().is_none() || is_news(payment, query.since);
    match tokio::time::timeout(limit, until(app, id, is_enough)).await {
        Ok(found) => found.map(Some),
        Err(_) => look(app, id).await,
    }
}

/// Looks again with each commit, and from time to time.
async fn until(app: &App, id: OrderId, is_enough: impl Fn(&Payment) -> bool) -> Result<Found, Error> {
    loop {
        let seen = app.db.commits().count();
        if let Some(found) = look(app, id).await?.filter(|found| is_enough(&found.payment)) {
            return Ok(found);
        }
        // Running out is as good as being woken: both look again.
        let _ = tokio::time::timeout(LOOK_EVERY, app.db.commits().changed(seen)).await;
    }
}

async fn look(app: &App, id: OrderId) -> Result<Option<Found>, Error> {
    app.db
        .read(move |snapshot| {
            let Some(order) = rows::order(snapshot, id)? else { return Ok(None) };
            let mut payments = rows::payments_of_order(snapshot, id)?;
            let paid = order.paid_by.and_then(|paid| payments.iter().position(|payment| payment.id == paid));
            let place = paid.or(payments.len().checked_sub(1));
            Ok(place.map(|place| Found { order, payment: payments.swap_remove(place) }))
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
