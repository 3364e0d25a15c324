//! The body of a request, waited for before the request is work: a sender who is slow, or pretends to be, holds a
//! connection and nothing else. What has come of all bodies together is bounded as well.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use http::header::CONNECTION;
use http::{HeaderValue, Method, Request};
use service::codes::{MALFORMED_REQUEST, OVERLOADED};
use service::{Metrics, Problem, Settings, ShedMetric, read_counted_body};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::limits::{BODIES_MAX_BYTES, BODY_FREE_BYTES};
use crate::policy::Row;

/// Bodies under way.
#[derive(Debug)]
pub(crate) struct Bodies {
    /// A permit is a byte.
    room: Semaphore,
    patience: Duration,
    no_room: ShedMetric,
}

/// The room that a body takes, until it is dropped; none for one that is small.
#[derive(Debug, Default)]
pub(crate) struct Room<'b>(Option<SemaphorePermit<'b>>);

impl Bodies {
    pub(crate) fn new(settings: &Settings, metrics: &Metrics) -> Self {
        Self {
            room: Semaphore::new(BODIES_MAX_BYTES),
            patience: settings.duration("server.body_limit"),
            no_room: metrics.shed("bodies"),
        }
    }

    /// The same request with its body in memory, as far as the row takes one, and the room that it takes there. A request
    /// without a body is passed on as it came.
    ///
    /// # Errors
    /// 413 beyond the row's limit, 400 when the body breaks off or is not there in time, 503 when there is no room.
    pub(crate) async fn arrived(
        &self,
        request: Request<Body>,
        row: &Row,
    ) -> Result<(Request<Body>, Room<'_>), Problem> {
        let mut room = Room::default();
        let takes_body = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH);
        if !takes_body || request.body().is_end_stream() {
            return Ok((request, room));
        }
        let (head, body) = request.into_parts();
        let patience = self.patience * if row.is_import() { IMPORT_PATIENCE } else { 1 };
        let read =
            read_counted_body(&head.headers, body, row.body_max_bytes(), |length| self.enlarge(&mut room, length));
        let whole = tokio::time::timeout(patience, read).await.map_err(|_| late())??;
        Ok((Request::from_parts(head, Body::from(whole)), room))
    }

    /// Makes room for a body of this length. By what has come, never by what was announced: who announces much and sends
    /// nothing takes nothing from others.
    fn enlarge<'b>(&'b self, room: &mut Room<'b>, length: usize) -> Result<(), Problem> {
        let taken = room.0.as_ref().map_or(0, SemaphorePermit::num_permits);
        let wanted = length.saturating_sub(BODY_FREE_BYTES + taken);
        if wanted == 0 {
            return Ok(());
        }
        let more = self.room.try_acquire_many(u32::try_from(wanted).unwrap_or(u32::MAX)).map_err(|_| {
            self.no_room.count();
            closing(Problem::new(&OVERLOADED).retry_after_s(1))
        })?;
        match &mut room.0 {
            Some(taken) => taken.merge(more),
            None => room.0 = Some(more),
        }
        Ok(())
    }
}

/// A file is twenty times as long as the longest other body, and comes from people who were let in by name.
const IMPORT_PATIENCE: u32 = 4;

fn late() -> Problem {
    closing(Problem::new(&MALFORMED_REQUEST).detail("the body did not arrive in time"))
}

/// The rest of the body is not waited for.
fn closing(problem: Problem) -> Problem {
    problem.header(CONNECTION, HeaderValue::from_static("close"))
}
