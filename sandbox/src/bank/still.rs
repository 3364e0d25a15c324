//! The bank without sockets, threads and waiting: for a simulation, which has time in its own hands.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use tower::Service as _;

use super::api::{Desk, Patience, routes};
use super::books::{BankError, Books};
use super::deliveries::{Bell, Delivery, deliver_one};
use super::{BankConfig, StartError, open};

/// A bank that is asked by function calls. One request at a time.
#[derive(Debug)]
pub struct StillBank {
    books: Arc<Books>,
    router: Router,
    secret: String,
    waited_ms: Arc<AtomicU64>,
}

/// What the bank answers.
#[derive(Debug)]
pub struct StillAnswer {
    /// The status, also of an answer that nobody would have waited for.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// How long it would have taken.
    pub took: Duration,
}

impl StillBank {
    /// Opens the file. The address of the configuration only stands in links.
    ///
    /// # Errors
    /// The file cannot be had.
    pub fn open(config: BankConfig) -> Result<Self, StartError> {
        let books = open(&config)?;
        let url = config.public_url.unwrap_or_else(|| format!("http://{}", config.listen));
        let waited_ms = Arc::<AtomicU64>::default();
        let patience = Patience::Counted(Arc::clone(&waited_ms));
        let router = routes(Desk::new(&books, &url, Arc::<Bell>::default(), patience));
        Ok(Self { books, router, secret: config.secret, waited_ms })
    }

    /// What it knows.
    #[must_use]
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// Answers a request of its API or its pages. Must be called inside a runtime.
    ///
    /// # Panics
    /// Never: the bank's answers are short and whole.
    pub async fn answer(&self, request: Request<Vec<u8>>) -> StillAnswer {
        self.waited_ms.store(0, Ordering::SeqCst);
        let answer = self.router.clone().call(request.map(Body::from)).await.unwrap_or_else(|never| match never {});
        let (head, body) = answer.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body that is in memory does not break off");
        let took = Duration::from_millis(self.waited_ms.load(Ordering::SeqCst));
        StillAnswer { status: head.status.as_u16(), headers: head.headers, body: body.to_vec(), took }
    }

    /// Hands the event that has been due longest to `post`, which says whether the shop took it. `true` if there may be
    /// another.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn deliver(&self, post: impl FnOnce(&Delivery) -> bool) -> Result<bool, BankError> {
        deliver_one(&self.books, &self.secret, post)
    }
}
