//! What the bank calls back, and what others pretend that it does.

use std::time::Duration;

use contracts::orders::PaymentMethod;
use serde_json::{Value, json};
use testkit::TestDatabase;

use crate::world::{Callback, TOTAL, World};

testkit::both_databases!(
    an_unsigned_or_stale_or_altered_callback_is_refused,
    a_callback_that_comes_a_hundred_times_posts_once,
    twenty_copies_at_once_post_once,
    an_old_event_delivered_anew_changes_nothing,
    older_events_after_newer_ones_never_lead_back,
    a_forged_callback_changes_nothing,
    a_lying_callback_with_a_good_signature_only_makes_us_look,
    a_callback_that_overtakes_our_opening_is_kept_and_matched,
    a_callback_about_a_strangers_payment_is_kept_and_moves_nothing,
    unreadable_callbacks_are_refused_whole,
    old_callbacks_are_forgotten,
    a_flood_of_callbacks_is_forgotten_as_well,
);

fn a_paid_page(world: &mut World) -> (contracts::OrderId, Vec<Callback>) {
    let id = world.order(PaymentMethod::Online);
    world.pay(id, "4242424242424242");
    let callbacks = world.callbacks("payment.captured");
    (id, callbacks)
}

fn captured(callbacks: &[Callback]) -> &Callback {
    callbacks.iter().find(|callback| callback.kind() == "payment.captured").unwrap()
}

/// security.md P1.
fn an_unsigned_or_stale_or_altered_callback_is_refused(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, callbacks) = a_paid_page(&mut world);
    let genuine = captured(&callbacks).clone();
    let reread: Value = serde_json::from_str(&genuine.body).unwrap();
    let pretty = serde_json::to_string_pretty(&reread).unwrap();
    let unsigned = world
        .harness
        .post("/payments/callbacks/sandbox")
        .bytes("application/json", genuine.body.clone().into_bytes())
        .send();
    assert_eq!(unsigned.expect(401).code(), "payments.callback-refused");
    let late = (genuine.timestamp.parse::<i64>().unwrap() - 301).to_string();
    let other_secret = sandbox::bank::sign("another", &genuine.timestamp, genuine.body.as_bytes());
    let stale = sandbox::bank::sign(crate::world::SECRET, &late, genuine.body.as_bytes());
    for wrong in [
        Callback { body: pretty, ..genuine.clone() },
        Callback { signature: other_secret, ..genuine.clone() },
        Callback { timestamp: late, signature: stale, ..genuine.clone() },
        Callback { timestamp: "0".to_owned(), ..genuine.clone() },
        Callback { signature: "v1=00".to_owned(), ..genuine.clone() },
    ] {
        assert_eq!(world.call_back(&wrong).expect(401).code(), "payments.callback-refused", "{wrong:?}");
    }
    world.harness.settle();
    assert_eq!(world.payment(id)["state"], "pending");

    world.call_back(&genuine).expect(200);
    world.harness.settle();
    assert_eq!(world.payment(id)["state"], "captured");
    for provider in ["counter", "nobody"] {
        let path = format!("/payments/callbacks/{provider}");
        world.harness.post(&path).bytes("application/json", b"{}".to_vec()).send().expect(404);
    }
}

/// security.md P3.
fn a_callback_that_comes_a_hundred_times_posts_once(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, callbacks) = a_paid_page(&mut world);

    for time in 0..100 {
        world.call_back(captured(&callbacks)).expect(200);
        if time % 10 == 0 {
            world.harness.settle();
        }
    }
    world.harness.settle();

    assert_eq!(world.ledger(id).len(), 2);
    assert_eq!(world.told_states(id), ["created", "pending", "captured"]);
    world.assert_clean();
}

/// security.md P3, P9.
fn twenty_copies_at_once_post_once(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, callbacks) = a_paid_page(&mut world);
    let genuine = captured(&callbacks).clone();
    let harness = &world.harness;

    let statuses = testkit::runtime().block_on(async {
        let copies = (0..20).map(|_| {
            let request = harness
                .post("/payments/callbacks/sandbox")
                .header("x-bank-timestamp", &genuine.timestamp)
                .header("x-bank-signature", &genuine.signature)
                .bytes("application/json", genuine.body.clone().into_bytes());
            async move { request.answer().await.status.as_u16() }
        });
        futures_util::future::join_all(copies).await
    });
    world.harness.settle();

    assert_eq!(statuses, [200; 20]);
    assert_eq!(world.ledger(id).len(), 2);
    world.assert_clean();
}

/// security.md P3: the event is a month old, this delivery of it is not.
fn an_old_event_delivered_anew_changes_nothing(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, callbacks) = a_paid_page(&mut world);
    let genuine = captured(&callbacks).clone();
    world.call_back(&genuine).expect(200);
    world.harness.settle();

    world.clock.advance(Duration::from_secs(30 * 86_400));
    world.call_back(&genuine).expect(401);
    let anew = Callback::signed(&serde_json::from_str(&genuine.body).unwrap(), &world.clock);
    world.call_back(&anew).expect(200);
    world.harness.settle();

    assert_eq!(world.payment(id)["state"], "captured");
    assert_eq!(world.ledger(id).len(), 2);
}

/// security.md P4.
fn older_events_after_newer_ones_never_lead_back(database: &TestDatabase) {
    let mut world = World::open(database);
    let (id, mut callbacks) = a_paid_page(&mut world);
    let payment = world.payment(id)["id"].as_str().unwrap().to_owned();
    callbacks.reverse();
    for callback in &callbacks {
        world.call_back(callback).expect(200);
        world.harness.settle();
        assert_eq!(world.payment(id)["state"], "captured", "the newest came first, and the bank is asked");
    }
    world.refund(&payment, "r", TOTAL).expect(201);
    world.harness.settle();
    assert_eq!(world.payment(id)["state"], "refunded");

    let reference = world.at_bank(id)[0]["id"].clone();
    for kind in ["payment.captured", "payment.pending", "payment.declined"] {
        let event = json!({"id": format!("evt_{}", kind.len()), "type": kind, "payment_id": reference});
        world.call_back(&Callback::signed(&event, &world.clock)).expect(200);
        world.harness.settle();
        assert_eq!(world.payment(id)["state"], "refunded", "{kind}");
    }
    world.assert_clean();
}

fn a_forged_callback_changes_nothing(database: &TestDatabase) {
    let mut world = World::open(database);
    world.fault(&json!({"kind": "forged", "probability": 1.0}));
    let id = world.order(PaymentMethod::Online);

    let forged = world.callbacks("payment.captured");
    for callback in &forged {
        world.call_back(callback).expect(401);
    }
    world.harness.settle();

    assert_eq!(world.payment(id)["state"], "pending");
    assert!(world.ledger(id).is_empty());
}

/// Decision 37: even the bank's own word in a callback decides nothing.
fn a_lying_callback_with_a_good_signature_only_makes_us_look(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Online);
    let reference = world.at_bank(id)[0]["id"].clone();
    let lie = json!({"id": "evt_lie", "type": "payment.captured", "payment_id": reference,
                     "order_id": id, "amount": {"amount": TOTAL, "currency": "RUB"}});

    world.call_back(&Callback::signed(&lie, &world.clock)).expect(200);
    world.harness.settle();

    assert_eq!(world.payment(id)["state"], "pending");
    assert!(world.ledger(id).is_empty());
}

/// security.md P7.
fn a_callback_that_overtakes_our_opening_is_kept_and_matched(database: &TestDatabase) {
    let mut world = World::open(database);
    world.fault(&json!({"kind": "charged_then_timeout", "probability": 1.0}));
    let id = world.order(PaymentMethod::Online);
    assert_eq!(world.payment(id)["state"], "unknown", "the bank opened it and did not say so");
    world.no_faults();
    let page = world.at_bank(id)[0]["page_url"].clone();
    world.type_card(&page, "4242424242424242");
    world.hear("payment.captured");
    assert_eq!(world.payment(id)["state"], "unknown", "the callback speaks of a payment that is not known yet");

    world.clock.advance(Duration::from_secs(60));
    world.harness.settle();

    assert_eq!(world.payment(id)["state"], "captured");
    assert_eq!(world.at_bank(id).len(), 1, "asked again under the same key");
    world.assert_clean();
}

/// security.md P5: a genuine payment of one rouble that names our order.
fn a_callback_about_a_strangers_payment_is_kept_and_moves_nothing(database: &TestDatabase) {
    let mut world = World::open(database);
    let id = world.order(PaymentMethod::Online);
    let stranger = json!({"amount": {"amount": 100, "currency": "RUB"}, "order_id": id});
    let mut opened = ureq::post(format!("{}/v1/payments", world.bank_url))
        .header("idempotency-key", "stranger")
        .send(stranger.to_string().as_bytes())
        .unwrap();
    let opened: Value = serde_json::from_str(&opened.body_mut().read_to_string().unwrap()).unwrap();
    world.type_card(&opened["page_url"], "4242424242424242");
    let event = json!({"id": "evt_stranger", "type": "payment.captured", "payment_id": opened["id"]});

    world.call_back(&Callback::signed(&event, &world.clock)).expect(200);
    world.harness.settle();

    assert_eq!(world.payment(id)["state"], "pending");
    assert!(world.ledger(id).is_empty());
    let named = world.findings();
    assert_eq!(named.len(), 1, "{named:?}");
    assert!(named[0].starts_with("MON-8 bank payment bnk_"), "the money that nobody knows is named: {named:?}");
}

fn unreadable_callbacks_are_refused_whole(database: &TestDatabase) {
    let world = World::open(database);
    for body in [
        json!({}),
        json!([]),
        json!({"id": "", "type": "x", "payment_id": "bnk_1"}),
        json!({"id": "evt_1", "type": "x", "payment_id": "../../admin"}),
        json!({"id": 1, "type": "x", "payment_id": "b"}),
        json!({"id": "evt_1", "type": "x\0", "payment_id": "bnk_1"}),
    ] {
        let refused = world.call_back(&Callback::signed(&body, &world.clock)).expect(400);
        assert_eq!(refused.code(), "payments.callback-malformed", "{body}");
    }
    let large = json!({"id": "evt_1", "type": "x".repeat(100_000), "payment_id": "b"});
    world.call_back(&Callback::signed(&large, &world.clock)).expect(413);
}

/// More came in an hour than a few transactions forget.
fn a_flood_of_callbacks_is_forgotten_as_well(database: &TestDatabase) {
    store::statements! {
        /// So many that were looked into.
        FLOOD = "INSERT INTO payment_callbacks (provider, event_id, provider_ref, kind, body, matched, received_at) \
            WITH digits (n) AS (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) \
            SELECT 'sandbox', 'evt_' || a.n || b.n || c.n || d.n || e.n, 'bnk_1', 'payment.captured', '{}', 1, 0 \
            FROM digits AS a, digits AS b, digits AS c, digits AS d, digits AS e WHERE a.n < 6";
        /// How many are left.
        LEFT = "SELECT COUNT(*) FROM payment_callbacks";
    }
    let mut world = World::open(database);
    let flood: Result<u64, store::StoreError> = world.harness.db().write_blocking(|tx| tx.execute(&FLOOD, &[]));
    assert_eq!(flood.unwrap(), 60_000);

    world.harness.pass(Duration::from_secs(3_600));

    let left: Result<Option<i64>, store::StoreError> =
        world.harness.db().read_blocking(|snapshot| snapshot.one(&LEFT, &[], |row| row.get(0)));
    assert_eq!(left.unwrap(), Some(0));
}

fn old_callbacks_are_forgotten(database: &TestDatabase) {
    store::statements! {
        /// What is kept.
        KEPT = "SELECT event_id, matched FROM payment_callbacks ORDER BY received_at";
    }
    let mut world = World::open(database);
    let (_, callbacks) = a_paid_page(&mut world);
    world.call_back(captured(&callbacks)).expect(200);
    let stranger = json!({"id": "evt_stranger", "type": "payment.captured", "payment_id": "bnk_stranger"});
    world.call_back(&Callback::signed(&stranger, &world.clock)).expect(200);
    let kept = |world: &World| -> Vec<(String, i64)> {
        let rows: Result<_, store::StoreError> = world
            .harness
            .db()
            .read_blocking(|snapshot| snapshot.list(&KEPT, &[], |row| Ok((row.get(0)?, row.get(1)?))));
        rows.unwrap()
    };

    world.harness.pass(Duration::from_secs(29 * 86_400));
    let before = kept(&world);
    world.harness.pass(Duration::from_secs(2 * 86_400));

    assert_eq!(before.iter().map(|(_, matched)| *matched).sum::<i64>(), 1);
    assert_eq!(kept(&world), [("evt_stranger".to_owned(), 0)], "nobody has looked into that one");
}
