//! The one OpenAPI document of all services.

use gateway::Upstream;
use gateway::policy::{BASE_PATH, TABLE};
use service::{Access, ApiDocument, Outline};
use utoipa_axum::router::OpenApiRouter;

const OUTLINE: Outline = Outline {
    title: "Samovar",
    version: env!("CARGO_PKG_VERSION"),
    description: include_str!("openapi/outline.md"),
    base_path: BASE_PATH,
};

/// Splits routes from their documentation, and joins the documents.
#[must_use]
pub fn assemble(routes: Vec<(&'static str, OpenApiRouter)>) -> (Vec<Upstream>, ApiDocument) {
    let mut upstreams = Vec::new();
    for (service, routes) in routes {
        let (router, document) = routes.split_for_parts();
        upstreams.push(Upstream { service, router, document });
    }
    let mut parts: Vec<_> = upstreams.iter().map(|upstream| upstream.document.clone()).collect();
    parts.iter_mut().for_each(gateway::document_order_page);
    (upstreams, ApiDocument::assemble(&OUTLINE, parts, access))
}

/// Who may, from the row of the policy table.
fn access(method: &str, path: &str) -> Option<Access> {
    let row = TABLE.iter().find(|row| row.method.as_str() == method && row.service_path() == path)?;
    Some(row.access.into())
}
