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

/// The order's payment, the one that paid it, else its latest: once it is what the reader waits for, or the time is over, or
/// the process ends. What is not for this reader is not there, and not waited for.
pub(super) async fn payment_of_order(
    app: &App,
    id: OrderId,
    reader: &Reader,
    query: &WaitQuery,
) -> Result<Option<Payment>, Error> {
    let watch = Watch { app, id, reader, seen: app.db.commits().count() };
    let found = watch.look().await?;
    let limit = match &found {
        // Without a wish to wait, only the order itself is waited for.
        Some(payment) if !is_waited_for(payment, query) => return Ok(found),
        Some(_) => query.wait().unwrap_or_default(),
        None if is_fresh(id, app.clock.now()) => query.wait().unwrap_or_default().max(PATIENCE),
        None => return Ok(None),
    };
    let Some(_own_place) = app.waiters.own_place(reader.user_id) else { return Ok(found) };
    let came = tokio::select! {
        came = tokio::time::timeout(limit, watch.news(found, query)) => came.ok(),
        () = app.closing.asked() => None,
    };
    match came {
        Some(came) => came,
        None => watch.look().await,
    }
}

/// Whether the reader would rather wait than have this.
fn is_waited_for(payment: &Payment, query: &WaitQuery) -> bool {
    query.wait().is_some_and(|wait| !wait.is_zero()) && !is_news(payment, query.since)
}

/// A reader's eye on an order.
struct Watch<'w> {
    app: &'w App,
    id: OrderId,
    reader: &'w Reader,
    /// The commits before the first look.
    seen: u64,
}

impl Watch<'_> {
    /// First the order, if it was not `found`, then news of it.
    async fn news(&self, found: Option<Payment>, query: &WaitQuery) -> Result<Option<Payment>, Error> {
        let payment = match found {
            Some(payment) => payment,
            None => match tokio::time::timeout(PATIENCE_MAX, self.until(|_| true)).await {
                Ok(came) => came?,
                Err(_) => return Ok(None),
            },
        };
        if !is_waited_for(&payment, query) {
            return Ok(Some(payment));
        }
        // Everybody's places are for orders that are there.
        let Some(_place) = self.app.waiters.place() else { return Ok(Some(payment)) };
        self.until(|payment| !is_waited_for(payment, query)).await.map(Some)
    }

    /// Looks again with each commit after the `seen` ones, and from time to time, but never faster than the pace.
    async fn until(&self, is_enough: impl Fn(&Payment) -> bool) -> Result<Payment, Error> {
        let commits = self.app.db.commits();
        let (mut pace, mut apart, mut seen) = (tokio::time::interval(PACE), PACE_AT_FIRST, self.seen);
        loop {
            pace.reset_after(apart);
            apart = (apart * 2).min(PACE);
            // Running out is as good as being woken: both look again.
            let _ = tokio::time::timeout(LOOK_EVERY, commits.changed(seen)).await;
            pace.tick().await;
            seen = commits.count();
            if let Some(found) = self.look().await?.filter(|payment| is_enough(payment)) {
                return Ok(found);
            }
        }
    }

    async fn look(&self) -> Result<Option<Payment>, Error> {
        let (id, reader) = (self.id, self.reader.clone());
        let read = self.app.db.read(move |snapshot| {
            let Some(order) = rows::order(snapshot, id)?.filter(|order| reader.may_see(order)) else { return Ok(None) };
            let mut payments = rows::payments_of_order(snapshot, id)?;
            let paid = order.paid_by.and_then(|paid| payments.iter().position(|payment| payment.id == paid));
            let place = paid.or(payments.len().checked_sub(1));
            Ok(place.map(|place| payments.swap_remove(place)))
        });
        read.await
    }
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
