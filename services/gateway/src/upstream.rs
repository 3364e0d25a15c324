//! Where the services are. In one process each is a router that is called directly.

use std::collections::BTreeMap;
use std::fmt;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Request};
use service::codes::NOT_FOUND;
use service::{Problem, Respond as _, Tagged};
use utoipa::openapi::OpenApi;

use crate::policy::Documented;

/// The services behind the gateway.
pub struct Upstreams {
    routers: BTreeMap<&'static str, Router>,
    documented: Vec<Documented>,
    openapi: Tagged,
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
    /// The services of this process; `document` is the whole OpenAPI document that is served.
    ///
    /// # Errors
    /// A document that cannot be written as JSON.
    pub fn new(services: Vec<Upstream>, document: &OpenApi) -> Result<Self, Problem> {
        let documented = services.iter().flat_map(|upstream| routes_of(&upstream.document, upstream.service)).collect();
        let routers = services.into_iter().map(|upstream| (upstream.service, upstream.router)).collect();
        Ok(Self { routers, documented, openapi: Tagged::new(document)? })
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

    /// The whole document.
    pub(crate) fn openapi(&self, headers: &HeaderMap) -> Response {
        self.openapi.answer(headers)
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
