//! The hosted payment page: the only place where a card is typed.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::api::{Desk, Refusal, payment_id};
use super::books::Paid;
use super::model::{self, Payment};

pub(super) async fn show(State(desk): State<Desk>, Path(id): Path<String>) -> Result<Response, Refusal> {
    desk.arrive().await?;
    let id = payment_id(&id)?;
    let payment = desk.work(move |books| books.payment(id)).await?;
    Ok(page(StatusCode::OK, &payment, None))
}

/// `card=…`, and for a card that asked for it `code=…`, as a form.
pub(super) async fn pay(State(desk): State<Desk>, Path(id): Path<String>, body: Bytes) -> Result<Response, Refusal> {
    desk.arrive().await?;
    let id = payment_id(&id)?;
    let (mut card, mut code) = (String::new(), None);
    for (name, value) in url::form_urlencoded::parse(&body) {
        match name.as_ref() {
            "card" => card = value.into_owned(),
            "code" => code = Some(value.into_owned()),
            _ => {}
        }
    }
    let (outcome, payment) = desk
        .work(move |books| {
            let outcome = books.pay(id, &card, code.as_deref())?;
            Ok((outcome, books.payment(id)?))
        })
        .await?;
    match outcome {
        Paid::Done => {
            desk.leave().await?;
            Ok(back_to_the_shop(&payment))
        }
        Paid::CodeDue => Ok(page(StatusCode::OK, &payment, None)),
        Paid::Silence => {
            desk.silence().await;
            Ok(StatusCode::GATEWAY_TIMEOUT.into_response())
        }
        Paid::NotACard => Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &payment, Some("This is not a test card."))),
    }
}

fn back_to_the_shop(payment: &Payment) -> Response {
    match &payment.return_url {
        Some(url) => (StatusCode::SEE_OTHER, [(header::LOCATION, url.clone())]).into_response(),
        None => page(StatusCode::OK, payment, None),
    }
}

const STYLE: &str = "body{font:16px/1.5 system-ui;max-width:24rem;margin:10vh auto;padding:0 1rem;color:#123}\
                     h1{font-size:1.2rem}input,button{font:inherit;padding:.5rem;width:100%;box-sizing:border-box;\
                     margin:.3rem 0}button{background:#157;color:#fff;border:0}p.fault{color:#a00}";

fn page(status: StatusCode, payment: &Payment, fault: Option<&str>) -> Response {
    let fault = fault.map_or_else(String::new, |text| format!("<p class=fault role=alert>{text}</p>"));
    let html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>Sandbox bank</title><style>{STYLE}</style><h1>Sandbox bank</h1>\
         <p>Order {order}: <strong>{amount}</strong></p>{fault}{form}</html>",
        order = escaped(&payment.order_id),
        amount = payment.amount,
        form = form(payment),
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, html).into_response()
}

fn form(payment: &Payment) -> String {
    let asks = match payment.state {
        model::State::Pending if payment.code_due => {
            "<label>Code from the message (000000)<input name=code inputmode=numeric autofocus></label>"
        }
        model::State::Pending => {
            "<label>Card (4242 4242 4242 4242)<input name=card inputmode=numeric autocomplete=off autofocus></label>"
        }
        model::State::Authorized | model::State::Captured => return "<p>Paid. You can close this page.</p>".to_owned(),
        model::State::Declined => return "<p class=fault>The card was declined: insufficient funds.</p>".to_owned(),
        model::State::Cancelled => return "<p>The shop has cancelled this payment.</p>".to_owned(),
        model::State::Expired => return "<p>The time to pay is over.</p>".to_owned(),
    };
    format!("<form method=post>{asks}<button>Pay {}</button></form>", payment.amount)
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(c),
        }
    }
    html
}
