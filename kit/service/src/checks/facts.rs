//! What services tell checks that look across them: a value per key, under a name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::{Snapshot, StoreError};

type Collect = Arc<dyn Fn(&mut Snapshot<'_>) -> Result<BTreeMap<String, Value>, StoreError> + Send + Sync>;

/// One service's facts under one name: `orders.paid`, what each order says is paid.
#[derive(Clone)]
pub struct FactSet {
    /// The owner, a dot, what is told.
    pub name: &'static str,
    collect: Collect,
}

impl fmt::Debug for FactSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FactSet").field(&self.name).finish()
    }
}

impl FactSet {
    /// Facts read from one snapshot: key and value of each. The value must be plain JSON; a later fact of the same
    /// key replaces an earlier one.
    pub fn new<V: Serialize>(
        name: &'static str,
        collect: impl Fn(&mut Snapshot<'_>) -> Result<Vec<(String, V)>, StoreError> + Send + Sync + 'static,
    ) -> Self {
        let collect = move |snapshot: &mut Snapshot<'_>| {
            let facts = collect(snapshot)?.into_iter();
            Ok(facts.map(|(key, value)| (key, plain(&value))).collect())
        };
        Self { name, collect: Arc::new(collect) }
    }

    pub(super) fn collect(&self, snapshot: &mut Snapshot<'_>) -> Result<BTreeMap<String, Value>, StoreError> {
        (self.collect)(snapshot)
    }
}

fn plain(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("facts are plain JSON: numbers, texts, lists and maps of texts")
}

/// A check asks for facts that nobody tells, or in another shape than they are told.
#[derive(Debug, thiserror::Error)]
pub enum FactError {
    /// No running service tells them, or they could not be read.
    #[error("the facts {0} are not told")]
    NotTold(&'static str),
    /// They are told as something else.
    #[error("the fact {name} of {key} cannot be read: {reason}")]
    Shape {
        /// The set.
        name: &'static str,
        /// The key.
        key: String,
        /// The reason.
        reason: String,
    },
}

/// The facts of all services in one pass.
#[derive(Debug, Default)]
pub struct Facts(pub(super) BTreeMap<&'static str, BTreeMap<String, Value>>);

impl Facts {
    /// The set of that name, by key.
    ///
    /// # Errors
    ///
    /// [`FactError`]: the check cannot be made.
    pub fn of<V: DeserializeOwned>(&self, name: &'static str) -> Result<BTreeMap<String, V>, FactError> {
        let told = self.0.get(name).ok_or(FactError::NotTold(name))?;
        told.iter().map(|(key, value)| Ok((key.clone(), read(name, key, value)?))).collect()
    }
}

fn read<V: DeserializeOwned>(name: &'static str, key: &str, value: &Value) -> Result<V, FactError> {
    V::deserialize(value).map_err(|e| FactError::Shape { name, key: key.to_owned(), reason: e.to_string() })
}
