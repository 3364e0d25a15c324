//! The threads of a SQLite store, or none of them in inline mode.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::Receiver;

use crate::engine::{Common, Lane, Message, next, submit};
use crate::migrate::{self, Migration};
use crate::sqlite::checkpoint::Checkpoints;
use crate::sqlite::fence::Fence;
use crate::sqlite::open;
use crate::sqlite::reader::Reader;
use crate::sqlite::session::Session;
use crate::sqlite::writer::{More, Writer};
use crate::work::{ReadJob, Service, WriteJob};
use crate::{Mode, PATIENCE, SqliteConfig, StoreError};

/// A SQLite file.
pub(crate) struct Engine {
    config: SqliteConfig,
    fence: Arc<Fence>,
    common: Arc<Common>,
    hands: Hands,
}

/// Who runs closures.
enum Hands {
    Threads { writes: Lane<WriteJob>, reads: Lane<ReadJob> },
    Inline(Box<Inline>),
}

/// Closed in this order, as in [`Engine::shutdown`].
struct Inline {
    reader: Mutex<Reader>,
    writer: Mutex<Writer>,
}

impl Engine {
    pub(crate) fn open(config: SqliteConfig, common: &Arc<Common>) -> Result<Self, StoreError> {
        let fence = Arc::new(Fence::default());
        let mut connection = open::writer(&config)?;
        let checkpoints = Checkpoints::of(&mut connection)?;
        let writer = Writer::new(Session::new(connection, &fence)?, checkpoints, Arc::clone(common));
        let reader = || Ok(Reader::new(Session::new(open::reader(&config)?, &fence)?, Arc::clone(common)));
        let hands = match config.mode {
            Mode::Inline => {
                Hands::Inline(Box::new(Inline { reader: Mutex::new(reader()?), writer: Mutex::new(writer) }))
            }
            Mode::Threads => threads(&config, common, writer, reader)?,
        };
        Ok(Self { config, fence, common: Arc::clone(common), hands })
    }

    pub(crate) fn migrate(&self, owner: Service, history: &str, migrations: &[Migration]) -> Result<(), StoreError> {
        // A connection of its own: the writer may be in the middle of other services' work.
        let connection = open::writer(&self.config)?;
        migrate::sqlite(&connection, owner, (history, migrations), self.common.upgrade)?;
        self.fence.load(&connection)
    }

    pub(crate) fn write(&self, job: WriteJob, wait: Duration) {
        match &self.hands {
            Hands::Threads { writes, .. } => submit!(writes, job, wait, self.common),
            Hands::Inline(inline) => {
                inline.writer.lock().unwrap_or_else(PoisonError::into_inner).step(job, &mut |_| None);
            }
        }
    }

    pub(crate) fn read(&self, job: ReadJob, wait: Duration) {
        match &self.hands {
            Hands::Threads { reads, .. } => submit!(reads, job, wait, self.common),
            Hands::Inline(inline) => inline.reader.lock().unwrap_or_else(PoisonError::into_inner).step(job),
        }
    }

    pub(crate) fn queues(&self) -> (usize, usize) {
        match &self.hands {
            Hands::Threads { writes, reads } => (writes.len(), reads.len()),
            Hands::Inline(_) => (0, 0),
        }
    }

    pub(crate) fn log_bytes(&self) -> u64 {
        std::fs::metadata(self.config.log()).map_or(0, |log| log.len())
    }

    pub(crate) fn shutdown(&self) {
        match &self.hands {
            Hands::Threads { writes, reads } => {
                // The last connection to close writes the log back into the file, and readers cannot.
                reads.shutdown();
                writes.shutdown();
            }
            Hands::Inline(_) => {}
        }
    }
}

fn threads(
    config: &SqliteConfig,
    common: &Arc<Common>,
    writer: Writer,
    reader: impl Fn() -> Result<Reader, StoreError>,
) -> Result<Hands, StoreError> {
    let (writes, queue) = Lane::new(config.queue_max);
    let of_writer = Arc::clone(common);
    writes.spawn("store-writer".to_owned(), move || write_loop(writer, &queue, &of_writer))?;
    let (reads, queue) = Lane::new(config.queue_max);
    for number in 0..config.readers.max(1) {
        let (mut reader, queue, common) = (reader()?, queue.clone(), Arc::clone(common));
        reads.spawn(format!("store-reader-{number}"), move || {
            while let Some(job) = next(&queue, &common) {
                reader.step(job);
            }
        })?;
    }
    Ok(Hands::Threads { writes, reads })
}

fn write_loop(mut writer: Writer, queue: &Receiver<Message<WriteJob>>, common: &Common) {
    let mut stopping = false;
    while !stopping {
        let Some(first) = next(queue, common) else { break };
        let mut gathered = vec![first];
        let mut more = |wait| {
            loop {
                let next = if wait == Duration::ZERO { queue.try_recv().ok() } else { queue.recv_timeout(wait).ok() };
                match next {
                    Some(Message::Job(job)) if job.is_awaited(common) => return Some(job),
                    Some(Message::Job(_)) => {}
                    Some(Message::Stop) => {
                        stopping = true;
                        return None;
                    }
                    None => return None,
                }
            }
        };
        keep_company(&mut gathered, &mut more, common);
        // A batch may be full before all of them are in it.
        while let Some(first) = gathered.pop() {
            writer.step(first, &mut |wait| gathered.pop().or_else(|| more(wait)));
        }
    }
}

/// Who is patient waits for somebody who is not.
fn keep_company(gathered: &mut Vec<WriteJob>, more: &mut More<'_>, common: &Common) {
    let until = common.clock.elapsed() + PATIENCE;
    while gathered.last().is_some_and(|last| last.step.is_patient) {
        let left = until.saturating_sub(common.clock.elapsed());
        let Some(job) = (if left.is_zero() { None } else { more(left) }) else { return };
        gathered.push(job);
    }
}
