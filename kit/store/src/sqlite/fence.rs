//! The fence between services in one file (decision 5).
//!
//! SQLite asks the authorizer while it prepares a statement, so a statement that was prepared for a service is
//! safe to run for it for ever; the cache of prepared statements is keyed by the service as well.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use crate::StoreError;
use crate::sqlite::errors;
use crate::work::{KIT, Service};

/// Whose each table is, as recorded when its migration made it. Shared by all connections of a file.
#[derive(Debug, Default)]
pub(crate) struct Fence {
    owners: RwLock<HashMap<String, String>>,
}

/// Stands at one connection.
#[derive(Debug)]
pub(crate) struct Doorman {
    fence: Arc<Fence>,
    /// Index and name of who is asking.
    index: AtomicU16,
    service: Mutex<&'static str>,
    refused: Mutex<Option<String>>,
}

impl Fence {
    /// Reads again whose the tables are, after migrations.
    pub(crate) fn load(&self, connection: &Connection) -> Result<(), StoreError> {
        let read = || -> rusqlite::Result<HashMap<String, String>> {
            let mut statement = connection.prepare("SELECT table_name, service FROM table_owners")?;
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        let owners = read().map_err(|error| errors::failure(&error, "table_owners"))?;
        *self.owners.write().unwrap_or_else(PoisonError::into_inner) = owners;
        Ok(())
    }
}

impl Doorman {
    /// Posts a doorman at a connection.
    pub(crate) fn post(connection: &mut Connection, fence: &Arc<Fence>) -> rusqlite::Result<Arc<Self>> {
        let doorman = Arc::new(Self {
            fence: Arc::clone(fence),
            index: AtomicU16::new(KIT.index),
            service: Mutex::new(KIT.name),
            refused: Mutex::new(None),
        });
        let at_the_door = Arc::clone(&doorman);
        connection.authorizer(Some(move |asked: AuthContext<'_>| at_the_door.answer(&asked)))?;
        Ok(doorman)
    }

    /// Who asks from now on.
    pub(crate) fn expect(&self, service: Service) {
        if self.index.swap(service.index, Ordering::Relaxed) != service.index {
            *self.service.lock().unwrap_or_else(PoisonError::into_inner) = service.name;
        }
    }

    /// The table that was refused last, with its owner.
    pub(crate) fn take_refused(&self) -> Option<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn answer(&self, asked: &AuthContext<'_>) -> Authorization {
        if self.index.load(Ordering::Relaxed) == KIT.index {
            return Authorization::Allow;
        }
        if let AuthAction::Read { table_name, .. }
        | AuthAction::Insert { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::Delete { table_name } = asked.action
        {
            return self.table(table_name);
        }
        let touches_nothing = matches!(
            asked.action,
            AuthAction::Select
                | AuthAction::Recursive
                | AuthAction::Function { .. }
                | AuthAction::Transaction { .. }
                | AuthAction::Savepoint { .. }
        );
        // Anything else changes the schema or the connection: for migrations only.
        if touches_nothing { Authorization::Allow } else { self.refuse(format!("the schema ({:?})", asked.action)) }
    }

    fn table(&self, table: &str) -> Authorization {
        let service = *self.service.lock().unwrap_or_else(PoisonError::into_inner);
        let owners = self.fence.owners.read().unwrap_or_else(PoisonError::into_inner);
        match owners.get(table) {
            Some(owner) if owner == service || owner == KIT.name => Authorization::Allow,
            Some(owner) => self.refuse(format!("{table}, a table of {owner}")),
            // SQLite's own tables tell about everybody's.
            None if table.starts_with("sqlite_") || table.starts_with("pragma_") => self.refuse(table.to_owned()),
            // Every table has an owner, so what has none is a name inside the statement: a common table expression
            // or a function that answers rows.
            None => Authorization::Allow,
        }
    }

    fn refuse(&self, what: String) -> Authorization {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(what);
        Authorization::Deny
    }
}
