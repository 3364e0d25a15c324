//! The double-entry ledger: what moved, from which account to which.
//!
//! Nobody builds a transaction by hand: [`Posting`] is made here from a payment and a fact, always of two sides
//! over the same amount (MON-1). The tables take it whole or not at all, once per fact, and never change it.

use contracts::{OrderId, PaymentId, ShopId};
use kernel::Money;

use super::payment::{Payment, ProviderName, ReceivedHow};
use super::refund::{Refund, RefundHow};

contracts::words! {
    /// What kind of fact is posted.
    PostingKind {
        /// Money that counts for an order was taken.
        Capture = "capture",
        /// A part of it went back.
        Refund = "refund",
        /// Money was taken that counts for no order.
        Stray = "stray",
        /// It went back.
        StrayReturn = "stray_return",
    }
}

contracts::words! {
    /// Where money is.
    Account {
        /// With the bank, for us.
        Bank = "bank.sandbox",
        /// In the till.
        Cash = "till.cash",
        /// With whoever runs the shop's terminal.
        Terminal = "till.terminal",
        /// What guests have paid for orders.
        Orders = "orders.paid",
        /// What we hold and do not own: it is on its way back.
        Unaccepted = "unaccepted",
    }
}

contracts::words! {
    /// A side of the ledger.
    Side {
        /// What an account receives.
        Debit = "debit",
        /// What an account gives.
        Credit = "credit",
    }
}

/// One line of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which account.
    pub account: Account,
    /// Which side.
    pub side: Side,
    /// How much; above zero.
    pub amount: Money,
}

/// A balanced transaction on its way into the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    kind: PostingKind,
    source: String,
    payment_id: PaymentId,
    order_id: OrderId,
    shop_id: ShopId,
    entries: [Entry; 2],
}

impl Posting {
    /// Money was taken for this payment.
    #[must_use]
    pub fn taken(payment: &Payment, amount: Money) -> Self {
        let (kind, owed) = if payment.counts() {
            (PostingKind::Capture, Account::Orders)
        } else {
            (PostingKind::Stray, Account::Unaccepted)
        };
        let source = format!("capture:{}", payment.id);
        Self::move_money(payment, Fact { kind, source, amount, to: holder(payment), from: owed })
    }

    /// Money of this payment went back.
    #[must_use]
    pub fn given_back(payment: &Payment, refund: &Refund) -> Self {
        let (kind, owed) = if payment.counts() {
            (PostingKind::Refund, Account::Orders)
        } else {
            (PostingKind::StrayReturn, Account::Unaccepted)
        };
        let from = match refund.how {
            RefundHow::Provider => holder(payment),
            RefundHow::Cash => Account::Cash,
        };
        let source = format!("refund:{}", refund.id);
        Self::move_money(payment, Fact { kind, source, amount: refund.amount, to: owed, from })
    }

    /// The one constructor: the same amount on both sides.
    fn move_money(payment: &Payment, fact: Fact) -> Self {
        Self {
            kind: fact.kind,
            source: fact.source,
            payment_id: payment.id,
            order_id: payment.order_id,
            shop_id: payment.shop_id,
            entries: [
                Entry { account: fact.to, side: Side::Debit, amount: fact.amount },
                Entry { account: fact.from, side: Side::Credit, amount: fact.amount },
            ],
        }
    }

    /// What kind of fact it is.
    #[must_use]
    pub const fn kind(&self) -> PostingKind {
        self.kind
    }

    /// The fact: posted once.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Of which payment.
    #[must_use]
    pub const fn payment_id(&self) -> PaymentId {
        self.payment_id
    }

    /// Of which order.
    #[must_use]
    pub const fn order_id(&self) -> OrderId {
        self.order_id
    }

    /// In which shop.
    #[must_use]
    pub const fn shop_id(&self) -> ShopId {
        self.shop_id
    }

    /// Both lines.
    #[must_use]
    pub const fn entries(&self) -> &[Entry; 2] {
        &self.entries
    }
}

struct Fact {
    kind: PostingKind,
    source: String,
    amount: Money,
    to: Account,
    from: Account,
}

/// Who holds the money of a payment for us.
const fn holder(payment: &Payment) -> Account {
    match (payment.provider, payment.received_how) {
        (ProviderName::Sandbox, _) => Account::Bank,
        (ProviderName::Counter, Some(ReceivedHow::Terminal)) => Account::Terminal,
        (ProviderName::Counter, Some(ReceivedHow::Cash) | None) => Account::Cash,
    }
}
