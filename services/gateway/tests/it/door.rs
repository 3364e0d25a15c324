//! The gateway behind its edge, before services made from the policy table that answer with what reached them.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use contracts::{SessionId, ShopId, UserId};
use gateway::policy::{GATEWAY, TABLE};
use gateway::{Gateway, GatewayDeps, Row, Upstream, Upstreams};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use kernel::{Clock as _, OsRng};
use serde_json::{Map, Value, json};
use service::token::{AccessToken, SigningKey};
use service::{
    ClientAddress, Edge, EdgeSettings, Grant, Metrics, Principal, RATE_SETTINGS, RefusedCaller, Revocations, Role,
    Settings, Sources, VerificationKeys,
};
use testkit::FakeClock;

/// Where requests come from when a test does not say.
pub(crate) const PEER: [u8; 4] = [203, 0, 113, 7];
pub(crate) const SEED: [u8; 32] = [7; 32];
pub(crate) const KEY: &str = "key-of-the-test";

/// The door, and what stands on both sides of it.
pub(crate) struct Door {
    edge: Edge<Gateway>,
    pub(crate) clock: FakeClock,
    pub(crate) keys: Arc<VerificationKeys>,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) metrics: Arc<Metrics>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// Null if it is no JSON.
    pub(crate) body: Value,
    pub(crate) text: String,
    /// What is left in a refusal for the line of the log.
    pub(crate) refused: Option<RefusedCaller>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The status, and the code of a problem.
    pub(crate) fn is(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }
}

impl Door {
    /// Before services that say what reached them.
    pub(crate) fn open() -> Self {
        Self::configured(&[])
    }

    /// With settings that differ from their defaults.
    pub(crate) fn configured(settings: &[(&str, &str)]) -> Self {
        Self::before(settings, |service, request| async move { said(service, &request) })
    }

    /// Before services that answer by this function.
    pub(crate) fn before<A>(
        settings: &[(&str, &str)],
        answer: impl Fn(&'static str, Request<Body>) -> A + Clone + Send + Sync + 'static,
    ) -> Self
    where
        A: Future<Output = Response> + Send + 'static,
    {
        let clock = FakeClock::default();
        let (keys, revocations, metrics) =
            (Arc::<VerificationKeys>::default(), Arc::<Revocations>::default(), Arc::new(Metrics::new()));
        keys.replace([SigningKey::from_seed(KEY.to_owned(), &SEED).verification_key()]);
        revocations.refresh([], &clock);
        let flags = settings.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        let sources = Sources { flags, ..Sources::default() };
        let upstreams = ["auth", "catalog", "orders", "payments"].map(|service| {
            let answer = answer.clone();
            let router = Router::new().fallback(move |request: Request<Body>| answer(service, request));
            Upstream { service, router, document: document(service) }
        });
        let documentation = Router::new().fallback(async || "pages");
        let gateway = gateway::build(GatewayDeps {
            upstreams: Upstreams::new(upstreams.into(), documentation),
            settings: Settings::load(&[gateway::SETTINGS, RATE_SETTINGS], &sources).unwrap(),
            clock: clock.shared(),
            keys: Arc::clone(&keys),
            revocations: Arc::clone(&revocations),
            metrics: Arc::clone(&metrics),
        });
        let edge = Edge::new(gateway.unwrap(), EdgeSettings::default(), clock.shared(), &OsRng);
        Self { edge, clock, keys, revocations, metrics }
    }

    pub(crate) async fn ask(&self, request: Request<Body>) -> Answer {
        self.ask_from(PEER.into(), request).await
    }

    pub(crate) async fn ask_from(&self, peer: IpAddr, request: Request<Body>) -> Answer {
        let (head, body) = self.edge.answer(peer, request).await.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let refused = head.extensions.get().copied();
        Answer { status: head.status.as_u16(), headers: head.headers, body, text, refused }
    }

    /// A good token of this person.
    pub(crate) fn token(&self, person: &AccessToken) -> String {
        SigningKey::from_seed(KEY.to_owned(), &SEED).sign(person)
    }

    /// Somebody signed in at this moment: a number, and what they may do everywhere.
    pub(crate) fn person(&self, number: u128, roles: &[Role]) -> AccessToken {
        let now = self.clock.now();
        AccessToken {
            user_id: UserId::from_bits(number),
            session_id: SessionId::from_bits(number),
            grants: roles.iter().map(|&role| Grant { role, shop_id: None }).collect(),
            auth_time: now,
            issued_at: now,
        }
    }

    /// A barista of one shop.
    pub(crate) fn barista(&self, number: u128) -> AccessToken {
        let grants = vec![Grant { role: Role::Barista, shop_id: Some(ShopId::from_bits(1)) }];
        AccessToken { grants, ..self.person(number, &[]) }
    }
}

/// A request without a body.
pub(crate) fn request(method: &Method, path: &str) -> Request<Body> {
    Request::builder().method(method).uri(path).body(Body::empty()).unwrap()
}

pub(crate) fn get(path: &str) -> Request<Body> {
    request(&Method::GET, path)
}

pub(crate) fn with(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request.headers_mut().append(name, value.parse().unwrap());
    request
}

pub(crate) fn signed_in(request: Request<Body>, token: &str) -> Request<Body> {
    with(request, "authorization", &format!("Bearer {token}"))
}

/// A row's path with something in each of its places.
pub(crate) fn example(row: &Row) -> String {
    let parts = row.path.split('/').map(|part| if part.starts_with('{') { "x_1" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// What reached the service, as it would see it.
pub(crate) fn said(service: &str, request: &Request<Body>) -> Response {
    let headers: Map<String, Value> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), json!(String::from_utf8_lossy(value.as_bytes()))))
        .collect();
    let principal = request.extensions().get::<Principal>();
    let address = request.extensions().get::<ClientAddress>();
    let said = json!({
        "service": service,
        "method": request.method().as_str(),
        "path": request.uri().path(),
        "headers": headers,
        "user": principal.map(|known| known.user_id.to_string()),
        "address": address.map(|known| known.0.to_string()),
    });
    (StatusCode::OK, Json(said)).into_response()
}

/// What a service that serves its rows of the table documents.
fn document(service: &str) -> utoipa::openapi::OpenApi {
    let mut paths = Map::new();
    for row in TABLE.iter().filter(|row| row.service == service && service != GATEWAY) {
        let item = paths.entry(row.service_path()).or_insert_with(|| json!({}));
        item[row.method.as_str().to_lowercase()] = json!({"responses": {}});
    }
    let document = json!({"openapi": "3.1.0", "info": {"title": service, "version": "0"}, "paths": paths});
    serde_json::from_value(document).unwrap()
}
