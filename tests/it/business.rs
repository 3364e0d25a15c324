//! The whole platform in one process without sockets: every service behind the gateway and its edge, as the program
//! mounts them; time in the test's hands.

use std::sync::Arc;

use gateway::Gateway;
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt as _;
use kernel::Clock as _;
use samovar::instance::{Instance, World};
use samovar::roles::SERVICES;
use serde_json::{Value, json};
use service::{Edge, Ground, Metrics, Platform, Settings, Sources};
use testkit::{FakeClock, ScriptedOutbound, SeededRng, TestDatabase, runtime};

use crate::stage::PASSWORD;

/// What the bank signs with.
pub(crate) const SECRET: &str = "the bank's and ours";

const ADDRESS: [u8; 4] = [203, 0, 113, 7];

/// More rounds of consumers and timers than any test here needs.
const STEPS_MAX: usize = 10_000;

/// The platform.
pub(crate) struct Business {
    instance: Instance,
    front: Edge<Gateway>,
    pub(crate) clock: FakeClock,
}

/// A request that can be sent again and again.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// Somebody who registered.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) token: String,
}

impl Asked {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn post(path: impl Into<String>, body: &Value) -> Self {
        Self::new(Method::POST, path).json(body)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        Self { body: body.to_string().into_bytes(), ..self }.header("content-type", "application/json")
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn by(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }
}

impl Told {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Business {
    /// With nobody in it. `extra` are settings that differ from their defaults.
    pub(crate) fn open(database: &TestDatabase, extra: &[(&str, &str)]) -> Self {
        let _inside = runtime().enter();
        let (clock, rng) = (FakeClock::default(), SeededRng::new(1).shared());
        let store = database.open_with(clock.shared(), Arc::clone(&rng));
        let given = [("payments.bank_secret", SECRET), ("payments.bank_url", "http://bank.example")];
        let flags = given.iter().chain(extra).map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        let settings = Settings::load(&samovar::settings::tables(), &Sources { flags, ..Sources::default() }).unwrap();
        let world = World { clock: clock.shared(), rng, outbound: ScriptedOutbound::unreachable().shared() };
        let ground = Ground {
            store: store.clone(),
            settings: settings.clone(),
            clock: Arc::clone(&world.clock),
            rng: Arc::clone(&world.rng),
            outbound: Arc::clone(&world.outbound),
        };
        let platform = Platform::mount(&ground, SERVICES, Vec::new()).unwrap();
        let mut instance = Instance { platform, store, settings, world };
        instance.platform.start().unwrap();
        let front = instance.front(&Arc::new(Metrics::new())).unwrap();
        let mut business = Self { instance, front, clock };
        business.settle();
        business
    }

    pub(crate) fn ask(&self, asked: &Asked) -> Told {
        let mut request = Request::builder().method(&asked.method).uri(&asked.path);
        for (name, value) in &asked.headers {
            request = request.header(*name, value);
        }
        let request = request.body(asked.body.clone().into()).unwrap();
        runtime().block_on(async {
            let (head, body) = self.front.answer(ADDRESS.into(), request).await.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let text = String::from_utf8_lossy(&body).into_owned();
            let told = Told { status: head.status.as_u16(), headers: head.headers, text };
            assert_eq!(self.undeclared(&told), None, "{}", told.text);
            told
        })
    }

    /// A failure that `docs/errors.md` does not know like this.
    fn undeclared(&self, told: &Told) -> Option<String> {
        if told.header("content-type") != "application/problem+json" {
            return None;
        }
        let codes = gateway::CODES.iter().copied().chain(service::kit_codes()).chain(self.instance.platform.errors());
        service::undeclared(&told.json(), codes)
    }

    pub(crate) fn settle(&mut self) {
        for _ in 0..STEPS_MAX {
            if !self.instance.platform.step(self.clock.now()).unwrap() {
                return;
            }
        }
        panic!("consumers and timers still find work after {STEPS_MAX} steps");
    }

    /// The first administrator, signed in.
    pub(crate) fn admin(&self) -> Member {
        let email = "admin@shop.example".to_owned();
        let admin =
            auth::NewAdmin { email: email.clone(), password: auth::Secret::new(PASSWORD.to_owned()), name: None };
        let id = auth::create_admin(self.instance.platform.db("auth").unwrap(), &admin).unwrap().to_string();
        let token = self.sign_in(&email);
        Member { id, email, token }
    }

    pub(crate) fn sign_in(&self, email: &str) -> String {
        let tokens =
            self.ask(&Asked::post("/api/v1/auth/login", &json!({"email": email, "password": PASSWORD}))).expect(200);
        tokens["access_token"].as_str().unwrap().to_owned()
    }

    /// Somebody new, signed in.
    pub(crate) fn guest(&self, name: &str) -> Member {
        let email = format!("{name}@people.example");
        let body = json!({"email": email, "password": PASSWORD, "name": "Somebody", "language": "en"});
        let tokens = self.ask(&Asked::post("/api/v1/auth/register", &body)).expect(201);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Member { id: text(&tokens["user"]["id"]), email, token: text(&tokens["access_token"]) }
    }

    /// Somebody new with these grants, signed in.
    pub(crate) fn staff(&self, admin: &Member, name: &str, grants: &Value) -> Member {
        let member = self.guest(name);
        let path = format!("/api/v1/users/{}", member.id);
        let tag = self.ask(&Asked::get(&path).by(&admin.token)).header("etag").to_owned();
        let put = Asked::new(Method::PUT, format!("{path}/grants")).json(&json!({"grants": grants}));
        self.ask(&put.header("if-match", tag).by(&admin.token)).expect(200);
        Member { token: self.sign_in(&member.email), ..member }
    }
}
