//! A category of the menu.

use contracts::{CategoryId, Localized};
use kernel::Timestamp;
use service::Fault;

use super::fold::fold;
use super::rules;

/// A part of the menu, in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Category {
    /// Its id.
    pub(crate) id: CategoryId,
    /// What links and filters call it.
    pub(crate) slug: String,
    /// What guests read.
    pub(crate) name: Localized,
    /// Its place: smaller is earlier.
    pub(crate) position: i64,
    /// Moves with every change.
    pub(crate) version: i64,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it last changed.
    pub(crate) updated_at: Timestamp,
}

impl Category {
    /// A category that is known by its slug only: it is called so until somebody names it.
    #[must_use]
    pub(crate) fn of_slug(id: CategoryId, slug: &str, position: i64, now: Timestamp) -> Self {
        let name = Localized { ru: slug.to_owned(), en: slug.to_owned() };
        Self { id, slug: slug.to_owned(), name, position, version: 1, created_at: now, updated_at: now }
    }

    /// The names as a search compares them.
    #[must_use]
    pub(crate) fn search_words(&self) -> String {
        fold(&format!("{} {}", self.name.ru, self.name.en))
    }
}

/// A category as somebody wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CategoryDraft {
    /// What guests read.
    pub(crate) name: Localized,
    /// Its place.
    pub(crate) position: i64,
}

impl CategoryDraft {
    /// Everything that is wrong with it.
    #[must_use]
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        rules::name("/name", &self.name, &mut faults);
        rules::within("/position", self.position, 0..=rules::POSITION_MAX, &mut faults);
        faults
    }
}
