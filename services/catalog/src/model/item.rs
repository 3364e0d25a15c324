//! What can stand on a stop-list.

use std::str::FromStr;

use contracts::{ModifierId, ProductId, VariantId};
use kernel::IdText;

/// A product with all its variants, one variant, or one modifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ItemId {
    /// `prd_…`
    Product(ProductId),
    /// `var_…`
    Variant(VariantId),
    /// `mod_…`
    Modifier(ModifierId),
}

/// The text is none of the three.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a product, a variant or a modifier")]
pub(crate) struct NotAnItem;

impl ItemId {
    /// The id's text.
    #[must_use]
    pub(crate) fn text(self) -> IdText {
        match self {
            Self::Product(id) => id.text(),
            Self::Variant(id) => id.text(),
            Self::Modifier(id) => id.text(),
        }
    }
}

impl FromStr for ItemId {
    type Err = NotAnItem;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let product = || text.parse().map(Self::Product);
        let variant = || text.parse().map(Self::Variant);
        let modifier = || text.parse().map(Self::Modifier);
        product().or_else(|_| variant()).or_else(|_| modifier()).map_err(|_: kernel::IdError| NotAnItem)
    }
}
