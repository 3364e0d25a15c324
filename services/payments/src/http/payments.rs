//! Payments, as staff of a shop use them.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use contracts::{PaymentId, RefundId};
use http::HeaderMap;
use kernel::Currency;
use service::{
    Answer, Fault, IdempotencyKeyHeader, IfNoneMatchHeader, Keyed, Listing, Page, PageQuery, PathId, Principal,
    Problem, Role, etagged, once, without_card_numbers,
};

use super::answers::{PaymentAnswer, PaymentDetail, PaymentPage, RefundAnswer, StaffPaymentAnswer};
use super::refusals::{ReceivingRefused, RefundRefused};
use super::requests::{PaymentsQuery, ReceiveRequest, RefundRequest};
use crate::app::App;
use crate::error::Error;
use crate::model::refund::LineFault;
use crate::store::{self as rows, PaymentFilter, PaymentKey};
use crate::use_cases::give_back::{StaffRefund, refund_by_staff};
use crate::use_cases::receive::{Receive, receive};

/// Who sees the payments of a shop.
const READERS: [Role; 2] = [Role::Manager, Role::Admin];
/// Who takes money at the counter of a shop; an administrator only with one of these roles.
const RECEIVERS: [Role; 2] = [Role::Barista, Role::Manager];
/// Who gives money back.
const REFUNDERS: [Role; 1] = [Role::Manager];

/// List payments, the newest first
#[utoipa::path(get, path = "/payments", tag = "payments", params(PaymentsQuery, PageQuery, IfNoneMatchHeader),
    responses((status = 200, description = "A page.", body = PaymentPage)))]
pub(super) async fn list_payments(
    State(app): State<Arc<App>>,
    principal: Principal,
    Listing { filter, page }: Listing<PaymentsQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let before = page.after::<PaymentKey>()?;
    let shops = principal.shops(&READERS);
    let wanted = PaymentFilter {
        shop_id: filter.shop_id,
        order_id: filter.order_id,
        state: filter.state,
        provider: filter.provider,
        from: filter.from,
        to: filter.to,
        alarmed: filter.alarmed.unwrap_or(false),
    };
    let count = page.rows();
    let found: Result<_, Error> =
        app.db.read(move |snapshot| Ok(rows::list_payments(snapshot, &shops, &wanted, before, count)?)).await;
    let answers: Vec<StaffPaymentAnswer> = found?.into_iter().map(StaffPaymentAnswer::from).collect();
    let Page { items, next_cursor } = Page::of(answers, &page, |payment| PaymentKey(payment.created_at, payment.id));
    Ok(etagged(&headers, &PaymentPage { items, next_cursor }))
}

/// Read a payment with its refunds
#[utoipa::path(get, path = "/payments/{id}", tag = "payments",
    params(("id" = PaymentId, Path, description = "The payment."), IfNoneMatchHeader),
    responses((status = 200, description = "The payment.", body = PaymentDetail)))]
pub(super) async fn read_payment(
    State(app): State<Arc<App>>,
    principal: Principal,
    PathId(id): PathId<PaymentId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let found: Result<_, Error> =
        app.db.read(move |snapshot| Ok((rows::payment(snapshot, id)?, rows::refunds_of(snapshot, id)?))).await;
    let (Some(payment), refunds) = found? else { return Err(Error::UnknownPayment.into()) };
    if !principal.may_as(&READERS, payment.shop_id) {
        return Err(Error::UnknownPayment.into());
    }
    let refunds = refunds.into_iter().map(RefundAnswer::from).collect();
    Ok(etagged(&headers, &PaymentDetail { payment: payment.into(), refunds }))
}

/// Receive money at the counter
///
/// For payments whose method is `counter`. Received twice in the same way, it is received once. An administrator needs
/// one of the roles as well: money moves by the hand of who works in the shop.
#[utoipa::path(post, path = "/payments/{id}/receive", tag = "payments",
    params(("id" = PaymentId, Path, description = "The payment."), IdempotencyKeyHeader),
    request_body = ReceiveRequest,
    responses(
        (status = 200, description = "The payment, captured.", body = PaymentAnswer),
        (status = 409,
            description = "payments.not-at-counter, payments.already-paid, payments.order-ended, payments.illegal-transition with `from`, `to`",
            content_type = "application/problem+json", body = ReceivingRefused),
    ))]
pub(super) async fn receive_payment(
    State(app): State<Arc<App>>,
    principal: Principal,
    PathId(id): PathId<PaymentId>,
    keyed: Keyed<ReceiveRequest>,
) -> Result<Response, Problem> {
    let Keyed { body, intent } = keyed;
    let said = Receive {
        payment_id: id,
        shops: principal.shops(&RECEIVERS),
        user_id: principal.user_id,
        how: body.how,
        reference: body.reference.map(without_card_numbers),
    };
    let db = app.db.clone();
    once(&db, intent, move |tx| {
        let payment = receive(tx, &app, &said).map_err(Problem::from)?;
        Answer::ok(&PaymentAnswer::from(&payment))
    })
    .await
}

/// Give money back
///
/// In part or whole, and repeatedly, as long as the sum does not exceed what was captured. The money is on its way
/// when the answer is `pending`; `GET /payments/{id}` shows how it ended. A refund that the bank refuses for good (the
/// payment's alarm is `refund_failed`) is settled with `how` = `cash`: the shop hands the money over from its till, so the
/// answer is `succeeded`, and the bank is not asked. Any payment with money left may be given back so. An administrator
/// needs the role as well: money moves by the hand of who works in the shop.
#[utoipa::path(post, path = "/payments/{id}/refunds", tag = "payments",
    params(("id" = PaymentId, Path, description = "The payment."), IdempotencyKeyHeader),
    request_body = RefundRequest,
    responses(
        (status = 201, description = "The refund.", body = RefundAnswer),
        (status = 409, description = "payments.refund-exceeds-captured, with `refundable`",
            content_type = "application/problem+json", body = RefundRefused),
    ))]
pub(super) async fn refund_payment(
    State(app): State<Arc<App>>,
    principal: Principal,
    PathId(id): PathId<PaymentId>,
    keyed: Keyed<RefundRequest>,
) -> Result<Response, Problem> {
    let Keyed { body, intent } = keyed;
    let ask = StaffRefund {
        payment_id: id,
        shops: principal.shops(&REFUNDERS),
        user_id: principal.user_id,
        id: RefundId::new(app.clock.now(), app.rng.as_ref()),
        amount: body.amount,
        how: body.how,
        reason: without_card_numbers(body.reason),
        lines: body.lines,
    };
    let db = app.db.clone();
    once(&db, intent, move |tx| {
        let refund = refund_by_staff(tx, &app, &ask).map_err(refused)?;
        Ok::<_, Problem>(Answer::created(&RefundAnswer::from(refund))?.location(&format!("/api/v1/payments/{id}")))
    })
    .await
}

/// What of the body cannot be given back is named place by place.
fn refused(error: Error) -> Problem {
    let faults = if let Error::InvalidLines(faults) = &error {
        faults.iter().map(line_fault).collect()
    } else if let Error::WrongCurrency(currency) = &error {
        vec![another_currency(*currency)]
    } else {
        return error.into();
    };
    Problem::from(error).faults(faults)
}

fn another_currency(of_payment: Currency) -> Fault {
    let (en, ru) =
        (format!("must be {of_payment}, as was paid"), format!("должна быть {of_payment}: так было заплачено"));
    Fault::worded("/amount/currency", "currency", en, ru)
}

fn line_fault(fault: &LineFault) -> Fault {
    match fault {
        LineFault::Unknown { place } => Fault::worded(
            format!("/lines/{place}/line_id"),
            "unknown",
            "the order has no such line",
            "в заказе нет такой строки",
        ),
        LineFault::TooMany { place, left } => Fault::worded(
            format!("/lines/{place}/quantity"),
            "range",
            format!("must be at most {left}: the others were not sold, or went back already"),
            format!("не больше {left}: остальное не продано или уже возвращено"),
        ),
    }
}
