//! Configuration: built-in defaults < `samovar.toml` < `SAMOVAR_…` environment < flags.
//!
//! Every service declares its settings as a table of [`Setting`]; the tables of the running services together are
//! all that may be set. Everything is read and checked once, before anything starts; a reading of a checked value
//! cannot fail. All faults are reported at once, each with its key, where it was set and what is expected.
//!
//! Deliberately absent: reloading while running, and values that a service makes up in its code.

mod docs;
mod fault;
mod source;
mod value;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use self::docs::settings_table;
pub use self::fault::{SettingFault, SettingFaults};
use self::source::Given;
pub use self::source::{Origin, Sources};
pub use self::value::SettingKind;
use self::value::Value;

/// One thing that may be configured.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// `orders.unpaid_expiry_min`: the owner, a dot, the name with its unit last.
    pub key: &'static str,
    /// What holds when nothing is set, written as in the file. Must satisfy `kind`.
    pub default: &'static str,
    /// Which values are good.
    pub kind: SettingKind,
    /// One sentence: what it does.
    pub doc: &'static str,
}

/// The checked values of all settings. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Settings(Arc<BTreeMap<&'static str, Entry>>);

#[derive(Clone, Debug)]
struct Entry {
    setting: &'static Setting,
    value: Value,
    origin: Origin,
}

/// A setting as `config show` prints it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Shown {
    /// The key.
    pub key: &'static str,
    /// The value; a secret is masked.
    pub value: String,
    /// Where it came from, as a person reads it.
    pub origin: String,
    /// What it does.
    pub doc: &'static str,
}

impl Settings {
    /// The defaults of these tables. For tests and tools.
    ///
    /// # Panics
    ///
    /// If a default does not satisfy its own kind, or a key is declared twice: faults of the table.
    #[must_use]
    pub fn defaults(tables: &[&'static [Setting]]) -> Self {
        Self::load(tables, &Sources::default()).expect("every declared default satisfies its kind")
    }

    /// Reads and checks all sources against all tables.
    ///
    /// # Errors
    ///
    /// Every fault of every source at once.
    ///
    /// # Panics
    ///
    /// If a key is declared twice: a fault of the tables.
    pub fn load(tables: &[&'static [Setting]], sources: &Sources) -> Result<Self, SettingFaults> {
        let mut declared = BTreeMap::new();
        for setting in tables.iter().copied().flatten() {
            let twice = declared.insert(setting.key, setting);
            assert!(twice.is_none(), "the setting {} is declared twice", setting.key);
        }
        let (mut given, mut faults) = source::collect(&declared, sources);
        let mut entries = BTreeMap::new();
        for (key, setting) in declared {
            match Self::entry(setting, given.remove(key)) {
                Ok(entry) => drop(entries.insert(key, entry)),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(Self(Arc::new(entries))) } else { Err(SettingFaults(faults)) }
    }

    fn entry(setting: &'static Setting, given: Option<Given>) -> Result<Entry, SettingFault> {
        let given = given.unwrap_or_else(|| Given { text: setting.default.to_owned(), origin: Origin::Default });
        match setting.kind.parse(&given.text) {
            Ok(value) => Ok(Entry { setting, value, origin: given.origin }),
            Err(expected) => Err(SettingFault::value(setting, &given, &expected)),
        }
    }

    /// A [`SettingKind::Int`].
    ///
    /// # Panics
    ///
    /// If `key` is not declared as one; so do all readings below.
    #[must_use]
    pub fn int(&self, key: &str) -> i64 {
        let value = self.value(key);
        let Value::Int(number) = value else { wrong_kind(key, value) };
        *number
    }

    /// A [`SettingKind::Flag`].
    #[must_use]
    pub fn flag(&self, key: &str) -> bool {
        let value = self.value(key);
        let Value::Flag(on) = value else { wrong_kind(key, value) };
        *on
    }

    /// A [`SettingKind::Duration`].
    #[must_use]
    pub fn duration(&self, key: &str) -> Duration {
        let value = self.value(key);
        let Value::Duration(duration) = value else { wrong_kind(key, value) };
        *duration
    }

    /// A setting of any kind that is a text: [`SettingKind::Text`], [`SettingKind::Url`] and the like.
    #[must_use]
    pub fn text(&self, key: &str) -> &str {
        let value = self.value(key);
        let Value::Text(text) = value else { wrong_kind(key, value) };
        text
    }

    /// A [`SettingKind::Secret`]; empty when it is not set.
    #[must_use]
    pub fn secret(&self, key: &str) -> &str {
        let value = self.value(key);
        let Value::Secret(secret) = value else { wrong_kind(key, value) };
        secret
    }

    /// A [`SettingKind::List`].
    #[must_use]
    pub fn list(&self, key: &str) -> &[String] {
        let value = self.value(key);
        let Value::List(items) = value else { wrong_kind(key, value) };
        items
    }

    /// A [`SettingKind::Text`] that names a file or folder.
    #[must_use]
    pub fn path(&self, key: &str) -> &Path {
        Path::new(self.text(key))
    }

    /// All settings with values and origins, by key.
    pub fn shown(&self) -> impl Iterator<Item = Shown> + '_ {
        self.0.iter().map(|(key, entry)| Shown {
            key,
            value: entry.value.shown(),
            origin: entry.origin.to_string(),
            doc: entry.setting.doc,
        })
    }

    /// Whether somebody set `key`, be it to its default.
    #[must_use]
    pub fn is_set(&self, key: &str) -> bool {
        *self.origin(key) != Origin::Default
    }

    /// Where the value of `key` came from.
    #[must_use]
    pub fn origin(&self, key: &str) -> &Origin {
        &self.entry_of(key).origin
    }

    /// The fault of a setting that cannot be worked with, `reason` completing the sentence "The setting …".
    #[must_use]
    pub fn unusable(&self, key: &str, reason: impl Into<String>) -> SettingFault {
        let Entry { setting, origin, .. } = self.entry_of(key);
        SettingFault::Unusable { key: setting.key, reason: reason.into(), origin: origin.clone() }
    }

    fn value(&self, key: &str) -> &Value {
        &self.entry_of(key).value
    }

    fn entry_of(&self, key: &str) -> &Entry {
        self.0.get(key).unwrap_or_else(|| panic!("the setting {key} is not declared in any table of this process"))
    }
}

fn wrong_kind(key: &str, value: &Value) -> ! {
    panic!("the setting {key} is declared as {}, and read as something else", value.kind_name())
}
