//! Input that means no good, over every route of the committed document that writes: refused with a problem that names
//! every fault at once, never a server error, and nothing in the database changes.
//!
//! The requests are made from the document: its examples, spoilt in one place each. A route that is added is attacked
//! without a word being said here.

mod attacks;
mod contents;
mod routes;
mod wire;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use testkit::TestDatabase;

use self::attacks::{Attack, Expected};
use self::routes::{Ids, Media, Route};
pub(crate) use self::wire::exchange;
use self::wire::{Reply, Shot};
use crate::api::Api;
use crate::pickup::basket;
use crate::stage::{PASSWORD, Shop, Stage, eventually};

testkit::both_databases!(
    every_writing_route_refuses_hostile_input_and_changes_nothing,
    a_file_that_is_no_menu_is_refused,
    what_is_not_http_is_refused,
);

/// A business with something of every kind in it, and everybody who may try something.
struct Scene {
    stage: Stage,
    server: SocketAddr,
    ids: Ids,
    people: Vec<(&'static str, Api)>,
    stranger: Api,
    keys: AtomicUsize,
}

impl Scene {
    fn open(database: &TestDatabase) -> Self {
        let stage = Stage::new(database, &["orders.unpaid_expiry_min=600", "payments.return_hosts=localhost"]);
        let shop = stage.open_shop(50);
        let (guest, stranger, admin) =
            (stage.guest("anna"), stage.guest("mallory"), stage.sign_in("admin@shop.example"));
        let ids = ids(&shop, &guest, &admin);
        let Shop { manager, barista, .. } = shop;
        let people = vec![("guest", guest), ("barista", barista), ("manager", manager), ("admin", admin)];
        Self { server: stage.public(), stage, ids, people, stranger, keys: AtomicUsize::new(0) }
    }

    fn person(&self, role: &str) -> &Api {
        let found = self.people.iter().find(|(name, _)| *name == role);
        &found.unwrap_or_else(|| panic!("nobody here is {role}")).1
    }

    /// A request to the route that nothing is wrong with but what it is spoilt with.
    fn shot(&self, route: &Route) -> Shot {
        let number = self.keys.fetch_add(1, Ordering::Relaxed);
        let mut shot = Shot::new(&route.method, &format!("/api/v1{}", self.ids.filled(&route.path)));
        if let Some(role) = &route.role {
            shot = shot.header("authorization", &format!("Bearer {}", self.person(role).token()));
        }
        if route.takes("Idempotency-Key") {
            shot = shot.header("idempotency-key", &format!("hostile-{number:08}"));
        }
        if route.takes("If-Match") {
            shot = shot.header("if-match", &self.etag(route));
        }
        match &route.body {
            Some(Media::Json(example)) => {
                shot.header("content-type", "application/json").json(&self.ids.known_in(example))
            }
            Some(Media::Csv) => shot.header("content-type", "text/csv"),
            None => shot,
        }
    }

    /// The version that stands now, so that the patch itself is looked at.
    fn etag(&self, route: &Route) -> String {
        let path = self.ids.filled(route.path.trim_end_matches("/grants"));
        let edited = if path.starts_with("/products") { format!("{path}?view=edit") } else { path };
        self.person("admin").get(&edited).etag().to_owned()
    }

    fn contents(&self, database: &TestDatabase) -> contents::Contents {
        contents::of(database, &self.stage.sqlite_file())
    }
}

/// Somebody's order, payment and session, and the menu.
fn ids(shop: &Shop, guest: &Api, admin: &Api) -> Ids {
    let placed =
        guest.post_with_key("/orders", "hostile-order-01", &basket(shop, &shop.cake, "counter", 20_000)).expect(201);
    let order = placed["id"].as_str().unwrap();
    eventually("the payment is there", || {
        guest.get(&format!("/orders/{order}/payment?wait=1s")).body["id"].as_str().map(str::to_owned)
    });
    let milk = json!({"slug": "milk", "name": {"ru": "Молоко", "en": "Milk"}, "min": 0, "max": 1,
        "modifiers": [{"slug": "oat", "name": {"ru": "Овсяное", "en": "Oat"}, "price": {"amount": 1, "currency": "RUB"}}]});
    let _ = admin.post("/modifier-groups", &milk).expect(201);
    let me = guest.get("/auth/me").expect(200);
    let mut ids = Ids::default();
    let menu = format!("/menu?shop_id={}", shop.id);
    for path in [&menu, "/categories", "/modifier-groups", &format!("/payments?shop_id={}", shop.id)] {
        ids.learn(&admin.get(path).text);
    }
    for text in [&guest.get(&format!("/orders/{order}")).text, &guest.get("/auth/sessions").text, &me.to_string()] {
        ids.learn(text);
    }
    ids.learn(&shop.cake);
    ids.learn(&shop.id);
    ids
}

fn every_writing_route_refuses_hostile_input_and_changes_nothing(database: &TestDatabase) {
    let mut scene = Scene::open(database);
    let routes = routes::writing();
    assert!(routes.len() > 25, "the document has only {} routes that write", routes.len());
    let before = eventually("everything has come to rest", || {
        let (first, second) = (scene.contents(database), scene.contents(database));
        (first == second).then_some(second)
    });

    for route in &routes {
        attack_door(&scene, route);
        if let Some(Media::Json(example)) = &route.body {
            attack_frame(&scene, route);
            let example = scene.ids.known_in(example);
            for attack in attacks::of(&example) {
                attack_body(&scene, route, &attack);
            }
        }
        let changed = contents::difference(&before, &scene.contents(database));
        assert!(changed.is_empty(), "{route} changed something: {changed:#?}");
    }
    scene.stage.come_to_rest();
}

/// Who may not, whose it is not, and without the headers that it needs.
fn attack_door(scene: &Scene, route: &Route) {
    let good = scene.shot(route);
    let refused = |shot: &Shot, what: &str, status: u16| {
        let reply = shot.fired_at(scene.server);
        reply.assert_refused(&format!("{route}: {what}"));
        assert_eq!(reply.status, status, "{route}: {what}: {reply:?}");
    };
    if let Some(role) = &route.role {
        let token = scene.person(role).token();
        let (head, signature) = token.rsplit_once('.').unwrap();
        let other: String = signature.chars().rev().collect();
        let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c3JfMDFoNDU1dmI0cGV4NXZza25rMDg0c24wMnEifQ.";
        refused(&good.clone().without("authorization"), "nobody", 401);
        for bad in
            ["", "Bearer", "Bearer x", "Basic YTpi", &format!("Bearer {unsigned}"), &format!("Bearer {head}.{other}")]
        {
            refused(&good.clone().header("authorization", bad), &format!("the token {bad:?}"), 401);
        }
        if role != "guest" {
            let guest = format!("Bearer {}", scene.stranger.token());
            refused(&good.clone().header("authorization", &guest), "a guest", 403);
        } else if route.path.contains('{') {
            let stranger = format!("Bearer {}", scene.stranger.token());
            refused(&good.clone().header("authorization", &stranger), "somebody else", 404);
        }
    }
    if route.takes("Idempotency-Key") && route.needs("Idempotency-Key") {
        refused(&good.clone().without("idempotency-key"), "no key", 400);
        refused(&good.clone().header("idempotency-key", "a b"), "a key with a space", 400);
        refused(&good.clone().header("idempotency-key", &"a".repeat(129)), "a long key", 400);
    }
    if route.takes("If-Match") {
        refused(&good.clone().without("if-match"), "no version", 428);
        refused(&good.clone().header("if-match", "\"999999\""), "another version", 412);
        refused(&good.header("if-match", "\"-1\""), "no version of ours", 412);
    }
}

/// What is wrong before a single field is looked at.
fn attack_frame(scene: &Scene, route: &Route) {
    let deep = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let bodies: [(&[u8], u16, &str); 6] = [
        (b"", 400, "http.malformed-json"),
        (b"{", 400, "http.malformed-json"),
        (b"{\"a\": \"\xFF\xFE\"}", 400, "http.malformed-json"),
        (b"{\"a\": \"\\ud800\"}", 400, "http.malformed-json"),
        (deep.as_bytes(), 400, "http.too-deep"),
        (&[b' '; 300 * 1024], 413, "http.too-large"),
    ];
    for (body, status, code) in bodies {
        let reply = scene.shot(route).bytes(body).fired_at(scene.server);
        reply.assert_refused(&format!("{route}: {code}"));
        let is_told = (reply.status, reply.code()) == (status, code);
        assert!(is_told || route.is_signed(), "{route}: {:?}: {reply:?}", &body[..body.len().min(30)]);
    }
    let large = scene.shot(route);
    for reply in [
        large.announced_at(scene.server, 10_000_000),
        large.clone().bytes(vec![b' '; 300 * 1024]).streamed_at(scene.server),
    ] {
        reply.assert_refused(&format!("{route}: ten megabytes"));
        assert_eq!(reply.status, 413, "{route}: {reply:?}");
    }
    for media in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", "text/csv"] {
        let reply = scene.shot(route).header("content-type", media).fired_at(scene.server);
        reply.assert_refused(&format!("{route}: {media}"));
        assert!(reply.status == 415 || route.is_signed(), "{route}: {media}: {reply:?}");
    }
}

fn attack_body(scene: &Scene, route: &Route, attack: &Attack) {
    let reply = scene.shot(route).bytes(attack.body.clone()).fired_at(scene.server);
    let what = format!("{route}: {}", attack.what);
    reply.assert_refused(&what);
    if route.is_signed() {
        return;
    }
    match &attack.expected {
        Expected::Refused => {}
        Expected::Faults(pointers) => {
            assert_eq!(reply.status, 422, "{what}: {reply:?}");
            let missing: Vec<_> = pointers.iter().filter(|pointer| !reply.has_fault_at(pointer)).collect();
            assert!(missing.is_empty(), "{what}: not told: {missing:?} in {:?}", reply.faults());
        }
    }
}

fn a_file_that_is_no_menu_is_refused(database: &TestDatabase) {
    let mut scene = Scene::open(database);
    let routes = routes::writing();
    let import = routes.iter().find(|route| matches!(route.body, Some(Media::Csv))).unwrap();
    let before = scene.contents(database);
    let heading = "kind,parent,sku,name_ru,name_en,price";
    let good = scene.shot(import);
    for (file, status) in [
        (String::new(), 422),
        ("\0".to_owned(), 422),
        (heading.to_owned() + "\nproduct,coffee,tea\0,Чай,Tea,\nvariant,tea,tea-m,M\0,M,1\nvariant,tea,t,,,-1", 422),
        (heading.to_owned() + "\n\"", 422),
        (heading.to_owned() + &"\nvariant,nothing,x,x,x,99999999999999999999".repeat(10_000), 422),
        ("x,".repeat(100_000), 422),
        ("x".repeat(5 * 1024 * 1024 + 1), 413),
    ] {
        let reply = good.clone().bytes(file.clone()).fired_at(scene.server);
        let what: String = file.chars().take(60).collect();
        reply.assert_refused(&what);
        assert_eq!(reply.status, status, "{what}: {reply:?}");
    }
    let not_text = good.clone().bytes(b"kind\n\xFF".to_vec()).fired_at(scene.server);
    assert_eq!((not_text.status, not_text.faults()), (422, vec!["/rows utf-8".to_owned()]));
    assert_eq!(good.header("content-type", "application/json").fired_at(scene.server).status, 415);

    let changed = contents::difference(&before, &scene.contents(database));
    assert!(changed.is_empty(), "{changed:#?}");
    scene.stage.come_to_rest();
}

fn what_is_not_http_is_refused(database: &TestDatabase) {
    let stage = Stage::new(database, &[]);
    let server = stage.public();
    let long = format!("GET /api/v1/shops HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "a".repeat(100_000));
    let many = format!("GET /api/v1/shops HTTP/1.1\r\nhost: a\r\n{}\r\n", "x: 1\r\n".repeat(200));
    for (bytes, status) in [
        (&b"\r\n\r\nhello\r\n\r\n"[..], 400),
        (b"GET\r\n\r\n", 400),
        (b"GET /api/v1/shops HTTP/9.9\r\n\r\n", 400),
        (b"GET /api/v1/shops HTTP/1.1\r\nhost : a\r\n\r\n", 400),
        (b"GET /api/v1/shops HTTP/1.1\r\n\r\n", 400),
        (b"GET /api/v1/shops HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n", 400),
        (b"GET /\x00 HTTP/1.1\r\nhost: a\r\n\r\n", 400),
        (b"POST /api/v1/auth/login HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}", 400),
        (b"POST /api/v1/auth/login HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"TRACE / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 405),
        (b"GET /api/v1/nothing HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 404),
        (b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 404),
        (b"GET /api/v1/orders/%00 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 401),
        (b"GET /api/v1/shops/%00 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 404),
        (b"GET /api/v1/shops?cursor=%00 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 422),
        (long.as_bytes(), 431),
        (many.as_bytes(), 431),
    ] {
        let reply: Reply = exchange(server, bytes);
        let what = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        assert_eq!(reply.status, status, "{what:?}: {reply:?}");
        reply.assert_refused(&what);
    }
    assert_eq!(stage.nobody().post("/auth/login", &json!({"email": "a@b.org", "password": PASSWORD})).status, 401);
}
