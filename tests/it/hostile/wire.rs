//! HTTP as bytes: what a well-behaved client would not send.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// A request, as far as it pretends to be one.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// What came back before the connection was closed.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Shot {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// With this header and no other of its name.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    pub(crate) fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string())
    }

    pub(crate) fn fired_at(&self, server: SocketAddr) -> Reply {
        let mut bytes = self.head();
        bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", self.body.len()).as_bytes());
        bytes.extend_from_slice(&self.body);
        exchange(server, &bytes)
    }

    /// Announces a body and sends nothing of it.
    pub(crate) fn announced_at(&self, server: SocketAddr, length: u64) -> Reply {
        let mut bytes = self.head();
        bytes.extend_from_slice(format!("content-length: {length}\r\n\r\n").as_bytes());
        exchange(server, &bytes)
    }

    /// Sends the body in one chunk and never ends it.
    pub(crate) fn streamed_at(&self, server: SocketAddr) -> Reply {
        let mut bytes = self.head();
        bytes.extend_from_slice(format!("transfer-encoding: chunked\r\n\r\n{:x}\r\n", self.body.len()).as_bytes());
        bytes.extend_from_slice(&self.body);
        exchange(server, &bytes)
    }

    fn head(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.into_bytes()
    }
}

/// Sends bytes and reads until the other side closes.
pub(crate) fn exchange(server: SocketAddr, bytes: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // Who is refused in the middle of a sentence cannot finish it.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Reply { status, head: head.to_ascii_lowercase(), body: serde_json::from_str(body).unwrap_or(Value::Null) }
}

impl Reply {
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Where the request is wrong, with what, as `pointer code`.
    pub(crate) fn faults(&self) -> Vec<String> {
        let errors = self.body["errors"].as_array().cloned().unwrap_or_default();
        let text = |fault: &Value, member: &str| fault[member].as_str().unwrap_or("?").to_owned();
        errors.iter().map(|fault| format!("{} {}", text(fault, "pointer"), text(fault, "code"))).collect()
    }

    /// Whether a fault is told at this place or inside it.
    pub(crate) fn has_fault_at(&self, pointer: &str) -> bool {
        let inside = |fault: &String| fault.strip_prefix(pointer).is_some_and(|rest| rest.starts_with([' ', '/']));
        self.faults().iter().any(inside)
    }

    /// A refusal: 4xx, a problem document that says the same status, and what is wrong with the input.
    #[track_caller]
    pub(crate) fn assert_refused(&self, what: &str) {
        let is_problem = self.head.contains("content-type: application/problem+json")
            && self.body["status"] == self.status
            && self.body["request_id"].is_string()
            && !self.code().is_empty();
        assert!((400..500).contains(&self.status) && is_problem, "{what}: {self:?}");
        let names_places = self.code() != "http.invalid" || !self.faults().is_empty();
        assert!(names_places, "{what}: invalid, and no place is named: {self:?}");
    }
}
