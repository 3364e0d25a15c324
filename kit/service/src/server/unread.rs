//! What hyper refuses by itself, because it cannot read a request at all, is answered with a problem document too.
//!
//! hyper writes such an answer without asking anybody, and without a body. It is recognised on its way out: all of
//! ours begin with their content type, its own with `connection: close` and `content-length: 0`.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::StatusCode;
use tokio::io::AsyncWrite;

/// The half of a stream that is written to, on which hyper's own refusals are exchanged for those that `answer` makes.
pub(super) struct Unread<S, F> {
    stream: S,
    answer: F,
    pending: Vec<u8>,
}

impl<S, F: Fn(StatusCode) -> Vec<u8>> Unread<S, F> {
    pub(super) fn new(stream: S, answer: F) -> Self {
        Self { stream, answer, pending: Vec::new() }
    }

    /// Keeps ours for hyper's; true when these bytes are such a refusal.
    fn exchange(&mut self, bytes: &[u8]) -> bool {
        let Some(status) = refusal_in(bytes) else { return false };
        self.pending = (self.answer)(status);
        true
    }
}

/// The status, if the bytes are the head of a refusal that hyper made.
fn refusal_in(bytes: &[u8]) -> Option<StatusCode> {
    let rest = bytes.strip_prefix(b"HTTP/1.1 4")?;
    let line = rest.iter().position(|byte| *byte == b'\n')?;
    rest[line + 1..].starts_with(b"connection: close\r\ncontent-length: 0\r\n").then_some(())?;
    StatusCode::from_bytes(bytes.get(9..12)?).ok()
}

impl<S: AsyncWrite + Unpin, F: Unpin> Unread<S, F> {
    fn poll_pending(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.pending.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.pending))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.pending.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S, F> AsyncWrite for Unread<S, F>
where
    S: AsyncWrite + Unpin,
    F: Fn(StatusCode) -> Vec<u8> + Unpin,
{
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.exchange(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(first) = slices.first().filter(|first| refusal_in(first).is_some()) {
            self.exchange(first);
            return Poll::Ready(Ok(first.len()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }
}
