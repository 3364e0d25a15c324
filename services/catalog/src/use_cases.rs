//! One function per intention.

pub(crate) mod announce;
pub(crate) mod ask_about_holds;
pub(crate) mod edit_category;
pub(crate) mod edit_group;
pub(crate) mod edit_product;
pub(crate) mod edit_shop;
pub(crate) mod editor;
pub(crate) mod import_menu;
pub(crate) mod move_stock;
pub(crate) mod price;
pub(crate) mod reserve;
pub(crate) mod settle_hold;
pub(crate) mod stop_items;
