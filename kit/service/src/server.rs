//! From a connection to a handler and back: the one place where HTTP enters and leaves the process.
//!
//! HTTP/1.1 only, and one parser. Every request gets an id, a time limit and a language; every answer the headers
//! of `headers`; a panic becomes a 500 that shows the id and nothing else. Nothing here is boxed per request.
//!
//! Deliberately absent: routes, policy and rates (the gateway's), TLS (a proxy's).

mod address;
mod edge;
mod head;
mod listen;
mod patient;
mod places;
mod smuggling;
mod unread;

use std::convert::Infallible;
use std::future::Future;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use tower::Service as _;

pub use address::{ClientAddress, TrustedProxies};
pub use edge::{Edge, EdgeSettings};
pub use listen::{Drained, ServerLimits, serve};

/// What answers requests behind the [`Edge`]: the gateway, or a router by itself.
pub trait Respond: Send + Sync + 'static {
    /// Answers one request.
    fn respond(&self, request: Request<Body>) -> impl Future<Output = Response> + Send;
}

impl Respond for Router {
    async fn respond(&self, request: Request<Body>) -> Response {
        let answer: Result<Response, Infallible> = self.clone().call(request).await;
        match answer {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}
