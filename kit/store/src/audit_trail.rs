//! The audit trail: who changed what, when, from where; rows that are never changed (security.md V16).
//!
//! A row is written in the transaction of the change. Rows are not chained there, since a chain would make every
//! writer wait for the one before. A sealing step ([`seal`], run by a timer under a lease) gives each committed row
//! its place in one chain: `seal = SHA-256(seal before, row)`. Whoever cuts a row out, changes one or reorders them
//! without recomputing everything after is found by [`verify`]; whoever recomputes is found by comparing with a
//! seal that was logged elsewhere. Rows carry ids, never personal data (decision 16).

mod chain;

pub(crate) use chain::STATEMENTS as CHAIN_STATEMENTS;
pub use chain::{Fault, Sealed, seal, verify};

use serde_json::Value;

use crate::{Snapshot, StoreError, Tx, params};

/// A row on its way into the trail.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    actor: String,
    action: &'static str,
    subject: String,
    shop_id: Option<String>,
    request_id: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
}

crate::statements! {
    /// A row without a seal.
    INSERT_ENTRY = "INSERT INTO audit_trail \
        (service, recorded_at, actor, action, subject, shop_id, request_id, state_before, state_after) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    /// What the next rows say of before and after, for the audit.
    STATES_AFTER = "SELECT seq, state_before, state_after FROM audit_trail WHERE seq > $1 ORDER BY seq LIMIT $2";
}

/// What a row says that something was before and after; either may be nothing.
#[derive(Clone, Debug)]
pub struct States {
    /// The row.
    pub seq: i64,
    /// As JSON.
    pub before: Option<String>,
    /// As JSON.
    pub after: Option<String>,
}

/// What the next so many rows say of before and after, for whoever audits it.
///
/// # Errors
/// Those of the database.
pub fn states_after(snapshot: &mut Snapshot<'_>, seq: i64, limit: u32) -> Result<Vec<States>, StoreError> {
    snapshot.list(&STATES_AFTER, &params![seq, limit], |row| {
        Ok(States { seq: row.get(0)?, before: row.get(1)?, after: row.get(2)? })
    })
}

impl AuditEntry {
    /// `actor` (a user's id, `system`), what it did (`orders.cancel`), and to what (an id).
    pub fn new(actor: impl Into<String>, action: &'static str, subject: impl Into<String>) -> Self {
        Self {
            actor: actor.into(),
            action,
            subject: subject.into(),
            shop_id: None,
            request_id: None,
            before: None,
            after: None,
        }
    }

    /// In which shop.
    #[must_use]
    pub fn shop(mut self, id: impl Into<String>) -> Self {
        self.shop_id = Some(id.into());
        self
    }

    /// On which request.
    #[must_use]
    pub fn request(mut self, id: impl Into<String>) -> Self {
        self.request_id = Some(id.into());
        self
    }

    /// What it was before: ids, states, amounts.
    #[must_use]
    pub fn before(mut self, state: Value) -> Self {
        self.before = Some(state);
        self
    }

    /// What it is now.
    #[must_use]
    pub fn after(mut self, state: Value) -> Self {
        self.after = Some(state);
        self
    }
}

pub(crate) fn write(tx: &mut Tx<'_>, entry: &AuditEntry) -> Result<(), StoreError> {
    let params = params![
        tx.service(),
        tx.now(),
        &entry.actor,
        entry.action,
        &entry.subject,
        &entry.shop_id,
        &entry.request_id,
        entry.before.as_ref().map(Value::to_string),
        entry.after.as_ref().map(Value::to_string),
    ];
    tx.execute_later(&INSERT_ENTRY, &params)
}
