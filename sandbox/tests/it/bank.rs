//! Opening, paying, capturing, cancelling, refunding.

use std::time::Duration;

use serde_json::json;

use crate::shop::{Shop, a_bank, a_bank_that_waits, form, get, open, pay, payment, post};

#[test]
fn a_good_card_pays_and_sends_the_guest_back() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    let shop = Shop::open();
    let opened = open(bank.url(), "ord_1", &shop.url);
    assert_eq!(opened["state"], "pending");

    let page = get(opened["page_url"].as_str().unwrap());
    assert!(page.text.contains("620.00 RUB"), "{}", page.text);
    let answer = pay(&opened, "4242+4242+4242+4242");

    assert_eq!(answer.status, 303);
    assert_eq!(answer.headers["location"], "http://shop.example/thanks");
    let paid = payment(bank.url(), &opened);
    assert_eq!((&paid["state"], &paid["captured"]["amount"]), (&json!("captured"), &json!(62_000)));
    assert_eq!(shop.event("payment.captured").body["amount"]["amount"], 62_000);
}

#[test]
fn a_card_without_money_is_declined_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    let shop = Shop::open();
    let opened = open(bank.url(), "ord_1", &shop.url);

    pay(&opened, "4000000000000002");
    pay(&opened, "4242424242424242");

    assert_eq!(payment(bank.url(), &opened)["state"], "declined");
    shop.event("payment.declined");
}

#[test]
fn a_card_that_asks_for_a_code_pays_with_the_right_one_only() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    for (order, code, state) in [("ord_right", "000000", "captured"), ("ord_wrong", "123456", "declined")] {
        let opened = open(bank.url(), order, &Shop::open().url);

        let asked = pay(&opened, "4100000000000000");
        assert!(asked.text.contains("name=code"), "{}", asked.text);
        form(opened["page_url"].as_str().unwrap(), &format!("code={code}")).unwrap();

        assert_eq!(payment(bank.url(), &opened)["state"], state);
    }
}

#[test]
fn the_silent_card_never_answers_and_the_payment_stays_open() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    let opened = open(bank.url(), "ord_1", &Shop::open().url);

    let answer = form(opened["page_url"].as_str().unwrap(), "card=4200000000000000");

    assert!(matches!(answer, Err(ureq::Error::Timeout(_))));
    assert_eq!(payment(bank.url(), &opened)["state"], "pending");
}

#[test]
fn digits_that_are_no_test_card_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    let opened = open(bank.url(), "<script>", &Shop::open().url);

    let answer = pay(&opened, "5555555555554444");

    assert_eq!(answer.status, 422);
    assert!(!answer.text.contains("<script>"), "the order's name is not HTML");
    assert_eq!(payment(bank.url(), &opened)["state"], "pending");
}

#[test]
fn the_same_key_opens_one_payment_and_another_body_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    let url = format!("{}/v1/payments", bank.url());
    let ask = json!({"amount": {"amount": 5, "currency": "RUB"}, "order_id": "ord_1"});

    let first = post(&url, "key", &ask).unwrap();
    let second = post(&url, "key", &ask).unwrap();
    let other = post(&url, "key", &json!({"amount": {"amount": 6, "currency": "RUB"}, "order_id": "ord_1"})).unwrap();

    assert_eq!(first.text, second.text);
    assert_eq!(second.headers["idempotent-replayed"], "true");
    assert_eq!(other.status, 422);
    assert_eq!(get(&format!("{url}?order_id=ord_1")).body["items"].as_array().unwrap().len(), 1);
}

#[test]
fn bad_requests_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    let url = format!("{}/v1/payments", bank.url());
    let good = json!({"amount": {"amount": 5, "currency": "RUB"}, "order_id": "ord_1"});

    assert_eq!(post(&url, "", &good).unwrap().status, 400);
    for bad in [
        json!({"amount": {"amount": 0, "currency": "RUB"}, "order_id": "o"}),
        json!({"amount": {"amount": 5, "currency": "rub"}, "order_id": "o"}),
        json!({"amount": {"amount": 5, "currency": "RUB"}, "order_id": ""}),
        json!({"amount": {"amount": 5, "currency": "RUB"}, "order_id": "o", "return_url": "javascript:alert(1)"}),
        json!({"amount": {"amount": 5, "currency": "RUB"}, "order_id": "o", "colour": "red"}),
    ] {
        assert_eq!(post(&url, "k", &bad).unwrap().status, 422, "{bad}");
    }
    assert_eq!(get(&format!("{url}/bnk_00000000000000000000000000")).status, 404);
    assert_eq!(get(&format!("{url}/nonsense")).status, 404);
}

#[test]
fn a_manual_payment_is_captured_or_cancelled_by_the_shop() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    for (verb, state) in [("capture", "captured"), ("cancel", "cancelled")] {
        let ask = json!({"amount": {"amount": 5, "currency": "RUB"}, "order_id": verb, "capture": "manual"});
        let opened = post(&format!("{}/v1/payments", bank.url()), verb, &ask).unwrap().body;
        pay(&opened, "4242424242424242");
        assert_eq!(payment(bank.url(), &opened)["state"], "authorized");

        let url = format!("{}/v1/payments/{}/{verb}", bank.url(), opened["id"].as_str().unwrap());
        for key in ["once", "again"] {
            let answer = post(&url, &format!("{verb}-{key}"), &json!({})).unwrap();
            assert_eq!((answer.status, &answer.body["state"]), (200, &json!(state)));
        }
    }
}

#[test]
fn a_captured_payment_cannot_be_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    let opened = open(bank.url(), "ord_1", &Shop::open().url);
    pay(&opened, "4242424242424242");

    let url = format!("{}/v1/payments/{}/cancel", bank.url(), opened["id"].as_str().unwrap());

    assert_eq!(post(&url, "c", &json!({})).unwrap().status, 409);
    assert_eq!(payment(bank.url(), &opened)["state"], "captured");
}

#[test]
fn refunds_are_partial_repeated_and_never_above_what_was_captured() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    let shop = Shop::open();
    let opened = open(bank.url(), "ord_1", &shop.url);
    pay(&opened, "4242424242424242");
    let url = format!("{}/v1/payments/{}/refunds", bank.url(), opened["id"].as_str().unwrap());
    let refund = |key: &str, amount: i64, reference: &str| {
        let ask = json!({"amount": {"amount": amount, "currency": "RUB"}, "reference": reference});
        post(&url, key, &ask).unwrap()
    };

    let first = refund("a", 20_000, "r1");
    let again = refund("b", 20_000, "r1");
    let rest = refund("c", 42_000, "r2");
    let above = refund("d", 1, "r3");

    assert_eq!((first.status, &first.body["state"]), (201, &json!("succeeded")));
    assert_eq!(first.body, again.body, "one refund per reference, whatever the key");
    assert_eq!(rest.status, 201);
    assert_eq!(above.status, 409);
    let paid = payment(bank.url(), &opened);
    assert_eq!(paid["refunded"]["amount"], 62_000);
    assert_eq!(paid["refunds"].as_array().unwrap().len(), 2);
    shop.event("refund.succeeded");
}

#[test]
fn a_closed_account_takes_no_refund() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    let shop = Shop::open();
    let opened = open(bank.url(), "ord_1", &shop.url);
    pay(&opened, "4300000000000000");

    let url = format!("{}/v1/payments/{}/refunds", bank.url(), opened["id"].as_str().unwrap());
    let ask = json!({"amount": {"amount": 5, "currency": "RUB"}, "reference": "r"});

    assert_eq!(post(&url, "a", &ask).unwrap().body["state"], "failed");
    assert_eq!(payment(bank.url(), &opened)["refunded"]["amount"], 0);
    shop.event("refund.failed");
}

#[test]
fn a_page_that_nobody_pays_at_closes() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank_that_waits(folder.path(), Duration::ZERO);
    let shop = Shop::open();
    let opened = open(bank.url(), "ord_1", &shop.url);

    shop.event("payment.expired");
    pay(&opened, "4242424242424242");

    assert_eq!(payment(bank.url(), &opened)["state"], "expired");
}

#[test]
fn the_list_of_all_payments_comes_in_pages() {
    let folder = tempfile::tempdir().unwrap();
    let bank = a_bank(folder.path());
    for number in 0..101 {
        open(bank.url(), &format!("ord_{number}"), "http://127.0.0.1:9/");
    }
    let url = format!("{}/v1/payments", bank.url());

    let first = get(&url).body;
    let second = get(&format!("{url}?cursor={}", first["next_cursor"].as_str().unwrap())).body;

    assert_eq!(first["items"].as_array().unwrap().len(), 100);
    assert_eq!(second["items"].as_array().unwrap().len(), 1);
    assert!(second["next_cursor"].is_null());
}
