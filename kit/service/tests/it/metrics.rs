//! The metrics page, read as a scraper reads it.

use std::collections::BTreeMap;
use std::time::Duration;

use service::{HistogramReading, Metrics};

/// Samples by name and labels as written; fails on a line that is not OpenMetrics.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut families = BTreeMap::new();
    let mut samples = BTreeMap::new();
    let (body, end) = text.split_at(text.len() - "# EOF\n".len());
    assert_eq!(end, "# EOF\n");
    for line in body.lines() {
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("TYPE"), Some(name), Some(kind)) => {
                let twice = families.insert(name.to_owned(), kind.to_owned());
                assert_eq!(twice, None, "{name} has two types");
            }
            (Some("#"), Some("HELP"), Some(_), Some(_)) => {}
            _ => {
                let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("not a sample: {line}"));
                let family = families.keys().find(|family| name.starts_with(family.as_str()));
                assert!(family.is_some(), "a sample without a type: {line}");
                let twice = samples.insert(name.to_owned(), value.parse().unwrap());
                assert_eq!(twice, None, "{name} is there twice");
            }
        }
    }
    samples
}

#[test]
fn requests_are_counted_by_route_and_class() {
    let metrics = Metrics::new();
    let place = metrics.route("POST", "/orders");
    let read = metrics.route("GET", "/orders/{id}");

    place.observe(201, Duration::from_millis(2));
    place.observe(422, Duration::from_millis(1));
    place.observe(422, Duration::from_micros(10));
    read.observe(200, Duration::from_secs(3));

    let samples = samples(&metrics.text());
    let of = |name: &str, labels: &str| samples[&format!("samovar_{name}{{{labels}}}")];
    let orders = r#"method="POST",route="/orders""#;
    assert_eq!(of("http_requests_total", &format!(r#"{orders},status="2xx""#)), 1.0);
    assert_eq!(of("http_requests_total", &format!(r#"{orders},status="4xx""#)), 2.0);
    assert_eq!(of("http_requests_total", &format!(r#"{orders},status="5xx""#)), 0.0);
    assert_eq!(of("http_request_seconds_count", orders), 3.0);
    assert_eq!(of("http_request_seconds_bucket", &format!(r#"le="0.001",{orders}"#)), 2.0);
    assert_eq!(of("http_request_seconds_bucket", &format!(r#"le="+Inf",{orders}"#)), 3.0);
    assert_eq!(of("http_request_seconds_bucket", r#"le="2.5",method="GET",route="/orders/{id}""#), 0.0);
}

#[test]
fn a_status_outside_the_classes_is_counted_and_does_not_panic() {
    let metrics = Metrics::new();
    let route = metrics.route("GET", "/");

    route.observe(0, Duration::ZERO);
    route.observe(999, Duration::ZERO);

    let samples = samples(&metrics.text());
    assert_eq!(samples[r#"samovar_http_requests_total{method="GET",route="/",status="1xx"}"#], 1.0);
    assert_eq!(samples[r#"samovar_http_requests_total{method="GET",route="/",status="5xx"}"#], 1.0);
}

#[test]
fn the_same_route_asked_for_twice_is_the_same_numbers() {
    let metrics = Metrics::new();

    metrics.route("GET", "/").observe(200, Duration::ZERO);
    metrics.route("GET", "/").observe(200, Duration::ZERO);

    assert_eq!(samples(&metrics.text())[r#"samovar_http_requests_total{method="GET",route="/",status="2xx"}"#], 2.0);
}

#[test]
fn requests_turned_away_are_counted_by_reason() {
    let metrics = Metrics::new();

    metrics.shed("queue-full").count();

    assert_eq!(samples(&metrics.text())[r#"samovar_http_shed_total{reason="queue-full"}"#], 1.0);
}

#[test]
fn readings_are_read_when_the_page_is_asked_for() {
    let metrics = Metrics::new();
    let lag = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(3));
    let read = std::sync::Arc::clone(&lag);
    let help = "Events that a consumer has not had";
    metrics.readings().gauge("consumer_lag", help, &[("consumer", "catalog.holds")], move || {
        read.load(std::sync::atomic::Ordering::Relaxed)
    });
    metrics.readings().gauge("consumer_lag", help, &[("consumer", "a \"quoted\" one")], || 9);
    metrics.readings().counter("events", "Events published", &[], || 12);
    metrics.readings().histogram("batch", "Closures per commit", &[("store", "main")], || HistogramReading {
        buckets: vec![(1.0, 5), (2.0, 1), (f64::INFINITY, 2)],
        sum: 40.0,
    });
    lag.store(4, std::sync::atomic::Ordering::Relaxed);

    let samples = samples(&metrics.text());

    assert_eq!(samples[r#"samovar_consumer_lag{consumer="catalog.holds"}"#], 4.0);
    assert_eq!(samples[r#"samovar_consumer_lag{consumer="a \"quoted\" one"}"#], 9.0);
    assert_eq!(samples["samovar_events_total"], 12.0);
    assert_eq!(samples[r#"samovar_batch_bucket{le="2.0",store="main"}"#], 6.0);
    assert_eq!(samples[r#"samovar_batch_bucket{le="+Inf",store="main"}"#], 8.0);
    assert_eq!(samples[r#"samovar_batch_count{store="main"}"#], 8.0);
    assert_eq!(samples[r#"samovar_batch_sum{store="main"}"#], 40.0);
}
