//! Catalog as others meet it: its routes, its calls, the events that it hears, on both databases.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it stands, in its helpers as well")]

mod cafe;
mod categories;
mod checks;
mod documents;
mod events;
mod hostile;
mod menu;
mod products;
mod races;
mod reserve;
mod sheets;
mod shops;
mod stock;
mod stops;
