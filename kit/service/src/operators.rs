//! What operators ask on the private listener: metrics and health. Never mounted on the public one (ASVS 13.4.5).

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use http::header::CONTENT_TYPE;

use crate::{Health, METRICS_MEDIA_TYPE, Metrics};

#[derive(Clone)]
struct Operators {
    health: Arc<Health>,
    metrics: Arc<Metrics>,
}

/// `/metrics`, `/health/live`, `/health/ready` (200 or 503, with each part).
pub fn operator_routes(health: Arc<Health>, metrics: Arc<Metrics>) -> Router {
    Router::new()
        .route("/metrics", get(metrics_page))
        .route("/health/live", get(|| async { "live\n" }))
        .route("/health/ready", get(ready))
        .with_state(Operators { health, metrics })
}

async fn metrics_page(State(operators): State<Operators>) -> Response {
    // Readings ask the database: not on a thread that answers requests.
    match tokio::task::spawn_blocking(move || operators.metrics.text()).await {
        Ok(page) => ([(CONTENT_TYPE, METRICS_MEDIA_TYPE)], page).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn ready(State(operators): State<Operators>) -> Response {
    match tokio::task::spawn_blocking(move || operators.health.report()).await {
        Ok(report) if report.ready => Json(report).into_response(),
        Ok(report) => (StatusCode::SERVICE_UNAVAILABLE, Json(report)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
