//! A good request for every row of the policy table: what is said here is only how a row is asked, never who may.

use std::cell::Cell;

use gateway::Row;
use http::Method;
use kernel::Clock as _;
use serde_json::{Value, json};
use testkit::TestDatabase;

use super::callers::{Caller, Shops};
use crate::business::{Asked, Business, Member, SECRET};
use crate::stage::PASSWORD;

const PRICE: i64 = 15_000;

/// Two shops, a menu, everybody, and an order of Anna's.
pub(super) struct Scene {
    pub(super) business: Business,
    pub(super) callers: Vec<Caller>,
    /// An order that is paid and stays as it is while people are refused.
    pub(super) standing: Thing,
    admin: Member,
    /// Somebody whom administrators do things to.
    victim: Member,
    pub(super) here: String,
    menu: Menu,
    /// Names and keys that were not used before.
    next: Cell<u32>,
}

/// Anna's.
#[derive(Clone, Debug)]
pub(super) struct Thing {
    pub(super) order: String,
    pub(super) payment: String,
    session: String,
}

struct Menu {
    product: String,
    variant: String,
    tracked: String,
    group: String,
    category: String,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn name(word: &str) -> Value {
    json!({"ru": word, "en": word})
}

fn money(amount: i64) -> Value {
    json!({"amount": amount, "currency": "RUB"})
}

fn shop(name: &str) -> Value {
    json!({"name": name, "address": "Tverskaya 7", "lat": 55.7579, "lon": 37.6112, "time_zone": "Europe/Moscow",
        "currency": "RUB", "lead_time_min": 5, "hours": [], "closed_days": [], "slot_minutes": 10, "slot_capacity": null})
}

fn product(sku: &str, tracked: bool) -> Value {
    let variant = json!({"sku": format!("{sku}-m"), "name": name("M"), "price": money(PRICE)});
    json!({"sku": sku, "category": "coffee", "name": name(sku), "tracked": tracked, "variants": [variant]})
}

fn group(slug: &str) -> Value {
    let modifier = json!({"slug": format!("{slug}-oat"), "name": name("Oat"), "price": money(6_000)});
    json!({"slug": slug, "name": name("Milk"), "min": 0, "max": 1, "modifiers": [modifier]})
}

impl Scene {
    pub(super) fn set(database: &TestDatabase, callers: fn(&Business, &Member, &Shops<'_>) -> Vec<Caller>) -> Self {
        let freely = [("limits.enabled", "false"), ("orders.unpaid_counter_max", "100000")];
        let business = Business::open(database, &freely);
        let admin = business.admin();
        let make = |path: &str, body: &Value| business.ask(&Asked::post(path, body).by(&admin.token)).expect(201);
        let (here, elsewhere) =
            (text(&make("/api/v1/shops", &shop("Here"))["id"]), text(&make("/api/v1/shops", &shop("Elsewhere"))["id"]));
        let (latte, cake) =
            (make("/api/v1/products", &product("latte", false)), make("/api/v1/products", &product("cake", true)));
        let menu = Menu {
            product: text(&latte["id"]),
            variant: text(&latte["variants"][0]["id"]),
            tracked: text(&cake["variants"][0]["id"]),
            group: text(&make("/api/v1/modifier-groups", &group("milk"))["id"]),
            category: text(&business.ask(&Asked::get("/api/v1/categories")).expect(200)["items"][0]["id"]),
        };
        let victim = business.guest("victim");
        let callers = callers(&business, &admin, &Shops { here: &here, elsewhere: &elsewhere });
        let standing = Thing { order: String::new(), payment: String::new(), session: String::new() };
        let mut scene = Self { business, callers, standing, admin, victim, here, menu, next: Cell::new(0) };
        scene.standing = scene.paid_order();
        scene.standing.session = scene.session_of_anna();
        scene
    }

    /// A word that was not used before.
    fn unused(&self) -> String {
        self.next.set(self.next.get() + 1);
        format!("unused-{:08}", self.next.get())
    }

    fn anna(&self) -> Member {
        self.callers.iter().find_map(|caller| caller.member.clone()).expect("anna is the first who has a token")
    }

    fn ask(&self, asked: &Asked, member: &Member) -> crate::business::Told {
        self.business.ask(&asked.clone().by(&member.token))
    }

    fn unpaid_order(&mut self) -> Thing {
        let body = self.order_body();
        let place = Asked::post("/api/v1/orders", &body).header("idempotency-key", self.unused());
        let order = text(&self.ask(&place, &self.anna()).expect(201)["id"]);
        self.business.settle();
        let payment = self.ask(&Asked::get(format!("/api/v1/orders/{order}/payment")), &self.anna()).expect(200);
        Thing { order, payment: text(&payment["id"]), session: String::new() }
    }

    fn paid_order(&mut self) -> Thing {
        let thing = self.unpaid_order();
        let path = format!("/api/v1/payments/{}/receive", thing.payment);
        let receive = Asked::post(path, &json!({"how": "cash"})).header("idempotency-key", self.unused());
        let manager = self.callers.iter().find(|caller| caller.name == "manager-here").unwrap().member.clone().unwrap();
        self.ask(&receive, &manager).expect(200);
        self.business.settle();
        thing
    }

    /// A sign-in of Anna's that nobody needs.
    fn session_of_anna(&self) -> String {
        let anna = self.anna();
        let before = self.sessions(&anna);
        let _ = self.business.sign_in(&anna.email);
        self.sessions(&anna).into_iter().find(|session| !before.contains(session)).expect("one more session")
    }

    /// What people are refused is really there: an order that is paid, a session that lives.
    pub(super) fn keep_standing(&mut self) {
        let order = self.ask(&Asked::get(format!("/api/v1/orders/{}", self.standing.order)), &self.anna()).expect(200);
        assert_eq!((&order["state"], &order["payment"]["state"]), (&json!("paid"), &json!("captured")));
        // Another password ends all other sessions of the person.
        if !self.sessions(&self.anna()).contains(&self.standing.session) {
            self.standing.session = self.session_of_anna();
        }
    }

    fn sessions(&self, member: &Member) -> Vec<String> {
        let list = self.ask(&Asked::get("/api/v1/auth/sessions"), member).expect(200);
        list["items"].as_array().unwrap().iter().map(|session| text(&session["id"])).collect()
    }

    /// A thing for one admission: its own where the row changes or ends it.
    pub(super) fn fresh_thing(&mut self, row: &Row) -> Thing {
        if row.method == Method::GET {
            return self.standing.clone();
        }
        match (row.path.strip_prefix("/api/v1/"), &row.method) {
            (Some("orders/{id}/cancel" | "orders/{id}/payments" | "payments/{id}/receive"), _) => self.unpaid_order(),
            (Some("orders/{id}/status" | "payments/{id}/refunds"), _) => self.paid_order(),
            (Some("auth/sessions/{id}"), _) => Thing { session: self.session_of_anna(), ..self.standing.clone() },
            _ => self.standing.clone(),
        }
    }

    /// The caller with a token that this row may spoil.
    pub(super) fn ready(&self, row: &Row, mut caller: Caller) -> Caller {
        if row.path == "/api/v1/auth/logout"
            && let Some(member) = &mut caller.member
        {
            member.token = self.business.sign_in(&member.email);
        }
        caller
    }

    /// Whether the request names something of Anna's or her shop.
    pub(super) fn is_named_in(&self, asked: &Asked) -> bool {
        let said = format!("{} {}", asked.path, String::from_utf8_lossy(&asked.body));
        ["/ord_", "/pay_", "/ses_"].iter().any(|kind| said.contains(kind)) || said.contains(&self.here)
    }

    /// The same request about things that nobody has.
    pub(super) fn with_ids_of_nothing(&self, asked: &Asked) -> Asked {
        let mut nothing = asked.clone();
        let nobodys = |id: &str| format!("{}_00000000000000000000000009", id.split('_').next().unwrap_or_default());
        let mut body = String::from_utf8_lossy(&asked.body).into_owned();
        for id in [&self.here, &self.standing.order, &self.standing.payment, &self.standing.session] {
            nothing.path = nothing.path.replace(id.as_str(), &nobodys(id));
            body = body.replace(id.as_str(), &nobodys(id));
        }
        Asked { body: body.into_bytes(), ..nothing }
    }

    /// A good request for this row about this thing.
    pub(super) fn example(&self, row: &Row, thing: &Thing) -> Asked {
        let path = self.path(row, thing);
        let asked = Asked::new(row.method.clone(), path + self.query(row).as_str());
        let asked = match row.method {
            Method::GET | Method::DELETE => asked,
            _ => self.body(row, asked),
        };
        self.with_version(row, asked)
    }

    /// The template with an id in each place; a place that nobody knows here fails.
    fn path(&self, row: &Row, thing: &Thing) -> String {
        let mut noun = "";
        let mut path = Vec::new();
        for part in row.path.split('/') {
            path.push(match (noun, part) {
                (_, part) if !part.starts_with('{') => part.to_owned(),
                ("orders", "{id}") => thing.order.clone(),
                ("payments", "{id}") => thing.payment.clone(),
                ("sessions", "{id}") => thing.session.clone(),
                ("shops", "{id}") => self.here.clone(),
                ("users", "{id}") => self.victim.id.clone(),
                ("products", "{id}") | ("stop-list", "{item_id}") => self.menu.product.clone(),
                ("modifier-groups", "{id}") => self.menu.group.clone(),
                ("categories", "{id}") => self.menu.category.clone(),
                ("callbacks", "{provider}") => "sandbox".to_owned(),
                ("swagger-ui", "{*page}") => "swagger-ui.css".to_owned(),
                (noun, place) => panic!("no example of {place} after {noun:?} in {}: add one", row.path),
            });
            noun = part;
        }
        path.join("/")
    }

    fn query(&self, row: &Row) -> String {
        match row.path.trim_start_matches("/api/v1") {
            "/menu" | "/stock" => format!("?shop_id={}", self.here),
            "/shops/{id}/slots" => "?date=2026-11-21".to_owned(),
            _ => String::new(),
        }
    }

    /// The body; a row that nobody knows here fails.
    fn body(&self, row: &Row, asked: Asked) -> Asked {
        let keyed = |asked: Asked| asked.header("idempotency-key", self.unused());
        match (row.method.as_str(), row.path.trim_start_matches("/api/v1")) {
            ("POST", path) if path.starts_with("/auth/") => self.auth_body(path, asked),
            ("PATCH", "/auth/me") => asked.json(&json!({"language": "ru"})),
            ("PATCH", "/users/{id}") => asked.json(&json!({"disabled": false})),
            ("PUT", "/users/{id}/grants") => asked.json(&json!({"grants": []})),
            ("POST", "/catalog/import") => self.sheet(asked),
            ("PATCH", "/categories/{id}") => asked.json(&json!({"position": 3})),
            ("POST", "/modifier-groups") => asked.json(&group(&self.unused())),
            ("PATCH", "/modifier-groups/{id}") => asked.json(&json!({"max": 1})),
            ("POST", "/products") => asked.json(&product(&self.unused(), false)),
            ("PATCH", "/products/{id}") => asked.json(&json!({"name": name("Latte")})),
            ("POST", "/shops") => asked.json(&shop("Another")),
            ("PATCH", "/shops/{id}") => asked.json(&json!({"lead_time_min": 6})),
            ("PUT", "/shops/{id}/stop-list/{item_id}") => asked.json(&json!({"until": null, "reason": "no milk"})),
            ("POST", "/stock/movements") => keyed(asked)
                .json(&json!({"shop_id": self.here, "variant_id": self.menu.tracked,
                "kind": "receipt", "quantity": 1, "reason": "delivery"})),
            ("POST", "/orders") => keyed(asked).json(&self.order_body()),
            ("POST", "/orders/quote") => asked.json(&self.basket()),
            ("POST", "/orders/{id}/cancel") => asked.json(&json!({"reason": "enough"})),
            ("POST", "/orders/{id}/status") => asked.json(&json!({"state": "preparing"})),
            ("POST", "/orders/{id}/payments") => keyed(asked).json(&json!({"method": "online", "return_url": null})),
            ("POST", "/payments/callbacks/{provider}") => self.callback(asked),
            ("POST", "/payments/{id}/receive") => keyed(asked).json(&json!({"how": "cash"})),
            ("POST", "/payments/{id}/refunds") => keyed(asked).json(&json!({"amount": money(100), "reason": "cold"})),
            (method, path) => panic!("no example of a body for {method} {path}: add one"),
        }
    }

    /// Sign-ins are those of somebody whose sessions nobody needs: there are only so many.
    fn auth_body(&self, path: &str, asked: Asked) -> Asked {
        let login = json!({"email": self.victim.email, "password": PASSWORD});
        match path {
            "/auth/logout" => asked,
            "/auth/login" => asked.json(&login),
            "/auth/password" => asked.json(&json!({"current_password": PASSWORD, "new_password": PASSWORD})),
            "/auth/register" => {
                let email = format!("{}@people.example", self.unused());
                asked.json(&json!({"email": email, "password": PASSWORD, "name": "New", "language": "en"}))
            }
            "/auth/refresh" => {
                let tokens = self.business.ask(&Asked::post("/api/v1/auth/login", &login)).expect(200);
                asked.json(&json!({"refresh_token": tokens["refresh_token"]}))
            }
            _ => panic!("no example of a body for {path}: add one"),
        }
    }

    /// The menu as it is.
    fn sheet(&self, asked: Asked) -> Asked {
        let export = self.ask(&Asked::get("/api/v1/catalog/export"), &self.admin);
        Asked { body: export.text.into_bytes(), ..asked }.header("content-type", "text/csv")
    }

    /// Signed as the bank would.
    fn callback(&self, asked: Asked) -> Asked {
        let body = json!({"id": format!("evt_{}", self.next.get()), "type": "payment.captured", "payment_id": "bnk_1",
            "order_id": self.standing.order, "amount": money(PRICE), "at": self.business.clock.now()});
        let timestamp = self.business.clock.now().as_seconds().to_string();
        let signature = sandbox::bank::sign(SECRET, &timestamp, body.to_string().as_bytes());
        asked.json(&body).header("x-bank-timestamp", timestamp).header("x-bank-signature", signature)
    }

    fn basket(&self) -> Value {
        let line = json!({"variant_id": self.menu.variant, "quantity": 1, "modifiers": []});
        json!({"shop_id": self.here, "fulfilment": {"kind": "pickup", "at": "asap"}, "lines": [line]})
    }

    fn order_body(&self) -> Value {
        let mut body = self.basket();
        body["expected_total"] = money(PRICE);
        body["payment"] = json!({"method": "counter", "return_url": null});
        body
    }

    /// `If-Match` of what is edited, where it is edited under a version.
    fn with_version(&self, row: &Row, asked: Asked) -> Asked {
        let is_edit = matches!(row.method, Method::PATCH | Method::PUT) && row.path.contains("/{id}");
        if !is_edit || row.path.contains("stop-list") {
            return asked;
        }
        let resource = asked.path.trim_end_matches("/grants");
        let view = if resource.contains("/products/") { "?view=edit" } else { "" };
        let tag = self.ask(&Asked::get(format!("{resource}{view}")), &self.admin).header("etag").to_owned();
        asked.header("if-match", tag)
    }
}
