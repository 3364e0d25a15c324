//! A collector of traces: takes whatever is sent to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What came, as text; names and values of spans stand in it as they are.
pub(super) struct Collector {
    url: String,
    taken: Arc<Mutex<String>>,
}

impl Collector {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let taken = Arc::<Mutex<String>>::default();
        let taking = Arc::clone(&taken);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let taken = Arc::clone(&taking);
                std::thread::spawn(move || while take(&stream, &taken).is_some() {});
            }
        });
        Self { url, taken }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn text(&self) -> String {
        self.taken.lock().unwrap().clone()
    }
}

/// Takes one request, head and body, and answers it.
fn take(mut stream: &TcpStream, taken: &Mutex<String>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    while reader.read_line(&mut head).ok()? > 2 {
        let line = head.lines().next_back().unwrap_or_default().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut taken = taken.lock().unwrap();
    taken.push_str(&head);
    taken.push_str(&String::from_utf8_lossy(&body));
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()
}
