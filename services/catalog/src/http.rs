//! Routes, and what is read and answered over HTTP.

mod bodies;
mod categories;
mod examples;
mod groups;
mod items;
mod menu;
mod pages;
mod patch;
mod products;
mod refusals;
mod sheets;
mod shops;
mod stock;
mod stop_list;

use std::sync::Arc;

use contracts::ShopId;
use service::{Principal, Role};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Error;
use pages::Pages;

/// Who moves stock and edits shops.
const MANAGERS: &[Role] = &[Role::Manager, Role::Admin];

/// Who stops items and looks at stock.
const STAFF: &[Role] = &[Role::Barista, Role::Manager, Role::Admin];

/// What a handler stands on: the service's means, and the pages that were rendered already.
#[derive(Debug)]
pub(crate) struct Web {
    app: Arc<App>,
    pages: Pages,
}

pub(crate) fn routes(app: Arc<App>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(menu::read_menu))
        .routes(routes!(products::create_product))
        .routes(routes!(products::read_product, products::change_product))
        .routes(routes!(groups::list_groups, groups::create_group))
        .routes(routes!(groups::read_group, groups::change_group))
        .routes(routes!(categories::list_categories))
        .routes(routes!(categories::read_category, categories::change_category))
        .routes(routes!(shops::list_shops, shops::create_shop))
        .routes(routes!(shops::read_shop, shops::change_shop))
        .routes(routes!(stop_list::list_stops))
        .routes(routes!(stop_list::put_stop, stop_list::delete_stop))
        .routes(routes!(stock::list_stock))
        .routes(routes!(stock::move_stock))
        .routes(routes!(sheets::import_catalog))
        .routes(routes!(sheets::export_catalog))
        .with_state(Arc::new(Web { app, pages: Pages::default() }))
}

/// A shop that was not granted to the caller is none that the caller knows of.
fn granted(principal: &Principal, roles: &[Role], shop: ShopId) -> Result<(), Error> {
    if principal.may_as(roles, shop) { Ok(()) } else { Err(Error::UnknownShop(shop)) }
}
