//! Pages of the menu that were rendered already, under the view that they were rendered from.
//!
//! Bounded by bytes, in two generations: when the young one is full it becomes the old one, and what was in the old
//! one is dropped unless it was asked for meanwhile. So what is asked for stays, and a guest who searches for
//! everything once pushes out only what nobody asks for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use contracts::ShopId;
use kernel::Language;
use service::Tagged;

use crate::model::page::{MenuFilter, MenuOrder, Place};

/// Bytes of one generation.
const GENERATION_MAX_BYTES: usize = 8 * 1024 * 1024;

/// What a page counts beside its body and the texts of its key: the rest of the key and its place in the table.
const OVERHEAD_BYTES: usize = 512;

/// What a page was rendered from and for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct PageKey {
    /// The view; a new one makes all its pages new.
    pub(super) serial: u64,
    pub(super) shop: ShopId,
    pub(super) language: Language,
    pub(super) filter: MenuFilter,
    pub(super) order: MenuOrder,
    pub(super) after: Option<Place>,
    pub(super) limit: usize,
}

impl PageKey {
    /// Bytes of the texts that whoever asked put into it.
    fn text_bytes(&self) -> usize {
        self.filter.text_bytes() + self.after.as_ref().map_or(0, Place::text_bytes)
    }
}

/// The rendered pages.
#[derive(Debug, Default)]
pub(super) struct Pages(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<PageKey, Arc<Tagged>>,
    old: HashMap<PageKey, Arc<Tagged>>,
    young_bytes: usize,
}

impl Pages {
    pub(super) fn get(&self, key: &PageKey) -> Option<Arc<Tagged>> {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = generations.young.get(key) {
            return Some(Arc::clone(page));
        }
        let (key, page) = generations.old.remove_entry(key)?;
        generations.put(key, Arc::clone(&page));
        Some(page)
    }

    pub(super) fn put(&self, key: PageKey, page: Arc<Tagged>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(key, page);
    }
}

impl Generations {
    fn put(&mut self, key: PageKey, page: Arc<Tagged>) {
        self.young_bytes += page.body_bytes() + key.text_bytes() + OVERHEAD_BYTES;
        self.young.insert(key, page);
        if self.young_bytes > GENERATION_MAX_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use contracts::ShopId;
    use kernel::Language;
    use serde_json::json;
    use service::Tagged;

    use super::{GENERATION_MAX_BYTES, PageKey, Pages};
    use crate::model::fold::SearchTerm;
    use crate::model::page::{MenuFilter, MenuOrder, Place};

    const ID: &str = "prd_01h455vb4pex5vsknk084sn02q";

    fn key(limit: usize) -> PageKey {
        let (shop, filter, order) = (ShopId::from_bits(1), MenuFilter::default(), MenuOrder::Menu);
        PageKey { serial: 1, shop, language: Language::Ru, filter, order, after: None, limit }
    }

    #[test]
    fn pages_that_are_asked_for_stay_and_the_rest_is_bounded() {
        let pages = Pages::default();
        let megabyte = Arc::new(Tagged::new(&"x".repeat(1024 * 1024)).unwrap());
        pages.put(key(0), Arc::clone(&megabyte));

        for n in 1..100 {
            pages.put(key(n), Arc::clone(&megabyte));
            assert!(pages.get(&key(0)).is_some(), "lost after {n} pages");
        }

        let kept = (0..100).filter(|n| pages.get(&key(*n)).is_some()).count();
        assert!(kept <= 2 * (GENERATION_MAX_BYTES / (1024 * 1024) + 1), "{kept} megabytes are kept");
        assert!(pages.get(&key(1)).is_none());
    }

    #[test]
    fn what_the_asker_wrote_is_counted() {
        let (pages, empty) = (Pages::default(), Arc::new(Tagged::new(&"").unwrap()));
        let long = "я".repeat(50_000);
        let by_category = MenuFilter { category: Some(long.clone()), ..MenuFilter::default() };
        let by_term = MenuFilter { term: Some(SearchTerm::new(&long)), ..MenuFilter::default() };
        let after: Place = serde_json::from_value(json!({"numbers": [0, 0], "text": long, "id": ID})).unwrap();
        for written in [
            PageKey { filter: by_category, ..key(0) },
            PageKey { filter: by_term, ..key(0) },
            PageKey { after: Some(after), ..key(0) },
        ] {
            let of_limit = |limit| PageKey { limit, ..written.clone() };
            for n in 0..1000 {
                pages.put(of_limit(n), Arc::clone(&empty));
            }

            let kept = (0..1000).filter(|n| pages.get(&of_limit(*n)).is_some()).count();
            assert!(kept <= 2 * GENERATION_MAX_BYTES / 100_000, "{kept} keys of 100 kB are kept");
        }
    }
}
