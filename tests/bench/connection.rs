//! One kept-alive HTTP/1.1 connection, as cheap as can be: the load and the program share the machine.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(64 * 1024) }
    }

    /// Sends a whole request and reads the whole answer; its status.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> u16 {
        self.stream.write_all(request).await.unwrap();
        self.buffer.clear();
        let (status, whole) = loop {
            self.read_more().await;
            if let Some(head) = head(&self.buffer) {
                break head;
            }
        };
        while self.buffer.len() < whole {
            self.read_more().await;
        }
        status
    }

    /// The body of the last answer.
    pub(crate) fn body(&self) -> &[u8] {
        let end = find(&self.buffer, b"\r\n\r\n").map_or(self.buffer.len(), |at| at + 4);
        &self.buffer[end..]
    }

    async fn read_more(&mut self) {
        let read = self.stream.read_buf(&mut self.buffer).await.unwrap();
        assert!(read > 0, "the program closed the connection: {}", String::from_utf8_lossy(&self.buffer));
    }
}

/// Status and whole length of an answer whose head is there.
fn head(bytes: &[u8]) -> Option<(u16, usize)> {
    let end = find(bytes, b"\r\n\r\n")?;
    let head = &bytes[..end];
    let status = std::str::from_utf8(head.get(9..12)?).ok()?.parse().ok()?;
    let length = find(head, b"content-length: ").map_or(0, |at| digits(&head[at + 16..]));
    Some((status, end + 4 + length))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| b.is_ascii_digit()).fold(0, |n, b| n * 10 + usize::from(b - b'0'))
}

/// A request as bytes.
pub(crate) fn request(line: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{line} HTTP/1.1\r\nhost: localhost\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        text.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}
