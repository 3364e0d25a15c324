//! Every kind of id that crosses a service's border, in one alphabetical list.

use kernel::{Id, IdKind};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident, $alias:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $kind {}

        impl IdKind for $kind {
            const PREFIX: &'static str = $prefix;
        }

        $(#[$doc])*
        pub type $alias = Id<$kind>;
    )+};
}

kinds! {
    /// A category of the menu.
    Category, CategoryId = "cat";
    /// A hold on stock; one per order.
    Hold, HoldId = "hld";
    /// A transaction of the ledger.
    LedgerTransaction, LedgerTransactionId = "ldt";
    /// A modifier (oat milk).
    Modifier, ModifierId = "mod";
    /// A group of modifiers (milk).
    ModifierGroup, ModifierGroupId = "mdg";
    /// A movement of stock.
    Movement, MovementId = "mov";
    /// An order.
    Order, OrderId = "ord";
    /// A line of an order.
    OrderLine, OrderLineId = "lin";
    /// An attempt to pay for an order.
    Payment, PaymentId = "pay";
    /// A product of the menu.
    Product, ProductId = "prd";
    /// A refund of a payment.
    Refund, RefundId = "rfd";
    /// A session: one sign-in on one device.
    Session, SessionId = "ses";
    /// A shop.
    Shop, ShopId = "shp";
    /// A person: guest or staff.
    User, UserId = "usr";
    /// A variant of a product (M).
    Variant, VariantId = "var";
}
