//! The only public door: finds the row of the policy table, sees who is asking, counts, and calls the service.
//!
//! What has no row does not exist. A row decides who may come in; whose order or payment it is, the service decides in
//! the predicate of its query. Checks stand in this order: route, overload, token, revocations, rate, role, a query that
//! nobody reads. Then the body is waited for, and only a request that is wholly there counts as work.
//!
//! Deliberately absent: business, tables, and the answers of services (but for the aggregated order, [`order_page`]).

mod body;
mod identify;
mod limits;
mod observed;
mod order_page;
pub mod policy;
mod returned_page;
mod root_page;
mod router;
mod upstream;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::header::ALLOW;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Uri};
use kernel::{Clock, Code};
use service::codes::{METHOD_NOT_ALLOWED, NOT_FOUND};
use service::{
    Admission, Admitted, Metrics, Principal, Problem, RefusedCaller, Respond, Setting, Settings, VerificationKeys,
};

use crate::body::Bodies;
use crate::identify::Identity;
use crate::limits::Counters;
use crate::observed::Observed;
pub use crate::order_page::document as document_order_page;
pub use crate::policy::{Access, PolicyGap, Row};
use crate::router::{Found, QueryOf, Route, Router};
pub use crate::upstream::{Upstream, Upstreams};

/// What may be configured.
pub static SETTINGS: &[Setting] = limits::SETTINGS;

/// All failures of its own.
pub static CODES: &[&Code] = &[&identify::REVOCATIONS_UNKNOWN];

/// What the gateway is given.
#[derive(Debug)]
pub struct GatewayDeps {
    /// Where the services are.
    pub upstreams: Upstreams,
    /// Configuration.
    pub settings: Settings,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The keys that access tokens are checked with.
    pub keys: Arc<VerificationKeys>,
    /// Sessions and users that are refused.
    pub revocations: Arc<service::Revocations>,
    /// Where requests are counted.
    pub metrics: Arc<Metrics>,
}

/// The door.
#[derive(Debug)]
pub struct Gateway {
    router: Router,
    upstreams: Upstreams,
    identity: Identity,
    counters: Counters,
    admission: Arc<Admission>,
    bodies: Bodies,
    request_limit: Duration,
    clock: Arc<dyn Clock>,
}

/// Builds the door.
///
/// # Errors
/// Every route without a row and every row without a route, by name: the program does not start with either.
pub fn build(deps: GatewayDeps) -> Result<Gateway, PolicyGap> {
    policy::compare(policy::TABLE, &deps.upstreams.documented())?;
    let query = |row: &Row| match row.service {
        policy::GATEWAY => QueryOf::Reader,
        _ if deps.upstreams.reads_query(row) => QueryOf::Reader,
        _ => QueryOf::Nobody,
    };
    let router = Router::new(policy::TABLE, &deps.metrics, query);
    Ok(Gateway {
        router,
        identity: Identity::new(deps.keys, deps.revocations, Arc::clone(&deps.clock)),
        counters: Counters::new(&deps.settings, &deps.metrics, Arc::clone(&deps.clock)),
        admission: limits::admission(&deps.settings, Arc::clone(&deps.clock)),
        bodies: Bodies::new(&deps.settings, &deps.metrics),
        request_limit: deps.settings.duration("server.request_limit"),
        upstreams: deps.upstreams,
        clock: deps.clock,
    })
}

impl Respond for Gateway {
    async fn respond(&self, request: Request<Body>) -> Response {
        let found = self.router.find(request.method(), request.uri().path());
        let metrics = if let Found::Route(route) = &found { &route.metrics } else { self.router.unmatched() };
        let observed = Observed::new(metrics, self.clock.as_ref(), self.request_limit);
        let response = match found {
            Found::Route(route) => {
                service::trace_route(&route.row.method, route.row.path);
                self.let_in(route, request).await
            }
            Found::OtherMethods(allowed) => other_methods(allowed, request.method()),
            Found::Nothing => Problem::new(&NOT_FOUND).into_response(),
        };
        observed.answered(response.status());
        response
    }
}

impl Gateway {
    /// The answer, which says whom it refuses if it does.
    async fn let_in(&self, route: &Route, request: Request<Body>) -> Response {
        let mut caller = RefusedCaller { route: route.row.path, user_id: None };
        let mut response = self.counted(route, &mut caller, request).await.unwrap_or_else(Problem::into_response);
        if response.status().is_client_error() {
            response.extensions_mut().insert(caller);
        }
        response
    }

    async fn counted(
        &self,
        route: &Route,
        caller: &mut RefusedCaller,
        request: Request<Body>,
    ) -> Result<Response, Problem> {
        let provider = limits::provider_of(&route.row, &request)?;
        self.counters.admit_provider(provider)?;
        let response = self.pass(route, (provider, caller), request).await.unwrap_or_else(Problem::into_response);
        self.counters.callback_answered(provider, response.status());
        Ok(response)
    }

    async fn pass(
        &self,
        route: &Route,
        (provider, caller): (Option<IpAddr>, &mut RefusedCaller),
        mut request: Request<Body>,
    ) -> Result<Response, Problem> {
        // A long poll or a password hash waits on something of its own: its time says nothing about the load.
        let is_work = route.row.waits == policy::Waits::No;
        if is_work {
            self.admission.look().map_err(|full| self.counters.shed(full))?;
        }
        let identified = self.identity.of(&request, &route.row);
        caller.user_id = identified.as_ref().ok().and_then(Option::as_ref).map(|principal| principal.user_id);
        // Who is refused is counted like anybody, by address when it is not known who it is: forged tokens cost too.
        self.counters.count(&route.row, identified.as_ref().ok().and_then(Option::as_ref), &request)?;
        let principal = identified?;
        route.row.access.admit(principal.as_ref())?;
        if route.query == QueryOf::Nobody {
            service::no_query(request.uri().query())?;
        }
        if let Some(principal) = principal {
            request.extensions_mut().insert::<Principal>(principal);
        }
        // Before the permit: waiting for a slow sender is no work either.
        let (mut request, _room) = self.bodies.arrived(request, &route.row).await?;
        // Again: many that were sent at once came in before the first of them was refused.
        self.counters.admit_provider(provider)?;
        let enter = || self.admission.enter().map_err(|full| self.counters.shed(full));
        // Held by whatever goes on for the request, also after its caller has gone.
        let admitted = is_work.then(enter).transpose()?.map(Admitted::from);
        if let Some(admitted) = &admitted {
            request.extensions_mut().insert::<Admitted>(admitted.clone());
        }
        match route.row.service {
            policy::GATEWAY => Ok(self.own_page(route.row.path, request).await),
            _ if route.row.is_order_page() => Ok(order_page::answer(&self.upstreams, below_base(request)).await),
            service => Ok(self.upstreams.call(service, below_base(request)).await),
        }
    }

    /// What the gateway has to show itself.
    async fn own_page(&self, path: &str, request: Request<Body>) -> Response {
        match path {
            "/" => root_page::answer(request.headers()),
            "/returned" => returned_page::answer(request.headers(), request.uri()),
            _ => self.upstreams.documentation(request).await,
        }
    }
}

/// The request as the service knows it: without [`policy::BASE_PATH`] before its path.
fn below_base(mut request: Request<Body>) -> Request<Body> {
    let uri = request.uri();
    let Some(path) = uri.path_and_query().and_then(|whole| whole.as_str().strip_prefix(policy::BASE_PATH)) else {
        return request;
    };
    if let Ok(below) = path.parse::<PathAndQuery>() {
        *request.uri_mut() = Uri::from(below);
    }
    request
}

/// 405 with what the path takes; `OPTIONS` asks for just that.
fn other_methods(allowed: &HeaderValue, asked: &Method) -> Response {
    if asked == Method::OPTIONS {
        let mut response = http::StatusCode::NO_CONTENT.into_response();
        response.headers_mut().insert(ALLOW, allowed.clone());
        return response;
    }
    Problem::new(&METHOD_NOT_ALLOWED).header(ALLOW, allowed.clone()).into_response()
}
