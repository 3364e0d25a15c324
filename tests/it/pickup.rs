//! The story of an order that is picked up, and the ways in which it can go wrong, over real HTTP.

use serde_json::{Value, json};
use testkit::TestDatabase;

use crate::api::Api;
use crate::stage::{Shop, Stage, eventually};

testkit::both_databases!(
    an_order_is_paid_at_the_bank_made_and_handed_over,
    an_order_is_paid_at_the_counter,
    a_cancelled_order_gives_money_and_stock_back,
    money_that_the_bank_refuses_to_give_back_is_handed_over,
    the_last_cake_goes_to_one_of_sixteen_guests,
    a_repeated_placement_has_one_effect,
    a_guest_sees_nothing_of_another_guest
);

const CARD_THAT_PAYS: &str = "card=4242424242424242";
/// It pays, and its bank refuses every refund.
const CARD_OF_A_CLOSED_ACCOUNT: &str = "card=4300000000000000";

pub(crate) fn basket(shop: &Shop, variant: &str, method: &str, total: i64) -> Value {
    json!({"shop_id": shop.id, "fulfilment": {"kind": "pickup", "at": "asap"},
        "lines": [{"variant_id": variant, "quantity": 1, "modifiers": []}], "promo_codes": [], "points": 0,
        "expected_total": {"amount": total, "currency": "RUB"}, "payment": {"method": method, "return_url": null}})
}

/// Waits until the payment is in this state.
pub(crate) fn payment_in(api: &Api, order: &str, state: &str) -> Value {
    eventually(&format!("the payment of {order} is {state}"), || {
        let payment = api.get(&format!("/orders/{order}/payment?wait=1s")).expect(200);
        (payment["state"] == state).then_some(payment)
    })
}

fn order_in(api: &Api, order: &str, state: &str) -> Value {
    eventually(&format!("the order {order} is {state}"), || {
        let read = api.get(&format!("/orders/{order}")).expect(200);
        (read["state"] == state).then_some(read)
    })
}

fn pay_at_the_bank(guest: &Api, order: &str) {
    pay_with(guest, order, CARD_THAT_PAYS);
}

fn pay_with(guest: &Api, order: &str, card: &str) {
    let page = eventually("the bank's page is there", || {
        let payment = guest.get(&format!("/orders/{order}/payment?wait=1s")).expect(200);
        payment["payment_url"].as_str().map(str::to_owned)
    });
    let answer = guest.submit(&page, card);
    assert!(answer.status < 400, "{}", answer.text);
    payment_in(guest, order, "captured");
}

fn finish(mut stage: Stage) {
    stage.come_to_rest();
}

fn an_order_is_paid_at_the_bank_made_and_handed_over(database: &TestDatabase) {
    let stage = Stage::new(database, &[]);
    let shop = stage.open_shop(5);
    let guest = stage.guest("anna");

    let quote = guest.post("/orders/quote", &basket(&shop, &shop.cake, "online", 20_000));
    let placed = guest.post_with_key("/orders", "story-pickup-00001", &basket(&shop, &shop.cake, "online", 20_000));
    assert_eq!(quote.status, 422, "a quote takes no payment: {}", quote.text);
    assert!(placed.location().contains("/orders/ord_"), "{}", placed.location());
    let placed = placed.expect(201);
    let order = placed["id"].as_str().unwrap();
    assert_eq!(placed["state"], "placed");
    assert_eq!(placed["total"], json!({"amount": 20_000, "currency": "RUB"}));
    pay_at_the_bank(&guest, order);
    order_in(&guest, order, "paid");

    for state in ["preparing", "ready", "closed"] {
        shop.barista.post(&format!("/orders/{order}/status"), &json!({"state": state})).expect(200);
    }
    let read = guest.get(&format!("/orders/{order}")).expect(200);
    assert_eq!(read["state"], "closed");
    assert_eq!(read["payment"]["state"], "captured");
    assert_eq!(read["delivery"], Value::Null);
    let states: Vec<&str> = read["history"].as_array().unwrap().iter().filter_map(|h| h["state"].as_str()).collect();
    assert_eq!(states, ["placed", "paid", "preparing", "ready", "closed"]);
    let stock = eventually("the stock is taken", || {
        let stock = shop.manager.get(&format!("/stock?shop_id={}", shop.id)).expect(200);
        let cake = stock["items"].as_array().unwrap().iter().find(|i| i["variant_id"] == json!(shop.cake)).cloned()?;
        (cake["reserved"] == 0).then_some(cake)
    });
    assert_eq!(stock["on_hand"], 4);
    let ledger = shop.manager.get(&format!("/ledger?order_id={order}")).expect(200);
    assert_eq!(ledger["items"].as_array().unwrap().len(), 1, "{ledger:#}");
    finish(stage);
}

fn an_order_is_paid_at_the_counter(database: &TestDatabase) {
    let stage = Stage::new(database, &[]);
    let shop = stage.open_shop(1);
    let guest = stage.guest("boris");

    let placed = guest
        .post_with_key("/orders", "story-counter-0001", &basket(&shop, &shop.latte, "counter", 15_000))
        .expect(201);
    let order = placed["id"].as_str().unwrap();
    let board = shop.barista.get(&format!("/shops/{}/board", shop.id)).expect(200);
    assert_eq!(board["awaiting_payment"][0]["order_id"], json!(order));
    let payment = eventually("the payment is there", || {
        let payment = shop.barista.get(&format!("/orders/{order}/payment?wait=1s")).expect(200);
        payment["id"].as_str().map(str::to_owned)
    });
    let how = json!({"how": "cash", "reference": null});
    shop.barista.post_with_key(&format!("/payments/{payment}/receive"), "receive-000000001", &how).expect(200);
    order_in(&guest, order, "paid");
    for state in ["preparing", "ready", "closed"] {
        shop.barista.post(&format!("/orders/{order}/status"), &json!({"state": state})).expect(200);
    }

    assert_eq!(guest.get(&format!("/orders/{order}")).expect(200)["payment_state"], "paid");
    finish(stage);
}

fn a_cancelled_order_gives_money_and_stock_back(database: &TestDatabase) {
    let stage = Stage::new(database, &[]);
    let shop = stage.open_shop(1);
    let guest = stage.guest("clara");
    let placed =
        guest.post_with_key("/orders", "story-cancel-00001", &basket(&shop, &shop.cake, "online", 20_000)).expect(201);
    let order = placed["id"].as_str().unwrap();
    pay_at_the_bank(&guest, order);
    order_in(&guest, order, "paid");

    let cancelled = guest.post(&format!("/orders/{order}/cancel"), &json!({"reason": "changed my mind"})).expect(200);
    assert_eq!(cancelled["state"], "cancelled");

    let refunded = payment_in(&guest, order, "refunded");
    assert_eq!(refunded["refunded"], json!({"amount": 20_000, "currency": "RUB"}));
    eventually("the cake is back", || {
        let stock = shop.manager.get(&format!("/stock?shop_id={}", shop.id)).expect(200);
        stock["items"].as_array().unwrap().iter().find(|i| i["available"] == 1).cloned()
    });
    finish(stage);
}

/// MON-10: what nobody can give back through the bank is named, until staff have handed it over.
fn money_that_the_bank_refuses_to_give_back_is_handed_over(database: &TestDatabase) {
    let mut stage = Stage::new(database, &[]);
    let shop = stage.open_shop(1);
    let guest = stage.guest("zoya");
    let placed =
        guest.post_with_key("/orders", "story-closed-00001", &basket(&shop, &shop.cake, "online", 20_000)).expect(201);
    let order = placed["id"].as_str().unwrap();
    pay_with(&guest, order, CARD_OF_A_CLOSED_ACCOUNT);
    order_in(&guest, order, "paid");
    guest.post(&format!("/orders/{order}/cancel"), &json!({"reason": "changed my mind"})).expect(200);
    let payment = eventually("the bank refuses", || {
        let alarmed = shop.manager.get("/payments?alarmed=true").expect(200)["items"][0].clone();
        (alarmed["alarm"] == "refund_failed").then(|| alarmed["id"].as_str().unwrap().to_owned())
    });
    assert!(stage.stop());
    let report = stage.audit();
    let named: Vec<_> = report["checks"].as_array().unwrap().iter().filter(|c| c["findings"] != json!([])).collect();
    assert!(named.len() == 1 && named[0]["id"] == "MON-10", "{named:#?}");
    assert_eq!(named[0]["findings"][0]["subject"], format!("order {order}"));
    stage.start();

    let by_hand = json!({"amount": {"amount": 20_000, "currency": "RUB"}, "how": "cash", "reason": "the bank refuses"});
    let path = format!("/payments/{payment}/refunds");
    let refund = shop.manager.post_with_key(&path, "story-closed-00002", &by_hand).expect(201);

    assert_eq!((&refund["how"], &refund["state"]), (&json!("cash"), &json!("succeeded")));
    payment_in(&guest, order, "refunded");
    eventually("the order says so", || {
        (guest.get(&format!("/orders/{order}")).expect(200)["payment_state"] == "refunded").then_some(())
    });
    assert_eq!(shop.manager.get("/payments?alarmed=true").expect(200)["items"], json!([]));
    finish(stage);
}

fn the_last_cake_goes_to_one_of_sixteen_guests(database: &TestDatabase) {
    let stage = Stage::new(database, &[]);
    let shop = stage.open_shop(1);
    let guests: Vec<Api> = (0..16).map(|n| stage.guest(&format!("guest{n}"))).collect();
    let barrier = std::sync::Barrier::new(guests.len());

    let answers: Vec<_> = std::thread::scope(|scope| {
        let buyers: Vec<_> = guests
            .iter()
            .enumerate()
            .map(|(n, guest)| {
                let (shop, barrier) = (&shop, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    guest.post_with_key(
                        "/orders",
                        &format!("the-last-cake-{n:04}"),
                        &basket(shop, &shop.cake, "online", 20_000),
                    )
                })
            })
            .collect();
        buyers.into_iter().map(|b| b.join().unwrap()).collect()
    });

    let won = answers.iter().filter(|a| a.status == 201).count();
    assert_eq!(won, 1);
    for answer in answers.iter().filter(|a| a.status != 201) {
        assert_eq!((answer.status, answer.code()), (409, "orders.out-of-stock"), "{}", answer.text);
        assert_eq!(answer.body["lines"][0]["available"], 0, "{}", answer.text);
    }
    finish(stage);
}

fn a_repeated_placement_has_one_effect(database: &TestDatabase) {
    let stage = Stage::new(database, &[]);
    let shop = stage.open_shop(10);
    let guest = stage.guest("diana");
    let barrier = std::sync::Barrier::new(20);

    let answers: Vec<_> = std::thread::scope(|scope| {
        let same: Vec<_> = (0..20)
            .map(|_| {
                let (guest, shop, barrier) = (&guest, &shop, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    guest.post_with_key("/orders", "twenty-at-once-001", &basket(shop, &shop.cake, "online", 20_000))
                })
            })
            .collect();
        same.into_iter().map(|s| s.join().unwrap()).collect()
    });

    let created: Vec<&str> = answers.iter().filter(|a| a.status == 201).map(|a| a.text.as_str()).collect();
    assert!(!created.is_empty());
    assert!(created.iter().all(|text| *text == created[0]), "every 201 is byte-identical");
    assert!(answers.iter().filter(|a| a.status != 201).all(|a| a.status == 409));
    let orders = guest.get("/orders").expect(200);
    assert_eq!(orders["items"].as_array().unwrap().len(), 1);
    finish(stage);
}

fn a_guest_sees_nothing_of_another_guest(database: &TestDatabase) {
    let stage = Stage::new(database, &[]);
    let shop = stage.open_shop(3);
    let (anna, eve) = (stage.guest("anna"), stage.guest("eve"));
    let placed =
        anna.post_with_key("/orders", "annas-order-000001", &basket(&shop, &shop.cake, "online", 20_000)).expect(201);
    let order = placed["id"].as_str().unwrap();

    for path in [format!("/orders/{order}"), format!("/orders/{order}/payment")] {
        assert_eq!(eve.get(&path).status, 404, "{path}");
    }
    let cancel = eve.post(&format!("/orders/{order}/cancel"), &json!({"reason": "mine now"}));
    assert_eq!(cancel.status, 404);
    let again = json!({"method": "online", "return_url": null});
    assert_eq!(eve.post_with_key(&format!("/orders/{order}/payments"), "eve-pays-again-001", &again).status, 404);
    assert_eq!(eve.get("/orders").expect(200)["items"], json!([]));
    assert_eq!(anna.get(&format!("/orders/{order}")).expect(200)["state"], "placed");
    finish(stage);
}
