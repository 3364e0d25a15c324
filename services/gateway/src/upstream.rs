//! Where the services are. In one process each is a router that is called directly.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::Request;
use service::codes::NOT_FOUND;
use service::{Problem, Respond as _};
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{OpenApi, RefOr};

use crate::policy::{Documented, Row};

/// The services behind the gateway.
pub struct Upstreams {
    routers: BTreeMap<&'static str, Router>,
    documented: Vec<Documented>,
    /// Those that document query parameters, by method and path.
    queried: BTreeSet<(&'static str, String)>,
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
        let mut documented = Vec::new();
        let mut queried = BTreeSet::new();
        for upstream in &services {
            for (method, path, operation) in operations(&upstream.document) {
                documented.push((method.to_owned(), path.to_owned(), upstream.service));
                if has_query(operation) {
                    queried.insert((method, path.to_owned()));
                }
            }
        }
        let routers = services.into_iter().map(|upstream| (upstream.service, upstream.router)).collect();
        Self { routers, documented, queried, documentation }
    }

    /// Every route that a service documents.
    pub(crate) fn documented(&self) -> Vec<Documented> {
        self.documented.clone()
    }

    /// Whether the service reads query parameters there: it refuses those that it does not know.
    pub(crate) fn reads_query(&self, row: &Row) -> bool {
        let path = row.service_path();
        self.queried.iter().any(|(method, known)| *method == row.method.as_str() && known == path)
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

/// Every operation of a document with its method and path.
fn operations(document: &OpenApi) -> impl Iterator<Item = (&'static str, &str, &Operation)> {
    document.paths.paths.iter().flat_map(|(path, item)| {
        let methods = [
            ("GET", &item.get),
            ("POST", &item.post),
            ("PUT", &item.put),
            ("PATCH", &item.patch),
            ("DELETE", &item.delete),
        ];
        methods.into_iter().filter_map(|(method, operation)| Some((method, path.as_str(), operation.as_ref()?)))
    })
}

fn has_query(operation: &Operation) -> bool {
    operation.parameters.iter().flatten().any(|parameter| match parameter {
        RefOr::T(parameter) => parameter.parameter_in == ParameterIn::Query,
        RefOr::Ref(_) => false,
    })
}
