//! What the shop is told, and that it is told until it has heard.

use sandbox::bank::sign;

use crate::shop::{SECRET, Shop, a_bank, open, pay};

#[test]
fn callbacks_are_signed_over_timestamp_and_raw_body() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    let shop = Shop::open();

    pay(&open(bank.url(), "ord_1", &shop.url), "4242424242424242");

    let callback = shop.event("payment.captured");
    assert_eq!(callback.signature, sign(SECRET, &callback.timestamp, callback.raw.as_bytes()));
    assert_eq!(callback.body["order_id"], "ord_1");
    assert!(callback.body["id"].as_str().unwrap().starts_with("evt_"));
    assert!(callback.body["at"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn an_event_is_retried_until_2xx_with_the_same_id() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    let shop = Shop::that_refuses_first(4);

    pay(&open(bank.url(), "ord_1", &shop.url), "4242424242424242");

    let captured = |callback: &crate::shop::Callback| callback.body["type"] == "payment.captured";
    let callbacks =
        shop.when(|callbacks| callbacks.iter().filter(|c| captured(c)).count() >= 2 && callbacks.len() >= 5);
    let ids: std::collections::HashSet<_> =
        callbacks.iter().filter(|c| captured(c)).map(|c| c.body["id"].clone()).collect();
    assert_eq!(ids.len(), 1, "an event keeps its id over its tries");
}

#[test]
fn what_was_not_delivered_is_delivered_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    let shop = Shop::that_refuses_first(usize::MAX);
    let opened = open(bank.url(), "ord_1", &shop.url);
    pay(&opened, "4242424242424242");
    let before = shop.event("payment.captured");
    bank.stop();
    let heard = shop.when(|_| true).len();

    let _bank = a_bank(folder.path());

    let captured = |callback: &crate::shop::Callback| callback.body["type"] == "payment.captured";
    let callbacks = shop.when(|callbacks| callbacks.iter().skip(heard).any(captured));
    let after = callbacks.into_iter().skip(heard).find(captured).unwrap();
    assert_eq!(before.body, after.body);
}
