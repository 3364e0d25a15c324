//! Who edits, for the audit trail.

use serde_json::Value;
use service::{Principal, RequestContext};
use store::{AuditEntry, StoreError, Tx};

/// Somebody who changes the catalog: a person on a request, or a command.
#[derive(Clone, Debug)]
pub(crate) struct Editor {
    actor: String,
    request_id: Option<String>,
}

impl Editor {
    /// The person behind the request that is being answered.
    pub(crate) fn of(principal: &Principal) -> Self {
        let request_id = RequestContext::current().map(|context| context.id.to_string());
        Self { actor: principal.user_id.to_string(), request_id }
    }

    /// The command line.
    pub(crate) fn command() -> Self {
        Self { actor: "command".to_owned(), request_id: None }
    }

    /// Catalog itself.
    pub(crate) fn system() -> Self {
        Self { actor: "system".to_owned(), request_id: None }
    }

    /// Writes what was done into the trail, beside it.
    pub(crate) fn record(&self, tx: &mut Tx<'_>, deed: Deed) -> Result<(), StoreError> {
        let mut entry = AuditEntry::new(self.actor.as_str(), deed.action, deed.subject);
        if let Some(before) = deed.before {
            entry = entry.before(before);
        }
        if let Some(after) = deed.after {
            entry = entry.after(after);
        }
        if let Some(shop) = deed.shop {
            entry = entry.shop(shop);
        }
        if let Some(request_id) = &self.request_id {
            entry = entry.request(request_id.as_str());
        }
        tx.audit(entry)
    }
}

/// What was done: ids, prices and states, no personal data.
#[derive(Debug)]
pub(crate) struct Deed {
    action: &'static str,
    subject: String,
    shop: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
}

impl Deed {
    /// `catalog.product.create`, of what.
    pub(crate) fn new(action: &'static str, subject: impl Into<String>) -> Self {
        Self { action, subject: subject.into(), shop: None, before: None, after: None }
    }

    pub(crate) fn shop(mut self, shop: contracts::ShopId) -> Self {
        self.shop = Some(shop.to_string());
        self
    }

    pub(crate) fn before(mut self, state: Value) -> Self {
        self.before = Some(state);
        self
    }

    pub(crate) fn after(mut self, state: Value) -> Self {
        self.after = Some(state);
        self
    }
}
