//! Where a guest is sent from the bank's page, over real HTTP.

use serde_json::json;
use service::{OutRequest, Outbound as _, Settings, UreqOutbound};
use testkit::TestDatabase;

use crate::pickup::basket;
use crate::stage::{Stage, eventually};

testkit::both_databases!(
    a_guest_returns_to_a_page_that_says_what_comes_next,
    an_order_that_would_send_its_guest_elsewhere_is_refused
);

fn a_guest_returns_to_a_page_that_says_what_comes_next(database: &TestDatabase) {
    let mut stage = Stage::new(database, &[]);
    let shop = stage.open_shop(1);
    let guest = stage.guest("anna");
    let placed = guest.post_with_key("/orders", "story-return-0001", &basket(&shop, &shop.cake, "online", 20_000));
    let order = placed.expect(201)["id"].as_str().unwrap().to_owned();
    let page = eventually("the bank's page is there", || {
        let payment = guest.get(&format!("/orders/{order}/payment?wait=1s")).expect(200);
        payment["payment_url"].as_str().map(str::to_owned)
    });

    let sent_to = guest.submit(&page, "card=4242424242424242").location().to_owned();

    assert_eq!(sent_to, format!("http://{}/returned?order={order}", stage.public()));
    // As a browser opens it: nobody is signed in there.
    let browser = UreqOutbound::new(&Settings::defaults(&[service::OUTBOUND_SETTINGS]));
    let shown = browser.send(&OutRequest::get(sent_to).header("accept", "text/html")).unwrap();
    let text = String::from_utf8_lossy(&shown.body);
    assert_eq!(shown.status, 200, "{text}");
    assert!(text.contains(&format!("whether order {order} is paid")), "{text}");
    stage.come_to_rest();
}

fn an_order_that_would_send_its_guest_elsewhere_is_refused(database: &TestDatabase) {
    let mut stage = Stage::new(database, &["payments.return_hosts=shop.example"]);
    let shop = stage.open_shop(3);
    let guest = stage.guest("anna");
    let own = stage.public();
    let placed = |key: &str, url: &str| {
        let mut wanted = basket(&shop, &shop.cake, "online", 20_000);
        wanted["payment"]["return_url"] = json!(url);
        guest.post_with_key("/orders", key, &wanted)
    };

    for elsewhere in [
        "https://evil.example/".to_owned(),
        "https://shop.example@evil.example/".to_owned(),
        "https://shop@evil.example".to_owned(),
        "https://shop@shop.example/".to_owned(),
        "//evil.example/".to_owned(),
        "/orders".to_owned(),
        "javascript:alert(1)".to_owned(),
        "ftp://shop.example/".to_owned(),
        "https://shop.example./".to_owned(),
        "https://shop.example.evil.example/".to_owned(),
        "https://EVIL.example/".to_owned(),
        "https:\\\\evil.example".to_owned(),
        "https://evil.example\\@shop.example/".to_owned(),
        "https://shop.example\\.evil.example/".to_owned(),
        format!("https://{own}/"),
        format!("http://{}:9/", own.ip()),
        "http://shop.example/thanks".to_owned(),
        "https://shop.example:8443/thanks".to_owned(),
        "https://shop.example/thanks?card=4242%204242%204242%204242".to_owned(),
    ] {
        let refused = placed("story-return-0002", &elsewhere);

        assert_eq!(refused.status, 422, "{elsewhere}: {}", refused.text);
        assert_eq!(refused.body["errors"][0]["pointer"], "/payment/return_url", "{elsewhere}: {}", refused.text);
    }
    assert_eq!(guest.get("/orders").expect(200)["items"], json!([]), "nothing was placed");
    for (number, home) in (1..).zip(["HTTPS://Shop.Example:443/thanks".to_owned(), format!("http://{own}/thanks")]) {
        placed(&format!("story-return-100{number}"), &home).expect(201);
    }
    stage.come_to_rest();
}
