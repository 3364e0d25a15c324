//! `order-service_orders`: what the warehouse reads, made from our own events by a consumer (decision 41), so that
//! placement does not pay for it.
//!
//! A message tells the order as it stands when it is made, not as it stood at the event: a message that comes again,
//! or after a later one, says the same or newer things, which is what the warehouse asks for.

use contracts::OrderId;
use contracts::feed::{FeedItem, FeedOrder, FeedRef, FeedState, FeedStatus, FeedTime, MajorUnits, OrderFeed};
use contracts::orders::{OrderPlaced, OrderState, OrderUpdated};
use eventlog::{Delivered, Failure};
use kernel::{Event as _, Timestamp};
use store::Tx;

use crate::store::{Passage, Travelled, load_with_passages};

/// Publishes the order of each event, if its status in the feed may have changed.
pub(crate) fn publish_feed(tx: &mut Tx<'_>, events: &[&Delivered]) -> Result<(), Failure> {
    let (mut moves, mut ids) = (Vec::new(), Vec::new());
    for event in events {
        if let Some(id) = moved_order(event)? {
            moves.push(event);
            ids.push(id);
        }
    }
    let orders = load_with_passages(tx, &ids)?;
    for ((event, id), found) in moves.into_iter().zip(ids).zip(orders) {
        let travelled = found.ok_or_else(|| Failure::GiveUp(format!("{id} is no order")))?;
        tx.in_trace(event.traceparent.as_deref());
        tx.publish(&message(&travelled, tx.now()))?;
    }
    Ok(())
}

/// The order that moved.
fn moved_order(event: &Delivered) -> Result<Option<OrderId>, Failure> {
    if event.topic == OrderPlaced::TOPIC {
        return Ok(Some(event.decode::<OrderPlaced>()?.order_id));
    }
    let updated: OrderUpdated = event.decode()?;
    // Where it stays, money goes back.
    Ok((updated.from != updated.to).then_some(updated.order_id))
}

fn message(Travelled { order, passages }: &Travelled, now: Timestamp) -> OrderFeed {
    let statuses = statuses(passages);
    let last = statuses.first().copied();
    let (final_status, since) = last.map_or((FeedState::Open, order.placed_at.into()), |s| (s.status, s.dttm));
    OrderFeed {
        object_id: order.feed_id,
        object_type: "order".to_owned(),
        sent_dttm: now.into(),
        payload: FeedOrder {
            restaurant: FeedRef { id: order.shop_id },
            date: since,
            user: FeedRef { id: order.guest_id },
            order_items: order.lines.iter().map(item).collect(),
            bonus_payment: order.totals.points().into(),
            cost: order.totals.items().into(),
            payment: order.totals.total().into(),
            bonus_grant: MajorUnits::ZERO,
            statuses,
            final_status,
            update_ts: since,
        },
        order_id: order.id,
        version: order.version,
    }
}

fn item(line: &crate::model::Line) -> FeedItem {
    FeedItem { id: line.product_id, name: line.name.ru.clone(), price: line.unit_price.into(), quantity: line.quantity }
}

/// The history in the words of the feed, the latest first; neighbours that are the same word are one status.
fn statuses(history: &[Passage]) -> Vec<FeedStatus> {
    let mut statuses: Vec<FeedStatus> = Vec::with_capacity(history.len());
    for entry in history {
        let status = feed_state(entry.state);
        if statuses.last().is_none_or(|last| last.status != status) {
            statuses.push(FeedStatus { status, dttm: FeedTime::from(entry.at) });
        }
    }
    statuses.reverse();
    statuses
}

const fn feed_state(state: OrderState) -> FeedState {
    match state {
        OrderState::Placed | OrderState::Paid => FeedState::Open,
        OrderState::Preparing | OrderState::Ready => FeedState::Cooking,
        OrderState::Delivering => FeedState::Delivering,
        OrderState::Closed => FeedState::Closed,
        OrderState::Cancelled | OrderState::Expired => FeedState::Cancelled,
    }
}
