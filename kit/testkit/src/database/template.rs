//! Databases with the tables of services in them, to be copied: making the tables takes ten times as long as a copy.
//!
//! They stay on the server between runs, named by the hash of every migration in them: a changed migration is another
//! template. The latest of them are kept.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};

use kernel::{OsRng, SystemClock};
use service::Mount;
use store::{KIT_MIGRATIONS, Migration, Store, StoreError};

use super::server::Server;

/// Templates that stay on a server: every set of services that tests mount, for a few branches. 10 MB each.
const KEPT_MAX: usize = 24;

/// Makes a database that has the tables of these services.
///
/// When they cannot be made, an empty database: whoever opens it is told why.
pub(super) fn copy(server: &Server, mounts: &[Mount]) -> String {
    let hash = hash_of(mounts);
    let template = name(hash);
    loop {
        if let Some(name) = server.make_like(&template) {
            return name;
        }
        if ensure(server, hash, mounts).is_err() {
            return server.make_empty();
        }
    }
}

/// Makes the template unless it is there. One thread of one process does.
fn ensure(server: &Server, hash: u64, mounts: &[Mount]) -> Result<(), StoreError> {
    static MAKING: Mutex<()> = Mutex::new(());
    let _one_thread = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let _one_process = OneProcess::alone(server, hash.cast_signed());
    let is_there = format!("SELECT datname FROM pg_database WHERE datname = '{}'", name(hash));
    if run(server, &is_there).is_empty() { make(server, hash, mounts) } else { Ok(()) }
}

/// A lock on the server, until its holder goes, also by a panic: the connection goes on, and other processes wait.
pub(super) struct OneProcess<'s> {
    server: &'s Server,
    lock: i64,
}

impl<'s> OneProcess<'s> {
    pub(super) fn alone(server: &'s Server, lock: i64) -> Self {
        run(server, &format!("SELECT pg_advisory_lock({lock})"));
        Self { server, lock }
    }
}

impl Drop for OneProcess<'_> {
    fn drop(&mut self) {
        self.server.order(format!("SELECT pg_advisory_unlock({})", self.lock));
    }
}

/// It has its name when it is whole: whoever is killed in the middle leaves nothing that is copied.
fn make(server: &Server, hash: u64, mounts: &[Mount]) -> Result<(), StoreError> {
    let name = server.make_empty();
    let made = migrate(&name, mounts);
    if made.is_err() {
        server.forget(&name);
        return made;
    }
    run(server, &format!("ALTER DATABASE {name} RENAME TO {}", self::name(hash)));
    forget_old(server);
    Ok(())
}

/// As the platform does when it mounts them.
fn migrate(name: &str, mounts: &[Mount]) -> Result<(), StoreError> {
    let store = Store::open(super::postgres_config(name), Arc::new(SystemClock::new()), Arc::new(OsRng))?;
    store.kit("eventlog", eventlog::MIGRATIONS)?;
    for mount in mounts {
        store.db(mount.name, mount.migrations)?;
    }
    store.shutdown();
    Ok(())
}

fn forget_old(server: &Server) {
    let old = format!(
        "SELECT datname FROM pg_database WHERE datname LIKE 'samovar\\_template\\_%' ORDER BY oid DESC OFFSET {KEPT_MAX}"
    );
    run(server, &old).iter().for_each(|name| server.forget(name));
}

fn run(server: &Server, sql: &str) -> Vec<String> {
    server.run(sql).expect("the user of DATABASE_URL may make and rename databases")
}

fn name(hash: u64) -> String {
    format!("samovar_template_{hash:016x}")
}

/// The template of these services.
#[cfg(test)]
pub(super) fn name_of(mounts: &[Mount]) -> String {
    name(hash_of(mounts))
}

/// Of everything that decides what is in the tables.
fn hash_of(mounts: &[Mount]) -> u64 {
    let mut hasher = DefaultHasher::new();
    let services = mounts.iter().map(|mount| (mount.name, mount.migrations));
    for (name, migrations) in [("kit", KIT_MIGRATIONS), ("eventlog", eventlog::MIGRATIONS)].into_iter().chain(services)
    {
        name.hash(&mut hasher);
        for Migration { name, postgres, sqlite: _ } in migrations {
            (name, postgres).hash(&mut hasher);
        }
    }
    hasher.finish()
}
