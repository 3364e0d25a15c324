//! The bank says nothing: it is asked. About every payment that is not at an end, and every refund on its way.

use std::sync::Arc;
use std::time::Duration;

use contracts::PaymentId;
use contracts::payments::PaymentState;
use kernel::Timestamp;
use store::StoreError;

use super::carry_out::{Away, Said, cancel, capture, fetch, open, refund_one, write_down};
use crate::app::App;
use crate::error::Error;
use crate::model::payment::Payment;
use crate::model::refund::{Refund, RefundState};
use crate::provider::Capture;
use crate::store as rows;

/// How many payments one turn asks about.
const TURN_MAX: u32 = 100;

/// How long one turn may take before it leaves the rest to the next one: a bank that lets every question run out of
/// time must not keep a turn beyond its lease, nor the program from stopping.
const TURN_TIME: Duration = Duration::from_secs(10);

/// Asks about everything that is due. Ends at the first sign that the bank is away, and when it takes too long. A payment
/// that cannot be asked about does not keep the others from it.
///
/// # Errors
/// The database fails, or what it holds of a payment cannot be worked with.
pub(crate) fn ask_about_silent(app: &Arc<App>, now: Timestamp) -> Result<(), Error> {
    let due = app.db.read_blocking(move |snapshot| rows::due(snapshot, now, TURN_MAX))?;
    let (began, mut failed) = (app.clock.elapsed(), Ok(()));
    for id in due {
        match ask_about(app, id, now) {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => {
                tracing::debug!(reason, "the bank is away; payments wait for it");
                break;
            }
            Err(Error::Store(error)) if error.is_temporary() => return Err(error.into()),
            Err(error) => failed = failed.and(Err(error)),
        }
        if app.clock.elapsed().saturating_sub(began) >= TURN_TIME {
            break;
        }
    }
    failed
}

fn ask_about(app: &Arc<App>, id: PaymentId, now: Timestamp) -> Result<Result<(), Away>, Error> {
    let known = app.db.read_blocking(move |snapshot| {
        let payment = rows::payment(snapshot, id)?;
        Ok::<_, StoreError>((payment, rows::refunds_of(snapshot, id)?))
    })?;
    let (Some(payment), refunds) = known else { return Ok(Ok(())) };
    let said = match question(app, &payment, &refunds) {
        Ok(said) => said,
        Err(reason) => return Ok(Err(reason)),
    };
    let app = Arc::clone(app);
    let again_at = app.next_ask_at(now, payment.asks + 1);
    app.clone().db.write_blocking(move |tx| {
        said.iter().try_for_each(|said| write_down(tx, &app, &payment, said))?;
        let moved = rows::payment(tx, id)?.is_some_and(|known| known.version != payment.version);
        if !moved {
            rows::asked(tx, id, again_at)?;
        }
        Ok::<_, Error>(())
    })?;
    Ok(Ok(()))
}

/// What there is to ask.
fn question(app: &App, payment: &Payment, refunds: &[Refund]) -> Result<Vec<Said>, Away> {
    match payment.state {
        PaymentState::Created | PaymentState::Unknown => open(app, payment),
        PaymentState::Pending | PaymentState::Authorized if payment.cancel_wanted => cancel(app, payment),
        PaymentState::Authorized if app.bank.capture_mode() == Capture::Manual => capture(app, payment),
        PaymentState::Pending
        | PaymentState::Authorized
        | PaymentState::Captured
        | PaymentState::PartiallyRefunded
        | PaymentState::Refunded
        | PaymentState::Failed
        | PaymentState::Expired
        | PaymentState::Cancelled => look_and_refund(app, payment, refunds),
    }
}

/// Looks at the payment; refunds that the bank has never heard of are asked for anew.
fn look_and_refund(app: &App, payment: &Payment, refunds: &[Refund]) -> Result<Vec<Said>, Away> {
    let mut said = fetch(app, payment)?;
    let Some(Said::Seen(seen)) = said.first() else { return Ok(said) };
    let is_known = |refund: &Refund| {
        let id = refund.id.text();
        seen.refunds.iter().any(|known| known.reference == id.as_str())
    };
    let unheard: Vec<&Refund> = refunds
        .iter()
        .filter(|refund| matches!(refund.state, RefundState::Pending | RefundState::Unknown) && !is_known(refund))
        .collect();
    for refund in unheard {
        said.extend(refund_one(app, payment, refund)?);
    }
    Ok(said)
}
