//! A story that has every secret in it, and attempts that somebody may want to look at later: what the program leaves in
//! its log, its traces and its database (ASVS 16.2.5, 16.3.1 to 16.3.3; PCI DSS 3).

mod collector;

use serde_json::{Value, json};
use testkit::TestDatabase;

use self::collector::Collector;
use crate::api::Api;
use crate::hostile::exchange;
use crate::pickup::{basket, payment_in};
use crate::stage::{SECRET, Shop, Stage, eventually};

testkit::both_databases!(no_secret_is_left_anywhere_and_each_attempt_is_logged);

const EMAIL: &str = "canary-finch@guests.example";
const PASSWORD: &str = "canary-heron-7731-password";
const NEW_PASSWORD: &str = "canary-stork-8842-password";
const WRONG_PASSWORD: &str = "canary-crane-9953-password";
/// A password in the field of the e-mail.
const TYPED_AS_EMAIL: &str = "canary-egret-1166@password";
const FORGED_TOKEN: &str = "canaryforged0000.canaryforged1111.canaryforged2222";
const KEY_SECRET: &str = "canary-ibis-2277-that-seals-the-signing-keys";
const CARD: &str = "4242424242424242";
const CARD_AS_TYPED: &str = "4242 4242 4242 4242";

const MALFORMED: &str = "http.malformed-request";

/// Tokens that were issued or shown.
struct Tokens(Vec<String>);

impl Tokens {
    /// Takes the tokens of an answer, and returns them: access, refresh.
    fn keep(&mut self, answer: &Value) -> (String, String) {
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        let both = (text("access_token"), text("refresh_token"));
        self.0.extend([both.0.clone(), both.1.clone()]);
        both
    }
}

fn no_secret_is_left_anywhere_and_each_attempt_is_logged(database: &TestDatabase) {
    let collector = Collector::start();
    let settings = [
        "log.level=debug",
        "log.format=json",
        "limits.enabled=true",
        "limits.principal_burst=100000",
        "limits.address_burst=100000",
        "auth.attempts_per_address_burst=1000",
        "auth.failures_per_account_burst=3",
        &format!("auth.key_secret={KEY_SECRET}"),
        &format!("telemetry.otlp_endpoint={}", collector.url()),
    ];
    let mut stage = Stage::logged(database, &settings);
    let shop = stage.open_shop(5);
    let mut tokens = Tokens(Vec::new());
    let (user, guest) = a_guest_with_a_new_password(&stage, &mut tokens);
    let order = a_paid_order(&guest, &shop);
    attempts(&stage, &guest, &shop);
    money_to_hand_over(&stage.guest("diana"), &shop);

    let metrics = stage.metrics();
    stage.come_to_rest();
    let contents = database_of(&stage, database);
    for action in
        ["auth.registered", "auth.signed-in", "auth.token-reused", "auth.password-changed", "auth.grants-changed"]
    {
        assert!(!contents.rows_with(action).is_empty(), "no row of the audit trail says {action}");
    }
    let (log, traces) = (stage.log(), collector.text());
    assert!(traces.contains("/api/v1/auth/password"), "the traces are looked through: {} bytes", traces.len());
    assert!(!contents.rows_with(EMAIL).is_empty() && !contents.rows_with(&order).is_empty(), "and the tables");
    let given = [PASSWORD, NEW_PASSWORD, WRONG_PASSWORD, FORGED_TOKEN, KEY_SECRET, SECRET, CARD, CARD_AS_TYPED];
    let mut leaks = Vec::new();
    for secret in given.into_iter().chain([TYPED_AS_EMAIL]).chain(tokens.0.iter().map(String::as_str)) {
        leaks.extend(contents.rows_with(secret));
        leaks.extend(outside(&log, &traces, secret));
    }
    leaks.extend(outside(&log, &traces, EMAIL));
    assert!(metrics.contains("/api/v1/auth/password"), "the metrics are looked through: {} bytes", metrics.len());
    let shown = |secret: &&str| metrics.contains(*secret);
    leaks.extend(
        given.into_iter().chain([TYPED_AS_EMAIL, EMAIL]).filter(shown).map(|secret| format!("metrics: {secret}")),
    );
    let tokens = tokens.0.iter().filter(|token| metrics.contains(token.as_str()));
    leaks.extend(tokens.map(|token| format!("metrics: {token}")));
    assert_eq!(leaks, [""; 0]);
    every_attempt_is_logged(&log, &user);
    every_line_says_what_it_is_about(&log);
}

/// Where this stands in what leaves the database.
fn outside(log: &str, traces: &str, text: &str) -> Vec<String> {
    let mut found: Vec<String> =
        log.lines().filter(|line| line.contains(text)).map(|line| format!("log: {line}")).collect();
    found.extend(traces.contains(text).then(|| format!("traces: {text}")));
    found
}

/// What stands in the tables. The stage has its SQLite file in its own folder.
fn database_of(stage: &Stage, database: &TestDatabase) -> testkit::Contents {
    if database.is_postgres() { database.contents() } else { testkit::Contents::of_sqlite_file(&stage.sqlite_file()) }
}

/// Registers, signs in elsewhere, changes the token and the password; their id, and they themselves.
fn a_guest_with_a_new_password(stage: &Stage, tokens: &mut Tokens) -> (String, Api) {
    let nobody = stage.nobody();
    let new = json!({"email": EMAIL, "password": PASSWORD, "name": "Finch", "language": "en"});
    let registered = nobody.post("/auth/register", &new).expect(201);
    let user = registered["user"]["id"].as_str().unwrap().to_owned();
    let (_, spent) = tokens.keep(&registered);
    tokens.keep(&nobody.post("/auth/refresh", &json!({"refresh_token": spent})).expect(200));
    nobody.post("/auth/refresh", &json!({"refresh_token": spent})).expect(401);
    let signed_in = nobody.post("/auth/login", &json!({"email": EMAIL, "password": PASSWORD})).expect(200);
    let guest = nobody.with_token(&tokens.keep(&signed_in).0);
    let change = json!({"current_password": PASSWORD, "new_password": NEW_PASSWORD});
    guest.post("/auth/password", &change).expect(204);
    (user, guest)
}

/// Paid at the bank with a card whose number also stands in the comment; its id.
fn a_paid_order(guest: &Api, shop: &Shop) -> String {
    let mut wanted = basket(shop, &shop.cake, "online", 20_000);
    wanted["comment"] = json!(format!("my card is {CARD_AS_TYPED}, or {CARD}"));
    let placed = guest.post_with_key("/orders", "story-secrets-0001", &wanted).expect(201);
    let order = placed["id"].as_str().unwrap().to_owned();
    let page = eventually("the bank's page is there", || {
        let payment = guest.get(&format!("/orders/{order}/payment?wait=1s")).expect(200);
        payment["payment_url"].as_str().map(str::to_owned)
    });
    guest.submit(&page, &format!("card={CARD}"));
    payment_in(guest, &order, "captured");
    order
}

/// What a person may want to look at later, once each.
fn attempts(stage: &Stage, guest: &Api, shop: &Shop) {
    let nobody = stage.nobody();
    let tried = |email: &str| nobody.post("/auth/login", &json!({"email": email, "password": WRONG_PASSWORD})).status;
    assert_eq!(tried(TYPED_AS_EMAIL), 401);
    let stranger = stage.guest("stranger");
    let theirs = stranger.post_with_key("/orders", "story-secrets-0002", &basket(shop, &shop.latte, "counter", 15_000));
    let theirs = theirs.expect(201)["id"].as_str().unwrap().to_owned();
    guest.get(&format!("/orders/{theirs}")).expect(404);
    guest.post("/products", &json!({})).expect(403);
    guest.post_with_key("/orders", "story-secrets-0003", &json!({"total": 1})).expect(422);
    nobody.with_token(FORGED_TOKEN).get("/orders").expect(401);
    nobody.post("/payments/callbacks/sandbox", &json!({"id": "evt_1"})).expect(401);
    for unframed in [
        &b"PUT /api/v1/orders HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
            [..],
        b"GET\r\n\r\n",
    ] {
        assert_eq!(exchange(stage.public(), unframed).status, 400);
    }
    let until_throttled = (0..10).map(|_| tried(EMAIL)).take_while(|status| *status == 401).count();
    assert!((1..10).contains(&until_throttled), "{until_throttled}");
}

/// Paid at the counter and cancelled from the phone: somebody has to hand the money over, and is told so.
fn money_to_hand_over(guest: &Api, shop: &Shop) {
    let placed = guest.post_with_key("/orders", "story-secrets-0004", &basket(shop, &shop.latte, "counter", 15_000));
    let order = placed.expect(201)["id"].as_str().unwrap().to_owned();
    let payment = payment_in(guest, &order, "pending")["id"].as_str().unwrap().to_owned();
    let receive = format!("/payments/{payment}/receive");
    shop.barista.post_with_key(&receive, "story-secrets-0005", &json!({"how": "cash"})).expect(200);
    guest.post(&format!("/orders/{order}/cancel"), &json!({"reason": "changed my mind"})).expect(200);
    payment_in(guest, &order, "refunded");
}

fn every_line_says_what_it_is_about(log: &str) {
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mute: Vec<&Value> = lines.iter().filter(|line| line["message"].as_str().is_none_or(str::is_empty)).collect();
    assert!(mute.is_empty(), "lines without a message: {mute:#?}");
    let alarm = lines.iter().find(|line| line["alarm"] == "hand_over").expect("the alarm is in the log");
    assert_eq!(alarm["message"], "a person must look at a payment");
}

/// Lines of the log have these members, as texts.
fn every_attempt_is_logged(log: &str, user: &str) {
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let refused = |code, route, who| {
        vec![
            ("message", "request refused"),
            ("error.code", code),
            ("http.route", route),
            ("client.address", "127.0.0.1"),
        ]
        .into_iter()
        .chain(who)
        .collect::<Vec<_>>()
    };
    let sign_in = |reason, who: Option<_>| {
        vec![("message", "a sign-in was refused"), ("reason", reason)].into_iter().chain(who).collect()
    };
    let user = Some(("user.id", user));
    let wanted: [Vec<(&str, &str)>; 14] = [
        sign_in("wrong_password", user),
        sign_in("unknown_email", None),
        sign_in("account_throttled", user),
        vec![("message", "a refresh token was used twice: its family is dead")],
        vec![("message", "an access token was refused")],
        vec![("message", "a callback was refused"), ("provider", "sandbox")],
        refused("payments.callback-refused", "/api/v1/payments/callbacks/{provider}", None),
        vec![("error.code", MALFORMED), ("http.request.method", "PUT"), ("client.address", "127.0.0.1")],
        refused("auth.invalid-credentials", "/api/v1/auth/login", None),
        refused("auth.token-reused", "/api/v1/auth/refresh", None),
        refused("http.unauthenticated", "/api/v1/orders", None),
        refused("http.forbidden", "/api/v1/products", user),
        refused("orders.not-found", "/api/v1/orders/{id}", user),
        refused("http.invalid", "/api/v1/orders", user),
    ];
    let is_written = |members: &Vec<(&str, &str)>| {
        let is_it = |line: &Value| members.iter().all(|(name, value)| line[name] == *value);
        lines.iter().any(|line| is_it(line) && line["request.id"].is_string() && line["time"].is_string())
    };
    let missing: Vec<_> = wanted.iter().filter(|members| !is_written(members)).collect();
    assert!(missing.is_empty(), "not logged: {missing:#?}");
    let unread = lines.iter().find(|line| line["error.code"] == MALFORMED && line["http.request.method"].is_null());
    assert_eq!(unread.expect("what is no request has no method")["client.address"], "127.0.0.1");
}
