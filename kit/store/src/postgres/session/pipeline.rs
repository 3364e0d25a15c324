//! Several statements under way at once: all are sent before the first answer is waited for.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use futures_util::TryStreamExt as _;
use futures_util::future::{MaybeDone, maybe_done};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement as Prepared};

use crate::postgres::errors::{self, Failed};
use crate::{Param, StoreError};

/// A statement on its way that nobody waits for.
pub(super) struct Queued {
    pub(super) name: &'static str,
    pub(super) prepared: Prepared,
    pub(super) params: Vec<Param<'static>>,
    /// What the transaction fails with unless it touches one row.
    pub(super) otherwise: Option<StoreError>,
}

/// What is queued, once all of it is sent.
pub(super) struct UnderWay<'q, F: Future> {
    queued: &'q [Queued],
    sent: Sent<F>,
}

type Sent<F> = Vec<Pin<Box<MaybeDone<F>>>>;

/// Sends what is queued, in its order. Fails, and sends no more, at the first that the driver refuses to send: what
/// would be sent behind it may be a commit.
pub(super) async fn start<'q>(
    client: &'q Client,
    queued: &'q [Queued],
) -> Result<UnderWay<'q, impl Future<Output = Result<u64, Error>>>, Failed> {
    let mut sent = Sent::with_capacity(queued.len());
    for one in queued {
        let query = first_poll(client.execute_raw(&one.prepared, dynamic(&one.params))).await;
        sent.push(query.map_err(|error| errors::failure(&error, one.name))?);
    }
    Ok(UnderWay { queued, sent })
}

impl<F: Future<Output = Result<u64, Error>>> UnderWay<'_, F> {
    /// Waits for all answers; the first that is a failure, or a count that must not be.
    pub(super) async fn end(self) -> Result<(), Failed> {
        for (one, answer) in self.queued.iter().zip(answers(self.sent).await) {
            match (answer, &one.otherwise) {
                (Ok(1), _) | (Ok(_), None) => {}
                (Ok(_), Some(otherwise)) => return Err(Failed::tell(otherwise.clone())),
                (Err(error), _) => return Err(errors::failure(&error, one.name)),
            }
        }
        Ok(())
    }
}

/// The answers to all of these, or the first failure.
pub(super) async fn pipelined<T>(
    queries: impl Iterator<Item = impl Future<Output = Result<T, Error>>>,
) -> Result<Vec<T>, Error> {
    let mut sent = Sent::new();
    for query in queries {
        sent.push(first_poll(query).await?);
    }
    answers(sent).await.into_iter().collect()
}

/// Sends a query, unless the driver refuses to.
pub(super) async fn first_poll<T, F>(query: F) -> Result<Pin<Box<MaybeDone<F>>>, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut query = Box::pin(maybe_done(query));
    // A query is sent when it is first polled; a failure that is known by then is the driver's.
    poll_fn(|context| Poll::Ready(query.as_mut().poll(context).is_ready())).await;
    let is_refused = matches!(query.as_mut().output_mut(), Some(Err(_)));
    if is_refused && let Some(Err(refused)) = query.as_mut().take_output() {
        return Err(refused);
    }
    Ok(query)
}

/// The rows that a statement finds.
pub(super) async fn found(client: &Client, prepared: &Prepared, params: &[Param<'_>]) -> Result<Vec<Row>, Error> {
    client.query_raw(prepared, dynamic(params)).await?.try_collect().await
}

/// The parameters as the driver takes them.
pub(super) fn dynamic<'p>(params: &'p [Param<'_>]) -> impl ExactSizeIterator<Item = &'p (dyn ToSql + Sync)> {
    params.iter().map(|param| param as _)
}

/// The answers to what was sent.
async fn answers<F: Future>(sent: Sent<F>) -> Vec<F::Output> {
    let mut answers = Vec::with_capacity(sent.len());
    for mut query in sent {
        query.as_mut().await;
        answers.extend(query.as_mut().take_output());
    }
    answers
}
