//! Health and the operators' listener.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use service::{Health, Metrics, operator_routes};
use testkit::{FakeClock, TestDatabase};
use tower::ServiceExt as _;

testkit::both_databases!(a_database_that_takes_writes_is_well_and_one_that_is_gone_is_not);

fn a_database_that_takes_writes_is_well_and_one_that_is_gone_is_not(database: &TestDatabase) {
    let clock = FakeClock::default();
    let store = database.open();
    let health = Health::new(clock.shared());
    health.database(store.db("orders", &[]).unwrap());
    assert!(health.report().ready);

    store.shutdown();
    clock.advance(Duration::from_secs(1));
    let report = health.report();

    assert!(!report.ready);
    assert_eq!(report.parts[0].name, "database of orders");
    assert!(report.parts[0].fault.is_some(), "{report:?}");
}

#[test]
fn however_often_it_is_asked_the_parts_are_asked_once_a_second() {
    let clock = FakeClock::default();
    let health = Health::new(clock.shared());
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    health.add("part", move || {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });

    for _ in 0..10 {
        assert!(health.report().ready);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);

    clock.advance(Duration::from_secs(1));
    assert!(health.report().ready);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

async fn ask(health: &Arc<Health>, path: &str) -> Response {
    let metrics = Arc::new(Metrics::new());
    metrics.route("GET", "/menu").observe(200, Duration::from_millis(1));
    let request = Request::builder().uri(path).body(Body::empty()).unwrap();
    operator_routes(Arc::clone(health), metrics).oneshot(request).await.unwrap()
}

async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn operators_see_what_is_wrong() {
    let health = Arc::new(Health::new(FakeClock::default().shared()));
    health.add("consumers", || Err("payments.open is down".to_owned()));

    let ready = ask(&health, "/health/ready").await;
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(text(ready).await, r#"{"ready":false,"parts":[{"name":"consumers","fault":"payments.open is down"}]}"#);

    let live = ask(&health, "/health/live").await;
    assert_eq!(live.status(), StatusCode::OK, "who answers, lives");
}

#[tokio::test]
async fn who_shuts_down_is_live_and_not_ready() {
    let health = Arc::new(Health::new(FakeClock::default().shared()));
    assert_eq!(ask(&health, "/health/ready").await.status(), StatusCode::OK);

    health.stop();

    assert_eq!(ask(&health, "/health/ready").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ask(&health, "/health/live").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_metrics_page_is_open_metrics() {
    let health = Arc::new(Health::new(FakeClock::default().shared()));

    let page = ask(&health, "/metrics").await;

    assert_eq!(page.headers()["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let page = text(page).await;
    assert!(page.contains("samovar_http_requests_total{method=\"GET\",route=\"/menu\",status=\"2xx\"} 1\n"), "{page}");
    assert!(page.ends_with("# EOF\n"));
}
