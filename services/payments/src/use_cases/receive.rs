//! A barista receives the money of an order.

use contracts::payments::PaymentState;
use contracts::{PaymentId, UserId};
use service::Shops;
use store::{AuditEntry, Tx};

use super::give_back::never_away;
use super::record::{lock, record_locked};
use crate::app::App;
use crate::error::Error;
use crate::model::payment::{Payment, ProviderName, ReceivedHow};
use crate::provider::{Counter, Provider as _};
use crate::store as rows;

/// What a barista says.
#[derive(Clone, Debug)]
pub(crate) struct Receive {
    pub(crate) payment_id: PaymentId,
    pub(crate) shops: Shops,
    pub(crate) user_id: UserId,
    pub(crate) how: ReceivedHow,
    pub(crate) reference: Option<String>,
}

/// Records that the money is in the till. Said twice, it is received once.
pub(crate) fn receive(tx: &mut Tx<'_>, app: &App, said: &Receive) -> Result<Payment, Error> {
    let (order, before) = lock(tx, said.payment_id)?;
    if !said.shops.has(before.shop_id) {
        return Err(Error::UnknownPayment);
    }
    if before.provider != ProviderName::Counter {
        return Err(Error::NotAtCounter);
    }
    if before.state == PaymentState::Captured && is_same(&before, said) {
        return Ok(before);
    }
    if order.paid_by.is_some() {
        return Err(Error::AlreadyPaid);
    }
    if rows::is_ended(tx, order.id)? {
        return Err(Error::OrderEnded);
    }
    if before.state != PaymentState::Pending {
        return Err(Error::IllegalTransition { from: before.state, to: PaymentState::Captured });
    }
    let told = Payment { received_how: Some(said.how), received_reference: said.reference.clone(), ..before.clone() };
    let seen = Counter.capture(&told).map_err(|error| never_away(&error))?;
    let payment = record_locked(tx, app, &order, &told, &seen)?;
    tx.audit(
        AuditEntry::new(said.user_id.to_string(), "payments.receive", payment.id.to_string())
            .shop(payment.shop_id.to_string())
            .before(serde_json::json!({"state": before.state}))
            .after(serde_json::json!({"state": payment.state, "captured": payment.captured, "how": said.how})),
    )?;
    Ok(payment)
}

fn is_same(payment: &Payment, said: &Receive) -> bool {
    payment.received_how == Some(said.how) && payment.received_reference == said.reference
}
