//! Closures that may share a transaction, while they wait for their turn.
//!
//! Each kind (a service, with or without waiting for the disk) has a pile of its own. A thread that comes to it takes as
//! many as there are: while they run and are committed the next ones gather, as in the group commit of SQLite. Mostly one
//! thread is at a pile, so that those who want the same rows wait in one line and not for each other's locks.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::StoreError;
use crate::engine::{Common, Lane};
use crate::work::WriteJob;

/// What the threads that write are given.
pub(crate) enum Turn {
    /// One closure.
    One(WriteJob),
    /// Whatever lies there.
    Pile(Arc<Pile>),
}

/// Closures of one kind.
pub(crate) struct Pile {
    waiting: Mutex<Waiting>,
    jobs_max: usize,
    threads_max: usize,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<WriteJob>,
    /// How many threads are at it, or will be in their turn.
    threads: usize,
}

/// How many share a transaction at most: one that fails makes so many run by themselves.
const COMPANY_MAX: usize = 16;

impl Pile {
    /// For so many closures, and so many threads at once.
    pub(crate) fn new(jobs_max: usize, threads_max: usize) -> Arc<Self> {
        Arc::new(Self { waiting: Mutex::default(), jobs_max, threads_max })
    }

    /// Lays a closure on it and sees to it that a thread comes, or gives it back with the reason.
    pub(crate) fn add(self: &Arc<Self>, job: WriteJob, lane: &Lane<Turn>) -> Result<(), Box<(WriteJob, StoreError)>> {
        let mut waiting = self.waiting();
        let queued = waiting.jobs.len();
        if lane.is_closing() {
            return Err(Box::new((job, StoreError::unavailable("it is shutting down"))));
        }
        if queued >= self.jobs_max {
            return Err(Box::new((job, StoreError::Overloaded { queued })));
        }
        let threads = waiting.threads;
        if threads == 0 || (threads < self.threads_max && queued >= COMPANY_MAX) {
            match lane.send(Turn::Pile(Arc::clone(self)), Duration::ZERO) {
                Ok(()) => waiting.threads += 1,
                Err((_, error)) if threads == 0 => return Err(Box::new((job, error))),
                // A second thread would be welcome; the first one comes to it.
                Err(_) => {}
            }
        }
        waiting.jobs.push_back(job);
        Ok(())
    }

    /// What no thread will come for any more.
    pub(crate) fn leave(&self) -> VecDeque<WriteJob> {
        std::mem::take(&mut self.waiting().jobs)
    }

    /// The next ones that somebody waits for. When there are none, the thread that asks is done with it.
    pub(crate) fn take(&self, common: &Common) -> Vec<WriteJob> {
        // Dropped when the pile is let go of: who knows what a closure holds.
        let mut dropped = Vec::new();
        let mut waiting = self.waiting();
        let mut taken = Vec::new();
        while taken.len() < COMPANY_MAX {
            let Some(job) = waiting.jobs.pop_front() else { break };
            if job.is_awaited(common) { taken.push(job) } else { dropped.push(job) }
        }
        if taken.is_empty() {
            waiting.threads -= 1;
        }
        taken
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting().jobs.len()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
