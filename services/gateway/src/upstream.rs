//! Where the services are. In one process each is a router that is called directly.

use std::collections::BTreeMap;
use std::fmt;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::Request;
use service::codes::NOT_FOUND;
use service::{Problem, Respond as _};
use utoipa::openapi::OpenApi;

use crate::policy::Documented;

/// The services behind the gateway.
pub struct Upstreams {
    routers: BTreeMap<&'static str, Router>,
    documented: Vec<Documented>,
    documentation: Router,
}

impl fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Upstreams").field(&self.routers.keys()).finish()
    }
}

/// A service's routes and what it says of them.
pub struct Upstream {
    /// Its name.
    pub service: &'static str,
    /// Its routes.
    pub router: Router,
    /// Their documentation.
    pub document: OpenApi,
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Upstream").field(&self.service).finish_non_exhaustive()
    }
}

impl Upstreams {
    /// The services of this process, and the pages that document them (`service::documentation`).
    #[must_use]
    pub fn new(services: Vec<Upstream>, documentation: Router) -> Self {
        let documented = services.iter().flat_map(|upstream| routes_of(&upstream.document, upstream.service)).collect();
        let routers = services.into_iter().map(|upstream| (upstream.service, upstream.router)).collect();
        Self { routers, documented, documentation }
    }

    /// Every route that a service documents.
    pub(crate) fn documented(&self) -> Vec<Documented> {
        self.documented.clone()
    }

    /// Passes a request on.
    pub(crate) async fn call(&self, service: &str, request: Request<Body>) -> Response {
        match self.routers.get(service) {
            Some(router) => router.respond(request).await,
            None => Problem::new(&NOT_FOUND).into_response(),
        }
    }

    /// Passes a request on to the pages that document the services.
    pub(crate) async fn documentation(&self, request: Request<Body>) -> Response {
        self.documentation.respond(request).await
    }
}

fn routes_of(document: &OpenApi, service: &'static str) -> Vec<Documented> {
    let mut routes = Vec::new();
    for (path, item) in &document.paths.paths {
        let methods = [
            ("GET", &item.get),
            ("POST", &item.post),
            ("PUT", &item.put),
            ("PATCH", &item.patch),
            ("DELETE", &item.delete),
        ];
        for (method, operation) in methods {
            if operation.is_some() {
                routes.push((method.to_owned(), path.clone(), service));
            }
        }
    }
    routes
}
