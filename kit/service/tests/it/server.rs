//! The edge and the listener: headers, ids, panics, time limits, and connections that try something.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body as RawBody;
use axum::routing::{get as on_get, post as on_post};
use http::{HeaderMap, Request, StatusCode};
use kernel::{OsRng, SystemClock};
use service::{ClientAddress, Drained, Edge, EdgeSettings, Metrics, RequestContext, ServerLimits, Transport, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};

use crate::asked::{ask, ask_edge, get};

/// Longer than anything here takes: a test that waits so long has failed.
const BOUND: Duration = Duration::from_secs(20);

async fn seen(headers: HeaderMap, axum::Extension(client): axum::Extension<ClientAddress>) -> String {
    let names: Vec<_> = headers.keys().map(http::HeaderName::as_str).filter(|name| name.starts_with("x-")).collect();
    format!("{} {}", client.0, names.join(","))
}

fn router() -> Router {
    Router::new()
        .route("/", on_get(async || "here"))
        .route("/seen", on_get(seen))
        .route("/id", on_get(async || RequestContext::current().unwrap().id.to_string()))
        .route("/panic", on_get(async || -> &'static str { panic!("the secret of the house") }))
        .route("/never", on_get(async || std::future::pending::<&'static str>().await))
        .route("/echo", on_post(async |body: String| body))
}

fn trusting(proxies: &str) -> EdgeSettings {
    EdgeSettings { proxies: proxies.parse().unwrap(), ..EdgeSettings::default() }
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_browsers_from_mischief() {
    for path in ["/", "/panic", "/nothing"] {
        let answer = ask(router(), get(path)).await;

        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'; sandbox");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("strict-transport-security"), "");
        assert!(answer.header("x-request-id").starts_with("req_"));
    }
    let over_tls = EdgeSettings { transport: Transport::Tls, ..EdgeSettings::default() };
    let answer = ask_edge(router(), over_tls, get("/")).await;
    assert_eq!(answer.header("strict-transport-security"), "max-age=31536000; includeSubDomains");
}

#[tokio::test]
async fn a_panic_is_an_answer_with_the_id_and_nothing_else() {
    let answer = ask(router(), get("/panic")).await;

    let text = String::from_utf8(answer.body.clone()).unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "http.internal"));
    assert!(text.contains(answer.header("x-request-id")) && !text.contains("secret"), "{text}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_given_up() {
    let impatient = EdgeSettings { request_max: Duration::from_millis(20), ..EdgeSettings::default() };

    let answer = ask_edge(router(), impatient, get("/never")).await;

    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "http.timeout"));
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn trace_is_refused() {
    let answer = ask(router(), Request::builder().method("TRACE").uri("/").body(RawBody::empty()).unwrap()).await;

    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::METHOD_NOT_ALLOWED, "http.method-not-allowed"));
    assert!(!answer.header("allow").is_empty());
}

fn forged() -> Request<RawBody> {
    Request::get("/seen")
        .header("x-forwarded-for", "1.2.3.4, 203.0.113.9")
        .header("x-request-id", "req_01h455vb4pex5vsknk084sn02q")
        .header("x-user-id", "admin")
        .header("x-shop-id", "all")
        .header("x-http-method-override", "DELETE")
        .header("x-other", "1")
        .body(RawBody::empty())
        .unwrap()
}

#[tokio::test]
async fn what_only_a_proxy_may_say_is_not_believed_from_others() {
    let answer = ask(router(), forged()).await;

    assert_eq!(answer.body, b"127.0.0.1 x-other");
    assert_ne!(answer.header("x-request-id"), "req_01h455vb4pex5vsknk084sn02q");
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_about_address_and_id_only() {
    let answer = ask_edge(router(), trusting("127.0.0.0/8"), forged()).await;

    assert_eq!(answer.body, b"203.0.113.9 x-other");
    assert_eq!(answer.header("x-request-id"), "req_01h455vb4pex5vsknk084sn02q");
}

#[tokio::test]
async fn request_ids_are_known_inside_and_never_repeat() {
    let edge = Edge::new(router(), EdgeSettings::default(), Arc::new(SystemClock::new()), &OsRng);
    let mut ids = std::collections::HashSet::new();

    for _ in 0..1_000 {
        let answer = crate::asked::read(edge.answer(crate::asked::HERE, get("/id")).await).await;
        assert_eq!(answer.body, answer.header("x-request-id").as_bytes());
        ids.insert(answer.body);
    }

    assert_eq!(ids.len(), 1_000);
}

/// A listener on a free port, and the way to stop it.
struct Served {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    drained: tokio::task::JoinHandle<Drained>,
}

async fn served(router: Router, limits: ServerLimits) -> Served {
    served_counting(router, limits, &Metrics::new()).await
}

async fn served_counting(router: Router, limits: ServerLimits, metrics: &Metrics) -> Served {
    let refused = metrics.shed("connections");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let edge = Arc::new(Edge::new(router, EdgeSettings::default(), Arc::new(SystemClock::new()), &OsRng));
    let (stop, stopped) = oneshot::channel::<()>();
    let drained = tokio::spawn(serve(listener, edge, limits, refused, async {
        drop(stopped.await);
    }));
    Served { address, stop, drained }
}

/// Sends bytes and reads until the other side closes.
async fn exchange(served: &Served, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    // A connection that is closed at once may be so before this.
    drop(stream.write_all(bytes).await);
    until_closed(&mut stream).await
}

async fn until_closed(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(BOUND, stream.read_to_end(&mut answer)).await.expect("the connection is closed");
    drop(read);
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_request_that_two_readers_may_read_differently_is_refused_and_closed() {
    let served = served(router(), ServerLimits::default()).await;
    let body = "0\r\n\r\nGET /id HTTP/1.1\r\nHost: a\r\n\r\n";

    for head in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "content-length: 4\r\ntransfer-ENCODING:chunked",
        "Content-Length: 4\r\nContent-Length: 5",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding : chunked",
        "Content-Length: +4",
        "Content-Length: 4, 5",
    ] {
        let answer =
            exchange(&served, format!("POST /echo HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n{body}").as_bytes()).await;

        assert!(answer.starts_with("HTTP/1.1 400"), "{head}: {answer}");
        assert!(answer.contains(r#""code":"http.malformed-request""#), "{head}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{head}: the second request was answered: {answer}");
    }
}

#[tokio::test]
async fn a_request_without_a_host_or_with_two_is_refused_and_closed() {
    let served = served(router(), ServerLimits::default()).await;

    for host in ["", "Host: a\r\nHost: a\r\n", "Host: a\r\nhost: b\r\n", "Host: a b\r\n"] {
        let answer = exchange(&served, format!("GET / HTTP/1.1\r\n{host}\r\n").as_bytes()).await;

        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("Host is"), "{host}: {answer}");
    }
    let old = exchange(&served, b"GET / HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 200"), "{old}");
}

#[tokio::test]
async fn a_chunked_body_alone_is_read() {
    let served = served(router(), ServerLimits::default()).await;

    let answer = exchange(
        &served,
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiPOST /echo HTTP/1.1\r\nHost: a\r\n\
          Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    )
    .await;

    assert_eq!(answer.matches("HTTP/1.1 200").count(), 2, "{answer}");
    assert!(answer.ends_with("hello"), "{answer}");
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let served = served(router(), ServerLimits::default()).await;
    let many: String = (0..200).map(|i| format!("X-A{i}: 1\r\n")).collect();
    let long = format!("X-Long: {}\r\n", "a".repeat(100_000));

    for head in [many, long] {
        let answer = exchange(&served, format!("GET / HTTP/1.1\r\nHost: a\r\n{head}\r\n").as_bytes()).await;

        let is_told = answer.starts_with("HTTP/1.1 431") && answer.contains(r#""code":"http.head-too-large""#);
        assert!(answer.is_empty() || is_told, "{answer}");
    }
}

#[tokio::test]
async fn what_is_no_request_is_answered_with_a_problem_after_what_was_one() {
    let served = served(router(), ServerLimits::default()).await;

    for bytes in ["hello\r\n\r\n", "GET / HTTP/1.1\r\nbad header\r\n\r\n", "GET / HTTP/7.0\r\n\r\n"] {
        let alone = exchange(&served, bytes.as_bytes()).await;
        let after = exchange(&served, format!("GET / HTTP/1.1\r\nHost: a\r\n\r\n{bytes}").as_bytes()).await;

        let (head, body) = alone.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400") && head.contains("x-request-id: req_"), "{alone}");
        assert!(head.contains("content-type: application/problem+json"), "{alone}");
        assert!(body.contains(r#""detail":"the request line, "#), "{alone}");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{alone}");
        assert!(after.starts_with("HTTP/1.1 200") && after.contains("\r\n\r\nhereHTTP/1.1 400"), "{after}");
    }
}

#[tokio::test]
async fn a_caller_who_sends_nothing_is_let_go() {
    let limits = ServerLimits { header_max: Duration::from_millis(50), ..ServerLimits::default() };
    let served = served(router(), limits).await;

    let answer = exchange(&served, b"GET / HTTP/1.1\r\nHost: a").await;

    assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
}

#[tokio::test]
async fn the_stop_waits_for_accepted_work_and_takes_no_more() {
    let (begun, may_end) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (inner_begun, inner_end) = (begun.clone(), may_end.clone());
    let slow = on_get(async move || {
        inner_begun.add_permits(1);
        inner_end.acquire().await.unwrap().forget();
        "done"
    });
    let served = served(Router::new().route("/slow", slow), ServerLimits::default()).await;
    let mut working = TcpStream::connect(served.address).await.unwrap();
    working.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let idle = TcpStream::connect(served.address).await.unwrap();
    tokio::time::timeout(BOUND, begun.acquire()).await.expect("the request is being answered").unwrap().forget();

    served.stop.send(()).unwrap();
    let refused = async { while TcpStream::connect(served.address).await.is_ok() {} };
    tokio::time::timeout(BOUND, refused).await.expect("no further connection is taken");
    may_end.add_permits(1);

    let answer = until_closed(&mut working).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
    assert_eq!(tokio::time::timeout(BOUND, served.drained).await.unwrap().unwrap(), Drained::All);
    drop(idle);
}

#[tokio::test]
async fn the_stop_does_not_wait_for_ever() {
    let limits = ServerLimits { drain_max: Duration::from_millis(50), ..ServerLimits::default() };
    let served = served(router(), limits).await;
    let mut stuck = TcpStream::connect(served.address).await.unwrap();
    stuck.write_all(b"GET /never HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n").await.unwrap();
    // Answered on another connection: the stuck one, accepted before it, has its place by now.
    exchange(&served, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;

    served.stop.send(()).unwrap();

    let drained = tokio::time::timeout(BOUND, served.drained).await.expect("the stop is bounded").unwrap();
    assert_eq!(drained, Drained::CutOff(1));
}

#[tokio::test]
async fn connections_beyond_the_most_wait_for_a_place() {
    let limits = ServerLimits { connections_max: 1, ..ServerLimits::default() };
    let served = served(router(), limits).await;
    let mut first = TcpStream::connect(served.address).await.unwrap();
    first.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut one = [0; 1];
    first.read_exact(&mut one).await.unwrap();
    let mut second = TcpStream::connect(served.address).await.unwrap();
    second.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();

    let early = tokio::time::timeout(Duration::from_millis(50), second.read_exact(&mut one)).await;
    drop(first);

    assert!(early.is_err(), "the second was answered beside the first");
    assert!(until_closed(&mut second).await.contains(" 200 "));
}

#[tokio::test]
async fn who_reads_nothing_of_the_answer_gives_the_place_to_others() {
    let limits = ServerLimits { connections_max: 1, write_max: Duration::from_millis(100), ..ServerLimits::default() };
    let large = || async { vec![b'x'; 64 * 1024 * 1024] };
    let here = axum::routing::get(|| async { "here" });
    let router = Router::new().route("/large", axum::routing::get(large)).route("/", here);
    let served = served(router, limits).await;
    let mut silent = TcpStream::connect(served.address).await.unwrap();
    silent.write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    silent.readable().await.unwrap();

    let next = exchange(&served, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;

    assert!(next.ends_with("here"), "{next}");
}

#[tokio::test]
async fn one_network_does_not_take_every_place() {
    let limits = ServerLimits { network_max: 1, ..ServerLimits::default() };
    let metrics = Metrics::new();
    let of_all = served_counting(router(), limits, &metrics).await;
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let first = TcpStream::connect(of_all.address).await.unwrap();
    let mut second = TcpStream::connect(of_all.address).await.unwrap();

    let refused = until_closed(&mut second).await;
    let counted = metrics.text();
    drop(first);
    let mut answer = String::new();
    for _ in 0..100 {
        answer = exchange(&of_all, request).await;
        if !answer.is_empty() {
            break;
        }
    }

    assert_eq!(refused, "", "closed without an answer");
    assert!(counted.contains("samovar_http_shed_total{reason=\"connections\"} 1"), "{counted}");
    assert!(answer.contains(" 200 "), "and the place is free again: {answer}");
}
