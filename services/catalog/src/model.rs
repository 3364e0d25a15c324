//! What catalog knows: shops and their hours, products and prices, stock and holds. Pure: no SQL, no HTTP, no
//! clock, no chance.

pub(crate) mod availability;
pub(crate) mod category;
pub(crate) mod fold;
pub(crate) mod hold;
pub(crate) mod hours;
pub(crate) mod import;
pub(crate) mod item;
pub(crate) mod menu;
pub(crate) mod merge;
pub(crate) mod modifiers;
pub(crate) mod page;
pub(crate) mod pricing;
pub(crate) mod product;
pub(crate) mod rules;
pub(crate) mod sheet;
pub(crate) mod shop;
pub(crate) mod stock;
