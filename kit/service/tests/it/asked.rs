//! Asking a router or an edge in the process, and what came back.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use kernel::{OsRng, SystemClock};
use serde_json::Value;
use service::{Edge, EdgeSettings};

/// An address on this machine.
pub(crate) const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answered {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The `code` of a problem.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The faults of a problem as `pointer code`, sorted.
    pub(crate) fn faults(&self) -> Vec<String> {
        let json = self.json();
        let line =
            |fault: &Value| format!("{} {}", fault["pointer"].as_str().unwrap(), fault["code"].as_str().unwrap());
        let mut faults: Vec<_> = json["errors"].as_array().into_iter().flatten().map(line).collect();
        faults.sort();
        faults
    }
}

/// Asks a router behind an edge with these settings.
pub(crate) async fn ask_edge(router: Router, settings: EdgeSettings, request: Request<Body>) -> Answered {
    let edge = Edge::new(router, settings, Arc::new(SystemClock::new()), &OsRng);
    read(edge.answer(HERE, request).await).await
}

/// Asks a router behind an edge as it stands by default.
pub(crate) async fn ask(router: Router, request: Request<Body>) -> Answered {
    ask_edge(router, EdgeSettings::default(), request).await
}

/// Reads an answer to its end.
pub(crate) async fn read(response: axum::response::Response) -> Answered {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("an answer made in memory").to_bytes().to_vec();
    Answered { status: parts.status, headers: parts.headers, body }
}

/// A POST of JSON.
pub(crate) fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path).header("content-type", "application/json").body(body.into()).unwrap()
}

/// A GET.
pub(crate) fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}
