//! `/returned`: where the bank's page sends a guest who named no other place, until the web client exists.
//!
//! It is open to everybody, so it knows nothing: neither whose order it is nor what became of the payment. Whatever a
//! browser brings back decides nothing (security.md P6), and the bank sends those back as well who did not pay.

use axum::response::{Html, IntoResponse as _, Json, Response};
use contracts::OrderId;
use http::{HeaderMap, Uri};
use kernel::Language;
use serde_json::json;
use service::language_of;

use crate::root_page::wants_html;

pub(crate) fn answer(headers: &HeaderMap, uri: &Uri) -> Response {
    let order = order_in(uri.query().unwrap_or_default());
    if !wants_html(headers) {
        let link = |end: &str| order.map(|id| format!("/api/v1/orders/{id}{end}"));
        let links = json!({"order": link(""), "payment": link("/payment")});
        return Json(json!({"name": "Samovar", "links": links})).into_response();
    }
    Html(match language_of(headers) {
        Language::En => page("en", "Back from the bank", &english(order)),
        Language::Ru => page("ru", "Вы вернулись из банка", &russian(order)),
    })
    .into_response()
}

/// The order that the address names; only what is an id is ever repeated.
fn order_in(query: &str) -> Option<OrderId> {
    query.split('&').find_map(|pair| pair.strip_prefix("order="))?.parse().ok()
}

fn page(language: &str, title: &str, text: &str) -> String {
    format!(
        "<!doctype html><html lang=\"{language}\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title}</title><h1>{title}</h1>{text}"
    )
}

fn english(order: Option<OrderId>) -> String {
    let order = order.map_or_else(|| "your order".to_owned(), |id| format!("order {id}"));
    format!(
        "<p>The bank has sent you back to the shop. The shop asks the bank itself whether {order} is paid; that takes a few \
         seconds.</p><p>Open your order where you placed it: there you see whether it is paid, and the number that \
         will be called out. If it is not, you can pay again there or at the counter. You can close this page.</p>"
    )
}

fn russian(order: Option<OrderId>) -> String {
    let order = order.map_or_else(|| "ваш заказ".to_owned(), |id| format!("заказ {id}"));
    format!(
        "<p>Банк вернул вас в заведение. Оплачен ли {order}, заведение само узнаёт у банка; это занимает несколько \
         секунд.</p><p>Откройте заказ там, где вы его сделали: там видно, оплачен ли он, и номер, который назовут. Если \
         нет, там же можно оплатить ещё раз или заплатить на кассе. Эту страницу можно закрыть.</p>"
    )
}

#[cfg(test)]
mod tests {
    use super::order_in;

    #[test]
    fn only_an_id_is_taken_from_the_address() {
        assert!(order_in("order=ord_01h455vb4pex5vsknk084sn02q").is_some());
        assert!(order_in("status=success&order=ord_01h455vb4pex5vsknk084sn02q&x").is_some());
        for query in ["", "order=", "order=<script>", "order=shp_01h455vb4pex5vsknk084sn02q", "order=ord_1%3Cb%3E"] {
            assert_eq!(order_in(query), None, "{query}");
        }
    }
}
