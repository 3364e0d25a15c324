//! What catalog knows: shops and their hours, products and prices, stock and holds. Pure: no SQL, no HTTP, no
//! clock, no chance.

pub mod availability;
pub mod category;
pub mod fold;
pub mod hold;
pub mod hours;
pub mod import;
pub mod item;
pub mod menu;
pub mod merge;
pub mod modifiers;
pub mod page;
pub mod pricing;
pub mod product;
pub mod rules;
pub mod sheet;
pub mod shop;
pub mod stock;
