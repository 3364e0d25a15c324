//! The engine by itself: the same rows, as the program left them behind, written by rusqlite with group commit and
//! nothing else: no HTTP, no tokens, no prices, no questions. What an order costs beside its rows is the difference.
//!
//! One thread owns the connection, as in the program; callers hand it their order and wait until it is on disk. Every
//! order has a savepoint of its own, every group one commit.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use kernel::{Clock as _, SystemClock};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde_json::json;

use crate::business::Business;
use crate::report::Report;

/// What one placement inserts; counters of stock and guests are updates and cost the program extra.
const TABLES: [&str; 5] = ["idempotency_keys", "stock_holds", "orders", "order_history", "events"];
const ORDERS_MAX: i64 = 80_000;
const GROUP_MAX: usize = 256;
const CALLERS: [usize; 4] = [1, 16, 64, 256];
const WARM: Duration = Duration::from_secs(2);
const MEASURED: Duration = Duration::from_secs(5);

/// The rows of one order, one for each of [`TABLES`].
type Rows = [Vec<Value>; TABLES.len()];

/// An order and where its caller waits.
struct Job {
    order: usize,
    done: SyncSender<()>,
}

pub(crate) fn measure(report: &mut Report, mut business: Business) {
    assert!(business.stage.stop(), "the program ended with a failure");
    let from = Connection::open(business.stage.sqlite_file()).unwrap();
    let orders = Arc::new(orders_of(&from));
    for callers in CALLERS {
        let folder = tempfile::tempdir().unwrap();
        let to = empty_copy(&from, &folder.path().join("raw.db"));
        let (written, seconds) = write_all(&to, &orders, callers);
        #[expect(clippy::cast_precision_loss, reason = "a figure to be read")]
        let per_s = (written as f64 / seconds).round();
        report.row("raw engine", "sqlite", json!({"connections": callers, "per_s": per_s, "rows": TABLES.len()}));
    }
}

fn orders_of(from: &Connection) -> Vec<Rows> {
    let query =
        "SELECT idempotency_keys.rowid, stock_holds.rowid, orders.rowid, order_history.rowid, events.rowid FROM orders
        JOIN idempotency_keys ON resource_id = orders.id JOIN stock_holds ON stock_holds.order_id = orders.id
        JOIN order_history ON order_history.order_id = orders.id AND order_history.version = 1
        JOIN events ON events.key = orders.id AND topic = 'new_orders' LIMIT ?";
    // An index that only this question needs; the file is not used again.
    from.execute_batch(
        "CREATE INDEX raw_events ON events (key); CREATE INDEX raw_claims ON idempotency_keys (resource_id)",
    )
    .unwrap();
    let mut statement = from.prepare(query).unwrap();
    let ids =
        statement.query_map([ORDERS_MAX], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]));
    let ids: Vec<[i64; TABLES.len()]> = ids.unwrap().map(Result::unwrap).collect();
    assert!(!ids.is_empty(), "the program left no orders");
    ids.iter().map(|ids| std::array::from_fn(|n| row_of(from, TABLES[n], ids[n]))).collect()
}

fn row_of(from: &Connection, table: &str, id: i64) -> Vec<Value> {
    let mut statement = from.prepare_cached(&["SELECT * FROM ", table, " WHERE rowid = ?"].concat()).unwrap();
    let columns = statement.column_count();
    statement.query_row([id], |row| (0..columns).map(|n| row.get(n)).collect()).unwrap()
}

/// The same tables, indexes and constraints, with the program's own settings of the file.
fn empty_copy(from: &Connection, path: &Path) -> Connection {
    let to = Connection::open(path).unwrap();
    to.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -16384;
         PRAGMA wal_autocheckpoint = 16384; PRAGMA journal_size_limit = 134217728",
    )
    .unwrap();
    let mut statement = from
        .prepare("SELECT sql, tbl_name FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'raw_%' ORDER BY type = 'index'")
        .unwrap();
    let all = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).unwrap();
    for (sql, table) in all.map(Result::unwrap) {
        if TABLES.contains(&table.as_str()) {
            to.execute_batch(&sql).unwrap();
        }
    }
    to
}

/// How many orders were on disk after how many seconds, once it is warm.
fn write_all(to: &Connection, orders: &Arc<Vec<Rows>>, callers: usize) -> (usize, f64) {
    let (send, jobs) = sync_channel::<Job>(callers);
    let clock = SystemClock::new();
    let warm_at = clock.elapsed() + WARM;
    let until = warm_at + MEASURED;
    std::thread::scope(|scope| {
        for caller in 0..callers {
            let (send, clock, count) = (send.clone(), &clock, orders.len());
            scope.spawn(move || {
                let (done, wait) = sync_channel(1);
                for order in (caller..count).step_by(callers) {
                    if clock.elapsed() > until || send.send(Job { order, done: done.clone() }).is_err() {
                        return;
                    }
                    wait.recv().unwrap();
                }
            });
        }
        drop(send);
        let written = write_groups(to, &jobs, orders, || clock.elapsed() >= warm_at);
        (written, (clock.elapsed() - warm_at).as_secs_f64())
    })
}

fn write_groups(to: &Connection, jobs: &Receiver<Job>, orders: &[Rows], is_warm: impl Fn() -> bool) -> usize {
    let inserts = TABLES.map(|table| {
        let columns = orders[0][TABLES.iter().position(|t| *t == table).unwrap()].len();
        ["INSERT INTO ", table, " VALUES (", &vec!["?"; columns].join(", "), ")"].concat()
    });
    let mut written = 0;
    while let Ok(first) = jobs.recv() {
        let mut group = vec![first];
        group.extend(jobs.try_iter().take(GROUP_MAX - 1));
        to.execute_batch("BEGIN IMMEDIATE").unwrap();
        for job in &group {
            to.execute_batch("SAVEPOINT one").unwrap();
            for (insert, row) in inserts.iter().zip(&orders[job.order]) {
                to.prepare_cached(insert).unwrap().execute(params_from_iter(row)).unwrap();
            }
            to.execute_batch("RELEASE one").unwrap();
        }
        to.execute_batch("COMMIT").unwrap();
        if is_warm() {
            written += group.len();
        }
        for job in group {
            job.done.send(()).unwrap();
        }
    }
    written
}
