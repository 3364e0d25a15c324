//! Asking the provider: outside every transaction, with ids of ours as idempotency keys, so that it may be done again
//! after a crash between the answer and its recording.

use std::sync::Arc;

use contracts::RefundId;
use contracts::payments::PaymentState;
use eventlog::{Delivered, Failure, Record};
use store::Tx;

use super::record::{end_refund, lock, raise_alarm, record, record_refund, record_refused, record_unknown};
use crate::app::App;
use crate::error::Error;
use crate::events::{ProviderWanted, Wanted};
use crate::model::judge::{Seen, SeenRefund};
use crate::model::payment::{Alarm, Payment};
use crate::model::refund::{Refund, RefundState};
use crate::provider::{BANK, ProviderError};
use crate::store as rows;

/// What came of asking; recorded in one transaction.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    /// A statement about the payment.
    Seen(Seen),
    /// A statement about a refund.
    Refund(RefundId, SeenRefund),
    /// Whether the payment was opened is not known.
    OpenUnknown,
    /// The payment will not be opened.
    OpenRefused,
    /// Whether the refund was made is not known.
    RefundUnknown(RefundId),
    /// The refund will not be made.
    RefundRefused(RefundId),
    /// The provider has lost the payment.
    Forgotten,
}

/// Carries out a task; the bank being away is no fault of the task.
pub(crate) fn carry_out(app: &Arc<App>, event: &Delivered) -> Result<Record, Failure> {
    let task: ProviderWanted = event.decode()?;
    let (payment, refunds) = app.db.read_blocking(move |snapshot| {
        let payment = rows::payment(snapshot, task.payment_id)?;
        Ok::<_, store::StoreError>((payment, rows::refunds_of(snapshot, task.payment_id)?))
    })?;
    let payment = payment.ok_or_else(|| Failure::GiveUp(format!("there is no payment {}", task.payment_id)))?;
    let said = match task.wanted {
        Wanted::Open => open(app, &payment),
        Wanted::Capture => capture(app, &payment),
        Wanted::Cancel => cancel(app, &payment),
        Wanted::Refund(id) => refunds
            .iter()
            .find(|refund| refund.id == id)
            .map_or(Ok(Vec::new()), |refund| refund_one(app, &payment, refund)),
    };
    let said = said.map_err(|reason| Failure::Unavailable { destination: BANK, reason })?;
    let app = Arc::clone(app);
    Ok(Box::new(move |tx| said.iter().try_for_each(|said| write_down(tx, &app, &payment, said)).map_err(Failure::from)))
}

/// The bank is away: why.
pub(crate) type Away = String;

/// Opens a payment that is not open, and calls it off if that is wanted by now.
pub(crate) fn open(app: &App, payment: &Payment) -> Result<Vec<Said>, Away> {
    if !matches!(payment.state, PaymentState::Created | PaymentState::Unknown) {
        return Ok(Vec::new());
    }
    let seen = match app.provider(payment.provider).open(payment) {
        Ok(seen) => seen,
        Err(ProviderError::Away(reason)) => return Err(reason),
        Err(ProviderError::Silent(reason) | ProviderError::Unclear(reason)) => {
            tracing::warn!(payment.id = %payment.id, reason, "whether a payment was opened is not known");
            return Ok(vec![Said::OpenUnknown]);
        }
        Err(error @ (ProviderError::Refused(_) | ProviderError::Conflict(_) | ProviderError::Forgotten)) => {
            tracing::error!(payment.id = %payment.id, error = %error, "the bank does not open a payment");
            return Ok(vec![Said::OpenRefused]);
        }
    };
    if !payment.cancel_wanted {
        return Ok(vec![Said::Seen(seen)]);
    }
    let opened =
        Payment { provider_ref: Some(seen.provider_ref.clone()), state: PaymentState::Pending, ..payment.clone() };
    let mut said = vec![Said::Seen(seen)];
    said.extend(cancel(app, &opened)?);
    Ok(said)
}

/// Calls a payment off. One that was never seen open is opened first: only so is it known which one to call off.
pub(crate) fn cancel(app: &App, payment: &Payment) -> Result<Vec<Said>, Away> {
    match payment.state {
        PaymentState::Created | PaymentState::Unknown => open(app, &Payment { cancel_wanted: true, ..payment.clone() }),
        PaymentState::Pending | PaymentState::Authorized => {
            let answer = app.provider(payment.provider).cancel(payment);
            look_again(app, payment, answer)
        }
        PaymentState::Captured
        | PaymentState::PartiallyRefunded
        | PaymentState::Refunded
        | PaymentState::Failed
        | PaymentState::Expired
        | PaymentState::Cancelled => Ok(Vec::new()),
    }
}

/// Takes money that is blocked, unless it is to be called off by now: that task stands behind this one.
pub(crate) fn capture(app: &App, payment: &Payment) -> Result<Vec<Said>, Away> {
    if payment.state != PaymentState::Authorized || payment.cancel_wanted {
        return Ok(Vec::new());
    }
    let answer = app.provider(payment.provider).capture(payment);
    look_again(app, payment, answer)
}

/// Looks at a payment.
pub(crate) fn fetch(app: &App, payment: &Payment) -> Result<Vec<Said>, Away> {
    match app.provider(payment.provider).fetch(payment) {
        Ok(seen) => Ok(vec![Said::Seen(seen)]),
        Err(ProviderError::Away(reason)) => Err(reason),
        Err(ProviderError::Forgotten) => Ok(vec![Said::Forgotten]),
        Err(
            error @ (ProviderError::Silent(_)
            | ProviderError::Unclear(_)
            | ProviderError::Refused(_)
            | ProviderError::Conflict(_)),
        ) => {
            tracing::warn!(payment.id = %payment.id, error = %error, "the bank was asked in vain");
            Ok(Vec::new())
        }
    }
}

/// After an answer that is no statement, what the bank holds is looked at instead.
fn look_again(app: &App, payment: &Payment, answer: Result<Seen, ProviderError>) -> Result<Vec<Said>, Away> {
    match answer {
        Ok(seen) => Ok(vec![Said::Seen(seen)]),
        Err(ProviderError::Away(reason)) => Err(reason),
        Err(ProviderError::Forgotten) => Ok(vec![Said::Forgotten]),
        Err(
            ProviderError::Silent(_)
            | ProviderError::Unclear(_)
            | ProviderError::Refused(_)
            | ProviderError::Conflict(_),
        ) => fetch(app, payment),
    }
}

/// Makes a refund that was not made yet.
pub(crate) fn refund_one(app: &App, payment: &Payment, refund: &Refund) -> Result<Vec<Said>, Away> {
    match refund.state {
        RefundState::Pending | RefundState::Unknown => {}
        RefundState::Succeeded | RefundState::Failed => return Ok(Vec::new()),
    }
    match app.provider(payment.provider).refund(payment, refund) {
        Ok(said) => Ok(vec![Said::Refund(refund.id, said)]),
        Err(ProviderError::Away(reason)) => Err(reason),
        Err(ProviderError::Silent(reason) | ProviderError::Unclear(reason)) => {
            tracing::warn!(refund.id = %refund.id, reason, "whether a refund was made is not known");
            Ok(vec![Said::RefundUnknown(refund.id)])
        }
        Err(error @ (ProviderError::Refused(_) | ProviderError::Conflict(_))) => {
            tracing::error!(refund.id = %refund.id, error = %error, "the bank does not make a refund");
            Ok(vec![Said::RefundRefused(refund.id)])
        }
        Err(ProviderError::Forgotten) => Ok(vec![Said::Forgotten]),
    }
}

/// Records what came of asking.
pub(crate) fn write_down(tx: &mut Tx<'_>, app: &App, payment: &Payment, said: &Said) -> Result<(), Error> {
    match said {
        Said::Seen(seen) => record(tx, app, payment.id, seen).map(drop),
        Said::OpenUnknown => record_unknown(tx, app, payment.id),
        Said::OpenRefused => record_refused(tx, app, payment.id),
        Said::Forgotten => raise_alarm(tx, payment.id, Alarm::Forgotten),
        Said::Refund(id, said) => {
            let (_, payment) = lock(tx, payment.id)?;
            let Some(refund) = rows::lock_refund(tx, *id)? else { return Ok(()) };
            record_refund(tx, app, payment, &refund, said).map(drop)
        }
        Said::RefundUnknown(id) => leave_refund(tx, app, payment, *id, RefundState::Unknown),
        Said::RefundRefused(id) => leave_refund(tx, app, payment, *id, RefundState::Failed),
    }
}

fn leave_refund(tx: &mut Tx<'_>, app: &App, payment: &Payment, id: RefundId, to: RefundState) -> Result<(), Error> {
    let (_, payment) = lock(tx, payment.id)?;
    let Some(refund) = rows::lock_refund(tx, id)? else { return Ok(()) };
    if !crate::model::refund::REFUND_TRANSITIONS.contains(&(refund.state, to)) {
        return Ok(());
    }
    end_refund(tx, app, &payment, refund, to).map(drop)
}
