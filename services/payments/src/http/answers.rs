//! What is answered.

use contracts::orders::PaymentMethod;
use contracts::payments::PaymentState;
use contracts::{LedgerTransactionId, OrderId, OrderLineId, PaymentId, RefundId, ShopId};
use kernel::{Money, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::method_of;
use crate::model::ledger::{Account, Entry, PostingKind, Side};
use crate::model::payment::{Alarm, Payment, ProviderName, ReceivedHow};
use crate::model::refund::{Refund, RefundHow, RefundLine, RefundState};
use crate::store::LedgerLine;

/// A payment as its guest sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = Payment)]
pub(super) struct PaymentAnswer {
    /// The payment; null while the order is known and the payment is not.
    #[schema(required)]
    id: Option<PaymentId>,
    /// The order that it is for.
    order_id: OrderId,
    /// 1 for the first attempt of the order.
    #[schema(minimum = 1, example = 1)]
    attempt: i64,
    /// Where it is.
    state: PaymentState,
    /// What it is for.
    amount: Money,
    /// What was taken.
    captured: Money,
    /// What went back.
    refunded: Money,
    /// What is on its way back.
    refund_pending: Money,
    /// Where to pay, while that is possible.
    #[schema(required, example = "http://localhost:8090/pay/bnk_01h455vb4pex5vsknk084sn02q")]
    payment_url: Option<String>,
    /// Who takes the money.
    provider: ProviderName,
    /// How it is paid.
    method: PaymentMethod,
    /// When the attempt was made.
    created_at: Timestamp,
    /// When it last moved.
    updated_at: Timestamp,
    /// Counts its changes.
    #[schema(minimum = 1, example = 2)]
    version: i64,
}

impl From<&Payment> for PaymentAnswer {
    fn from(payment: &Payment) -> Self {
        // An attempt that nobody has opened yet has nothing that a guest could do with its id.
        let is_opened = payment.state != PaymentState::Created;
        Self {
            id: is_opened.then_some(payment.id),
            order_id: payment.order_id,
            attempt: payment.attempt,
            state: payment.state,
            amount: payment.amount,
            captured: payment.captured,
            refunded: payment.refunded,
            refund_pending: payment.refund_pending,
            payment_url: payment.open_page().map(str::to_owned),
            provider: payment.provider,
            method: method_of(payment.provider),
            created_at: payment.created_at,
            updated_at: payment.updated_at,
            version: payment.version,
        }
    }
}

impl PaymentAnswer {
    /// The answer to whoever has just made or changed the payment, and knows it.
    pub(super) fn made(payment: &Payment) -> Self {
        Self { id: Some(payment.id), ..Self::from(payment) }
    }
}

/// A payment as staff see it.
#[derive(Serialize, ToSchema)]
#[schema(as = StaffPayment)]
pub(super) struct StaffPaymentAnswer {
    /// The payment.
    pub(super) id: PaymentId,
    /// The order that it is for.
    order_id: OrderId,
    /// In which shop.
    shop_id: ShopId,
    /// 1 for the first attempt of the order.
    #[schema(minimum = 1, example = 1)]
    attempt: i64,
    /// Where it is.
    state: PaymentState,
    /// What it is for.
    amount: Money,
    /// What was taken.
    captured: Money,
    /// What went back.
    refunded: Money,
    /// What is on its way back.
    refund_pending: Money,
    /// Who takes the money.
    provider: ProviderName,
    /// How it is paid.
    method: PaymentMethod,
    /// The provider's own id of it.
    #[schema(required, example = "bnk_01h455vb4pex5vsknk084sn02q")]
    provider_ref: Option<String>,
    /// Why a person should look at it.
    #[schema(required)]
    alarm: Option<Alarm>,
    /// How it was received at the counter.
    #[schema(required)]
    received_how: Option<ReceivedHow>,
    /// The terminal's receipt number.
    #[schema(required, example = "128735120934")]
    received_reference: Option<String>,
    /// When the attempt was made.
    pub(super) created_at: Timestamp,
    /// When it last moved.
    updated_at: Timestamp,
    /// Counts its changes.
    #[schema(minimum = 1, example = 2)]
    version: i64,
}

impl From<Payment> for StaffPaymentAnswer {
    fn from(payment: Payment) -> Self {
        Self {
            id: payment.id,
            order_id: payment.order_id,
            shop_id: payment.shop_id,
            attempt: payment.attempt,
            state: payment.state,
            amount: payment.amount,
            captured: payment.captured,
            refunded: payment.refunded,
            refund_pending: payment.refund_pending,
            provider: payment.provider,
            method: method_of(payment.provider),
            provider_ref: payment.provider_ref,
            alarm: payment.alarm,
            received_how: payment.received_how,
            received_reference: payment.received_reference,
            created_at: payment.created_at,
            updated_at: payment.updated_at,
            version: payment.version,
        }
    }
}

/// A page of payments.
#[derive(Serialize, ToSchema)]
pub(super) struct PaymentPage {
    /// The payments, the newest first.
    pub(super) items: Vec<StaffPaymentAnswer>,
    /// Where the next page begins; null on the last one.
    #[schema(required)]
    pub(super) next_cursor: Option<String>,
}

/// A payment with everything that went back.
#[derive(Serialize, ToSchema)]
pub(super) struct PaymentDetail {
    /// The payment.
    #[serde(flatten)]
    pub(super) payment: StaffPaymentAnswer,
    /// Its refunds, the oldest first.
    pub(super) refunds: Vec<RefundAnswer>,
}

/// What of a line was given back.
#[derive(Serialize, ToSchema)]
pub(super) struct RefundedLine {
    /// Which line of the order.
    line_id: OrderLineId,
    /// How many of it.
    #[schema(minimum = 1, maximum = 999, example = 1)]
    quantity: i64,
}

/// A refund.
#[derive(Serialize, ToSchema)]
#[schema(as = Refund)]
pub(super) struct RefundAnswer {
    /// The refund.
    id: RefundId,
    /// Of which payment.
    payment_id: PaymentId,
    /// Where it is.
    state: RefundState,
    /// How much.
    amount: Money,
    /// How it goes back.
    how: RefundHow,
    /// For which lines; null when it is for none in particular.
    #[schema(required)]
    lines: Option<Vec<RefundedLine>>,
    /// Why.
    #[schema(example = "the milk was sour")]
    reason: String,
    /// When it was asked for.
    created_at: Timestamp,
    /// When it last moved.
    updated_at: Timestamp,
}

impl From<Refund> for RefundAnswer {
    fn from(refund: Refund) -> Self {
        let line = |line: RefundLine| RefundedLine { line_id: line.line_id, quantity: line.quantity };
        Self {
            id: refund.id,
            payment_id: refund.payment_id,
            state: refund.state,
            amount: refund.amount,
            how: refund.how,
            lines: refund.lines.map(|lines| lines.into_iter().map(line).collect()),
            reason: refund.reason,
            created_at: refund.created_at,
            updated_at: refund.updated_at,
        }
    }
}

/// A page of the ledger.
#[derive(Serialize, ToSchema)]
pub(super) struct LedgerPage {
    /// The transactions, the oldest first.
    pub(super) items: Vec<LedgerAnswer>,
    /// Where the next page begins; null on the last one.
    #[schema(required)]
    pub(super) next_cursor: Option<String>,
}

/// A transaction of the ledger: its debits and credits are equal.
#[derive(Serialize, ToSchema)]
#[schema(as = LedgerTransaction)]
pub(super) struct LedgerAnswer {
    /// The transaction.
    id: LedgerTransactionId,
    /// When it was posted.
    at: Timestamp,
    /// What kind of fact it is.
    kind: PostingKind,
    /// The order.
    order_id: OrderId,
    /// The payment.
    payment_id: PaymentId,
    /// The shop.
    shop_id: ShopId,
    /// Its lines.
    entries: Vec<EntryAnswer>,
}

/// A line of the ledger: one of debit and credit is null.
#[derive(Serialize, ToSchema)]
#[schema(as = LedgerEntry)]
struct EntryAnswer {
    /// Which account.
    account: Account,
    /// What it receives.
    #[schema(required)]
    debit: Option<Money>,
    /// What it gives.
    #[schema(required)]
    credit: Option<Money>,
}

impl From<LedgerLine> for LedgerAnswer {
    fn from(line: LedgerLine) -> Self {
        Self {
            id: line.id,
            at: line.posted_at,
            kind: line.kind,
            order_id: line.order_id,
            payment_id: line.payment_id,
            shop_id: line.shop_id,
            entries: line.entries.iter().map(EntryAnswer::from).collect(),
        }
    }
}

impl From<&Entry> for EntryAnswer {
    fn from(entry: &Entry) -> Self {
        let on = |side| (entry.side == side).then_some(entry.amount);
        Self { account: entry.account, debit: on(Side::Debit), credit: on(Side::Credit) }
    }
}

/// A callback was taken.
#[derive(Serialize, ToSchema)]
pub(super) struct CallbackTaken {
    /// Always true: it is on disk and will be looked into.
    pub(super) stored: bool,
}
