//! What is found, what is not, and how an answer and its trace are named.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use gateway::policy::{GATEWAY, TABLE};
use http::Method;
use service::Role;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use crate::door::{Door, example, get, request, signed_in, with};

const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

#[tokio::test]
async fn a_row_reaches_its_service_by_its_own_path() {
    let door = Door::configured(&[("limits.enabled", "false")]);
    let everybody = door.token(&door.person(1, &Role::ALL));
    for row in TABLE.iter().filter(|row| row.service != GATEWAY) {
        let path = example(row);

        let answer = door.ask(signed_in(request(&row.method, &path), &everybody)).await;

        // The one page that the gateway composes has more in it than what the service said.
        assert_eq!(answer.body["service"], row.service, "{} {path}", row.method);
        assert_eq!(answer.body["method"], row.method.as_str(), "{path}");
        assert_eq!(answer.body["path"], path.trim_start_matches("/api/v1"), "{path}");
    }
}

#[tokio::test]
async fn every_method_without_a_row_is_refused_with_those_that_have_one() {
    let door = Door::configured(&[("limits.enabled", "false")]);
    let everybody = door.token(&door.person(1, &Role::ALL));
    for row in TABLE {
        let of_path: BTreeSet<&str> =
            TABLE.iter().filter(|other| other.path == row.path).map(|other| other.method.as_str()).collect();
        for method in METHODS.iter().filter(|method| !of_path.contains(method.as_str())) {
            let answer = door.ask(signed_in(request(method, &example(row)), &everybody)).await;

            assert_eq!(answer.is(), (405, "http.method-not-allowed"), "{method} {}", row.path);
            let allowed: BTreeSet<&str> = answer.header("allow").split(", ").filter(|name| *name != "HEAD").collect();
            assert_eq!(allowed, of_path, "{method} {}", row.path);
        }
    }
}

#[tokio::test]
async fn options_tells_the_methods_and_nothing_else() {
    let door = Door::open();

    let answer = door.ask(request(&Method::OPTIONS, "/api/v1/orders")).await;

    assert_eq!((answer.status, answer.header("allow")), (204, "GET, HEAD, POST"));
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn what_has_no_row_is_not_there_for_anybody() {
    let door = Door::open();
    let everybody = door.token(&door.person(1, &Role::ALL));
    for path in [
        "/api/v1/metrics",
        "/metrics",
        "/health",
        "/healthz",
        "/.git/config",
        "/api/v1/orders/x_1/",
        "/api/v1//orders",
        "/api/v1/ORDERS",
        "/api/v1/orders;x=1",
        "/api/v1/%75sers",
        "/orders",
        "/users",
    ] {
        let answer = door.ask(signed_in(get(path), &everybody)).await;

        assert_eq!(answer.is(), (404, "http.not-found"), "{path}");
    }
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own_that_its_problem_repeats() {
    let door = Door::open();
    let mut seen = BTreeSet::new();
    for (path, status) in [("/api/v1/menu", 200), ("/api/v1/users", 401), ("/nothing", 404), ("/", 200)] {
        let answer = door.ask(with(get(path), "x-request-id", "req_00000000000000000000000001")).await;

        let id = answer.header("x-request-id").to_owned();
        assert_eq!(answer.status, status, "{path}");
        assert!(id.starts_with("req_") && seen.insert(id.clone()), "{path}: {id}");
        if status >= 400 {
            assert_eq!(answer.body["request_id"], id.as_str(), "{path}");
        }
    }
    assert!(!seen.contains("req_00000000000000000000000001"), "nobody chooses the id of a request");
}

#[tokio::test]
async fn requests_are_counted_by_the_template_of_their_route() {
    let door = Door::open();
    let anna = door.token(&door.person(1, &[]));

    door.ask(signed_in(get("/api/v1/orders/ord_secret"), &anna)).await;
    door.ask(get("/api/v1/orders/ord_secret")).await;

    let text = door.metrics.text();
    for status in ["2xx", "4xx"] {
        let line = format!(
            "samovar_http_requests_total{{method=\"GET\",route=\"/api/v1/orders/{{id}}\",status=\"{status}\"}} 1"
        );
        assert!(text.contains(&line), "{line} is not in {text}");
    }
    assert!(!text.contains("ord_secret"));
}

#[tokio::test]
async fn requests_without_a_row_are_counted_as_one_route() {
    let door = Door::open();

    for request in [get("/.git/config"), get("/admin.php"), request(&Method::DELETE, "/api/v1/orders")] {
        door.ask(request).await;
    }

    let text = door.metrics.text();
    let line = "samovar_http_requests_total{method=\"unmatched\",route=\"unmatched\",status=\"4xx\"} 3";
    assert!(text.contains(line), "{line} is not in {text}");
    assert!(!text.contains(".git") && !text.contains("admin.php"));
}

/// The id of a span, the name of a field, what it was told.
type Recorded = (u64, &'static str, String);

/// Keeps what spans are told of their route. For the whole binary: `tracing` remembers for each place in the code
/// whether anybody listens.
#[derive(Clone, Default)]
struct Routes(Arc<Mutex<Vec<Recorded>>>);

struct Told<'r>(&'r Routes, u64);

impl Visit for Told<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if matches!(field.name(), "http.route" | "request.id") {
            self.0.0.lock().unwrap().push((self.1, field.name(), format!("{value:?}").trim_matches('"').to_owned()));
        }
    }
}

impl<S: tracing::Subscriber> Layer<S> for Routes {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        attributes.record(&mut Told(self, id.into_u64()));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        values.record(&mut Told(self, id.into_u64()));
    }
}

impl Routes {
    /// The routes that the span of this request was told.
    fn of(&self, request_id: &str) -> Vec<String> {
        let told = self.0.lock().unwrap();
        let span = told.iter().find(|(_, name, value)| *name == "request.id" && value == request_id).unwrap().0;
        // Ids of spans are used again: what counts stands after this request's own id.
        let after = told.iter().skip_while(|(_, _, value)| value != request_id);
        let next = after.skip(1).take_while(|(id, name, _)| *id != span || *name != "request.id");
        next.filter(|(id, name, _)| *id == span && *name == "http.route").map(|(_, _, route)| route.clone()).collect()
    }
}

#[tokio::test]
async fn the_span_of_a_request_is_named_by_its_route_and_never_by_its_address() {
    let routes = Routes::default();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(routes.clone())).unwrap();
    let door = Door::open();

    let refused = door.ask(get("/api/v1/orders/ord_secret")).await;
    let nothing = door.ask(get("/nothing/ord_secret")).await;

    assert_eq!(routes.of(refused.header("x-request-id")), ["/api/v1/orders/{id}"]);
    assert_eq!(routes.of(nothing.header("x-request-id")), Vec::<String>::new());
}

/// Whoever comes back from the bank may be nobody, and says what they like.
#[tokio::test]
async fn the_page_after_the_bank_is_for_everybody_and_repeats_nothing_but_an_id() {
    let door = Door::open();
    let id = "ord_01h455vb4pex5vsknk084sn02q";
    let page = |query: &str, language: &str| {
        let asked = with(get(&format!("/returned?{query}")), "accept", "text/html,*/*");
        door.ask(with(asked, "accept-language", language))
    };

    let english = page(&format!("order={id}"), "en").await;
    let russian = page(&format!("order={id}"), "ru").await;
    let forged = page("order=ord_1%22%3E%3Cscript%3E&status=success", "en").await;
    let program = door.ask(get(&format!("/returned?order={id}"))).await;

    for (answer, words) in
        [(&english, "order ord_01h455vb4pex5vsknk084sn02q is paid"), (&russian, "Оплачен ли заказ ord_")]
    {
        assert_eq!(answer.status, 200);
        assert!(answer.header("content-type").starts_with("text/html"), "{}", answer.header("content-type"));
        assert!(answer.text.contains(words), "{}", answer.text);
    }
    assert_eq!(forged.status, 200);
    assert!(!forged.text.contains("script") && !forged.text.contains("success"), "{}", forged.text);
    assert_eq!(program.body["links"]["payment"], format!("/api/v1/orders/{id}/payment"));
}
