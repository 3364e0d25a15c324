//! The menus in memory: what is sold is read ten thousand times for each time that it changes.
//!
//! A shop's menu is known under its version (the edition of the price list and the shop's own counter). Who must be
//! right proves the version in the same transaction that it acts in (a reservation); who reads is at most
//! [`TRUST`] behind other processes, and not behind this one, since every edit here forgets. The versions do not move
//! with every unit that is sold, so the numbers of what is left are at most [`STOCK_AGE`] old.
//!
//! Menus are loaded outside of write transactions: what a transaction sees before its commit may never come true,
//! and must not be remembered.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use contracts::ShopId;
use kernel::{Clock, Timestamp};
use store::Db;
use tokio::sync::Mutex;

use crate::error::Error;
use crate::model::menu::{Menu, ShopMenu};
use crate::store::menu;

/// How long a version is taken to be current without looking.
pub(crate) const TRUST: Duration = Duration::from_millis(100);

/// How old the numbers of what is left may be.
pub(crate) const STOCK_AGE: Duration = Duration::from_secs(2);

/// So many shops are loaded at once. A fixed number, by id: locks that are made for whatever id is asked for would pile
/// up under ids of no shop.
const LANES: u128 = 32;

/// A shop's menu as it was loaded.
#[derive(Debug)]
pub(crate) struct View {
    /// The menu.
    pub(crate) menu: ShopMenu,
    /// Different for every loading, and higher the later it began: what is derived from a view is kept under it.
    pub(crate) serial: u64,
    loaded: Duration,
    /// When a stop ends by itself, and the menu looks different without anybody touching it.
    pub(crate) next_stop_end: Option<Timestamp>,
}

#[derive(Debug)]
struct Known {
    view: Arc<View>,
    /// When the version was last found current; none after something changed.
    checked: Option<Duration>,
}

#[derive(Debug, Default)]
struct Held {
    menu: Option<Arc<Menu>>,
    shops: HashMap<ShopId, Known>,
}

/// The menus in memory.
#[derive(Debug)]
pub(crate) struct Menus {
    db: Db,
    clock: Arc<dyn Clock>,
    held: RwLock<Held>,
    /// Moves when something is forgotten: what was read before is not trusted after.
    forgettings: AtomicU64,
    serials: AtomicU64,
    /// A shop is loaded by one at a time: a crowd that finds its menu old waits for the first of it.
    lanes: [Mutex<()>; LANES as usize],
}

impl Menus {
    pub(crate) fn new(db: Db, clock: Arc<dyn Clock>) -> Self {
        Self {
            db,
            clock,
            held: RwLock::default(),
            forgettings: AtomicU64::new(0),
            serials: AtomicU64::new(0),
            lanes: std::array::from_fn(|_| Mutex::new(())),
        }
    }

    /// Whatever is in memory, however old: for who proves the version himself.
    pub(crate) fn held(&self, shop: ShopId) -> Option<Arc<View>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.shops.get(&shop).map(|known| Arc::clone(&known.view))
    }

    /// The shop's menu, at most [`TRUST`] behind.
    pub(crate) async fn current(&self, shop: ShopId) -> Result<Arc<View>, Error> {
        if let Some(view) = self.trusted(shop) {
            return Ok(view);
        }
        let _turn = self.lane(shop).lock().await;
        if let Some(view) = self.trusted(shop) {
            return Ok(view);
        }
        let forgettings = self.forgettings.load(Ordering::SeqCst);
        if let Some(view) = self.held(shop).filter(|view| self.is_fresh(view))
            && self.is_current(shop, &view).await?
        {
            self.remember(shop, &view, forgettings);
            return Ok(view);
        }
        self.load(shop, forgettings).await
    }

    /// The shop's menu as it is in the database now, or was a moment later: a crowd that asks for it at once shares what
    /// the first of those who waited loads.
    pub(crate) async fn reload(&self, shop: ShopId) -> Result<Arc<View>, Error> {
        let asked_at = self.serials.load(Ordering::SeqCst);
        let _turn = self.lane(shop).lock().await;
        if let Some(view) = self.held(shop).filter(|view| view.serial >= asked_at) {
            return Ok(view);
        }
        let forgettings = self.forgettings.load(Ordering::SeqCst);
        self.load(shop, forgettings).await
    }

    /// Whether the database still has this version of the shop's menu. Then whatever a view of it refuses by its version
    /// alone is refused rightly: all but what is short in stock.
    pub(crate) async fn is_current(&self, shop: ShopId, view: &View) -> Result<bool, Error> {
        let version = self.db.read(move |snapshot| menu::read_version(snapshot, shop)).await?;
        Ok(version == Some(view.menu.version()))
    }

    /// What all shops sell; none before there is a price list.
    pub(crate) async fn whole(&self) -> Result<Option<Arc<Menu>>, Error> {
        let known = self.held.read().unwrap_or_else(PoisonError::into_inner).menu.clone();
        let found = self
            .db
            .read(move |snapshot| {
                let Some(list) = menu::read_list(snapshot)? else { return Ok::<_, Error>(None) };
                match known.as_ref().filter(|menu| menu.edition == list.edition) {
                    Some(menu) => Ok(Some(Arc::clone(menu))),
                    None => Ok(menu::load(snapshot)?.map(Arc::new)),
                }
            })
            .await?;
        if let Some(menu) = &found {
            let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
            hold_newest(&mut held, menu);
        }
        Ok(found)
    }

    /// This process changed something of the shop.
    pub(crate) fn forget(&self, shop: ShopId) {
        self.forgettings.fetch_add(1, Ordering::SeqCst);
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = held.shops.get_mut(&shop) {
            known.checked = None;
        }
    }

    /// This process changed something of all shops.
    pub(crate) fn forget_all(&self) {
        self.forgettings.fetch_add(1, Ordering::SeqCst);
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        for known in held.shops.values_mut() {
            known.checked = None;
        }
    }

    fn trusted(&self, shop: ShopId) -> Option<Arc<View>> {
        let now = self.clock.elapsed();
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let known = held.shops.get(&shop)?;
        let is_trusted = known.checked.is_some_and(|checked| now < checked + TRUST);
        (is_trusted && self.is_fresh(&known.view)).then(|| Arc::clone(&known.view))
    }

    fn is_fresh(&self, view: &View) -> bool {
        self.clock.elapsed() < view.loaded + STOCK_AGE && view.next_stop_end.is_none_or(|end| self.clock.now() < end)
    }

    fn lane(&self, shop: ShopId) -> &Mutex<()> {
        let lane = usize::try_from(shop.bits() % LANES).expect("there are few lanes");
        &self.lanes[lane]
    }

    async fn load(&self, shop: ShopId, forgettings: u64) -> Result<Arc<View>, Error> {
        let known = self.held.read().unwrap_or_else(PoisonError::into_inner).menu.clone();
        let serial = self.serials.fetch_add(1, Ordering::SeqCst);
        let (now, loaded) = (self.clock.now(), self.clock.elapsed());
        let found = self.db.read(move |snapshot| menu::load_shop(snapshot, shop, known.as_ref())).await?;
        let menu = found.ok_or(Error::UnknownShop(shop))?;
        let next_stop_end = menu.next_stop_end(now);
        let view = Arc::new(View { menu, serial, loaded, next_stop_end });
        self.remember(shop, &view, forgettings);
        Ok(view)
    }

    fn remember(&self, shop: ShopId, view: &Arc<View>, forgettings: u64) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        // What was forgotten meanwhile may be what was just read.
        let is_current = self.forgettings.load(Ordering::SeqCst) == forgettings;
        let checked = is_current.then(|| self.clock.elapsed());
        hold_newest(&mut held, &view.menu.menu);
        held.shops.insert(shop, Known { view: Arc::clone(view), checked });
    }
}

fn hold_newest(held: &mut Held, menu: &Arc<Menu>) {
    if held.menu.as_ref().is_none_or(|known| known.edition < menu.edition) {
        held.menu = Some(Arc::clone(menu));
    }
}
