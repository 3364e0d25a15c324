//! HTTP to the outside, against a listener of the test's own.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use service::{OUTBOUND_SETTINGS, OutRequest, Outbound as _, OutboundError, Settings, Sources, UreqOutbound};

/// A server that reads one request a connection and gives the same bytes to each.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: mpsc::Receiver<String>,
}

fn server(answer: &'static str) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let (count, (seen, requests)) = (Arc::clone(&connections), mpsc::channel());
    thread::spawn(move || {
        // Connections stay open until the test ends: an empty answer is one that never comes.
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let mut request = Vec::new();
            while !complete(&request) {
                let mut chunk = [0; 4096];
                let read = stream.read(&mut chunk).unwrap();
                request.extend_from_slice(&chunk[..read]);
            }
            // The test may have seen enough and be gone.
            let _ = seen.send(String::from_utf8(request).unwrap());
            let _ = stream.write_all(answer.as_bytes());
            open.push(stream);
        }
    });
    Server { address, connections, requests }
}

fn complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

impl Server {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn outbound(hosts: &str) -> UreqOutbound {
    let flags = vec![("outbound.hosts".to_owned(), hosts.to_owned())];
    let settings = Settings::load(&[OUTBOUND_SETTINGS], &Sources { flags, ..Sources::default() }).unwrap();
    UreqOutbound::new(&settings)
}

#[test]
fn a_request_and_its_answer_pass_through_whole() {
    let server = server("HTTP/1.1 422 Unprocessable Content\r\nX-Bank: yes\r\nContent-Length: 8\r\n\r\n{\"a\": 1}");

    let request = OutRequest::post(server.url("/payments?x=1")).header("idempotency-key", "k-1").json(&[1, 2]);
    let answer = outbound("127.0.0.1").send(&request).unwrap();

    assert_eq!((answer.status, answer.header("x-bank"), answer.is_success()), (422, Some("yes"), false));
    assert_eq!(answer.json::<serde_json::Value>().unwrap()["a"], 1);
    let seen = server.requests.recv().unwrap().to_ascii_lowercase();
    assert!(seen.starts_with("post /payments?x=1 http/1.1\r\n"), "{seen}");
    assert!(seen.contains("idempotency-key: k-1\r\n") && seen.contains("content-type: application/json\r\n"), "{seen}");
    assert!(seen.ends_with("\r\n\r\n[1,2]"), "{seen}");
}

#[test]
fn a_redirect_is_an_answer() {
    let elsewhere = server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let location = elsewhere.url("/inside");
    let answer = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n").leak();
    let server = server(answer);

    let answer = outbound("127.0.0.1").send(&OutRequest::get(server.url("/"))).unwrap();

    assert_eq!((answer.status, answer.header("location")), (302, Some(location.as_str())));
    assert_eq!(elsewhere.connections.load(Ordering::SeqCst), 0);
}

#[test]
fn an_answer_that_is_too_large_is_not_read_to_its_end() {
    let body = "x".repeat(3000);
    let server = server(format!("HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n{body}").leak());

    let mut request = OutRequest::get(server.url("/"));
    request.body_max = 1000;
    let failed = outbound("127.0.0.1").send(&request).unwrap_err();

    assert_eq!(failed, OutboundError::TooLarge { host: server.address.to_string(), limit: 1000 });
    request.body_max = 3000;
    assert_eq!(outbound("127.0.0.1").send(&request).unwrap().body.len(), 3000);
}

#[test]
fn a_server_that_is_silent_is_a_timeout_with_unknown_outcome() {
    for answer in ["", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"] {
        let server = server(answer);

        let request = OutRequest::post(server.url("/")).json(&1).timeout_ms(50);
        let failed = outbound("127.0.0.1").send(&request).unwrap_err();

        assert_eq!(failed, OutboundError::Timeout { host: server.address.to_string(), timeout_ms: 50 });
        assert!(failed.outcome_unknown());
    }
}

#[test]
fn nobody_there_means_certainly_not_seen() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();

    let failed = outbound("127.0.0.1").send(&OutRequest::get(format!("http://{free}/"))).unwrap_err();

    assert!(matches!(failed, OutboundError::Unreachable { .. }), "{failed:?}");
    assert!(!failed.outcome_unknown());
}

#[test]
fn what_is_not_http_is_a_broken_connection() {
    let server = server("SSH-2.0-OpenSSH_9.2\r\n\r\n");

    let failed = outbound("127.0.0.1").send(&OutRequest::get(server.url("/"))).unwrap_err();

    assert!(matches!(failed, OutboundError::Broken { .. }), "{failed:?}");
    assert!(failed.outcome_unknown());
}

#[test]
fn only_listed_hosts_are_asked() {
    let server = server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let port = server.address.port();
    let cases = [
        ("127.0.0.1".to_owned(), true),
        (format!("127.0.0.1:{port}"), true),
        ("127.0.0.1:1".to_owned(), false),
        ("bank.example".to_owned(), false),
        (String::new(), false),
    ];

    for (hosts, allowed) in cases {
        let answer = outbound(&hosts).send(&OutRequest::get(server.url("/")));

        let refused = OutboundError::NotAllowed { host: server.address.to_string() };
        assert_eq!(answer.map(|answer| answer.status), if allowed { Ok(200) } else { Err(refused) }, "{hosts}");
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 2);
}

#[test]
fn an_address_cannot_smuggle_another_host_past_the_list() {
    for url in
        ["http://127.0.0.1@evil.example/", "http://user:pass@127.0.0.1/", "file:///etc/passwd", "/path", "ftp://x"]
    {
        let failed = outbound("127.0.0.1").send(&OutRequest::get(url)).unwrap_err();

        let refused = matches!(failed, OutboundError::BadRequest { .. } | OutboundError::NotAllowed { .. });
        assert!(refused && !failed.outcome_unknown(), "{url}: {failed:?}");
    }
}

#[test]
fn connections_are_used_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        for _ in 0..2 {
            let mut request = Vec::new();
            while !complete(&request) {
                let mut chunk = [0; 4096];
                let read = stream.read(&mut chunk).unwrap();
                assert!(read > 0, "the connection was closed instead of used again");
                request.extend_from_slice(&chunk[..read]);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
        }
    });
    let outbound = outbound("127.0.0.1");

    for _ in 0..2 {
        assert_eq!(outbound.send(&OutRequest::get(format!("http://{address}/"))).unwrap().body, b"ok");
    }

    served.join().unwrap();
}
