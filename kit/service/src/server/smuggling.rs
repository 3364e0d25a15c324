//! A request with both `Content-Length` and `Transfer-Encoding` is refused (ASVS 4.2.1; RFC 9112, section 6.1).
//!
//! hyper follows `Transfer-Encoding` and takes the other header out, as the RFC permits; what is left to see gives no
//! sign that a proxy before us may have read the request differently. So the bytes are looked at on their way in:
//! a block of lines that has both names, ended by an empty line, is remembered. Bytes of a body may look like such
//! a block; they only matter if a chunked request follows them, and the worst is that this one is refused.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

/// Whether a block of lines with both headers was seen on a connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Conflict(Arc<AtomicBool>);

impl Conflict {
    pub(super) fn was_seen(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The half of a stream that is read, its lines looked at.
pub(super) struct Watched<S> {
    stream: S,
    lines: Lines,
    conflict: Conflict,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, conflict: Conflict) -> Self {
        Self { stream, lines: Lines::default(), conflict }
    }
}

/// The beginning of the current line, and which of the two names the block has.
#[derive(Default)]
struct Lines {
    start: [u8; NAME_MAX],
    len: usize,
    length: bool,
    encoding: bool,
}

const LENGTH: &[u8] = b"content-length:";
const ENCODING: &[u8] = b"transfer-encoding:";
const NAME_MAX: usize = ENCODING.len();

impl Lines {
    /// Takes the next bytes; true once a block had both names.
    fn take(&mut self, mut bytes: &[u8]) -> bool {
        let mut conflict = false;
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.extend(&bytes[..end]);
            conflict |= self.end_line();
            bytes = &bytes[end + 1..];
        }
        self.extend(bytes);
        conflict
    }

    /// Keeps as much of the line as is needed to know it.
    fn extend(&mut self, bytes: &[u8]) {
        let taken = bytes.len().min(NAME_MAX - self.len);
        self.start[self.len..self.len + taken].copy_from_slice(&bytes[..taken]);
        self.len += taken;
    }

    fn end_line(&mut self) -> bool {
        let line = &self.start[..std::mem::take(&mut self.len)];
        let begins_with = |name: &[u8]| line.len() >= name.len() && line[..name.len()].eq_ignore_ascii_case(name);
        if begins_with(LENGTH) {
            self.length = true;
        } else if begins_with(ENCODING) {
            self.encoding = true;
        } else if line.is_empty() || line == b"\r" {
            let both = self.length && self.encoding;
            (self.length, self.encoding) = (false, false);
            return both;
        }
        false
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let known = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if self.lines.take(&buffer.filled()[known..]) {
            self.conflict.0.store(true, Ordering::Relaxed);
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conflicts(text: &str, chunk: usize) -> bool {
        let mut lines = Lines::default();
        text.as_bytes().chunks(chunk).fold(false, |seen, bytes| seen | lines.take(bytes))
    }

    #[test]
    fn both_headers_in_one_head_are_seen_however_the_bytes_arrive() {
        let both = "POST / HTTP/1.1\r\ncontent-LENGTH: 5\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";

        for chunk in 1..both.len() {
            assert!(conflicts(both, chunk), "in chunks of {chunk}");
        }
        assert!(conflicts(&both.replace("\r\n", "\n"), 7));
    }

    #[test]
    fn one_header_each_in_two_heads_is_no_conflict() {
        let two = "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";

        for chunk in 1..two.len() {
            assert!(!conflicts(two, chunk), "in chunks of {chunk}");
        }
    }
}
