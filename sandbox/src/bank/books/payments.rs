//! Opening, paying, capturing, cancelling and refunding.

use std::time::Duration;

use kernel::{Money, Timestamp};
use rusqlite::OptionalExtension as _;
use serde::Deserialize;

use super::{BankError, Books, Work, parsed, word};
use crate::bank::faults::FaultKind;
use crate::bank::model::{BankPaymentId, BankRefundId, CODE, CaptureMode, Card, Payment, Refund, RefundState, State};

/// What a shop asks for when it opens a payment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenPayment {
    /// How much.
    pub amount: Money,
    /// The shop's own number for it.
    pub order_id: String,
    /// Where the page sends the guest afterwards.
    #[serde(default)]
    pub return_url: Option<String>,
    /// Where events are posted.
    #[serde(default)]
    pub callback_url: Option<String>,
    /// When the money is taken.
    #[serde(default = "automatic")]
    pub capture: CaptureMode,
}

const fn automatic() -> CaptureMode {
    CaptureMode::Automatic
}

/// What a shop asks for when it gives money back.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundPayment {
    /// How much.
    pub amount: Money,
    /// The shop's own number for the refund: asked twice, it is given once.
    pub reference: String,
}

/// What the page shows after a card was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paid {
    /// The page is done with: back to the shop.
    Done,
    /// The card asks for a code.
    CodeDue,
    /// The page never answers.
    Silence,
    /// The digits are no card.
    NotACard,
}

const PAYMENT_COLUMNS: &str = "id, order_id, amount, currency, captured, state, capture, return_url, callback_url, card, \
                               code_due, created_at, expires_at";

/// How many payments one page of the list holds.
const LIST_MAX: u32 = 100;

impl Books {
    /// A payment.
    ///
    /// # Errors
    /// There is none of that id.
    pub fn payment(&self, id: BankPaymentId) -> Result<Payment, BankError> {
        self.work(|work| work.payment(id))
    }

    /// The payments of one of the shop's orders, or of all, in order of id from after `after` on.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn payments(
        &self,
        order_id: Option<&str>,
        after: Option<BankPaymentId>,
    ) -> Result<(Vec<Payment>, Option<BankPaymentId>), BankError> {
        self.work(|work| {
            let sql = format!(
                "SELECT {PAYMENT_COLUMNS} FROM payments
                 WHERE (?1 IS NULL OR order_id = ?1) AND id > ?2 ORDER BY id LIMIT {LIST_MAX}"
            );
            let after = after.map_or_else(String::new, |id| id.to_string());
            let mut statement = work.tx.prepare_cached(&sql)?;
            let rows = statement.query_map((order_id, after), payment_of_row)?.collect::<Result<Vec<_>, _>>()?;
            let next = (rows.len() == LIST_MAX as usize).then(|| rows.last().map(|payment| payment.id)).flatten();
            let payments = rows.into_iter().map(|payment| work.with_refunds(payment)).collect::<Result<_, _>>()?;
            Ok((payments, next))
        })
    }

    /// Tries a card (or, after it asked for one, a code) at the page of a payment. A page that is done with stays so.
    ///
    /// # Errors
    /// There is no such payment.
    pub fn pay(&self, id: BankPaymentId, card: &str, code: Option<&str>) -> Result<Paid, BankError> {
        self.work(|work| {
            let payment = work.payment(id)?;
            if payment.state != State::Pending || payment.expires_at <= work.now {
                return Ok(Paid::Done);
            }
            if payment.code_due {
                return match code {
                    None => Ok(Paid::CodeDue),
                    Some(CODE) => work.take(&payment, Card::AsksForCode),
                    Some(_) => work.decline(&payment, Card::AsksForCode),
                };
            }
            match Card::of(card) {
                None => Ok(Paid::NotACard),
                Some(Card::Silent) => Ok(Paid::Silence),
                Some(Card::Declines) => work.decline(&payment, Card::Declines),
                Some(Card::AsksForCode) => {
                    work.tx.execute("UPDATE payments SET code_due = 1 WHERE id = ?1", [id.to_string()])?;
                    Ok(Paid::CodeDue)
                }
                Some(card @ (Card::Pays | Card::RefusesRefunds)) => work.take(&payment, card),
            }
        })
    }

    /// Closes pages that nobody paid at in time and ends refunds that are due.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn settle(&self) -> Result<(), BankError> {
        self.work(|work| {
            work.close_old_pages()?;
            work.end_due_refunds()
        })
    }
}

impl Work<'_> {
    pub(crate) fn payment(&self, id: BankPaymentId) -> Result<Payment, BankError> {
        let sql = format!("SELECT {PAYMENT_COLUMNS} FROM payments WHERE id = ?1");
        let found = self.tx.prepare_cached(&sql)?.query_row([id.to_string()], payment_of_row).optional()?;
        self.with_refunds(found.ok_or_else(|| BankError::UnknownPayment(id.to_string()))?)
    }

    fn with_refunds(&self, mut payment: Payment) -> Result<Payment, BankError> {
        let currency = payment.amount.currency();
        let sql = "SELECT id, amount, state, reference FROM refunds WHERE payment_id = ?1 ORDER BY id";
        payment.refunds = self
            .tx
            .prepare_cached(sql)?
            .query_map([payment.id.to_string()], |row| {
                Ok(Refund {
                    id: parsed(0, &row.get::<_, String>(0)?)?,
                    amount: money(row.get(1)?, currency, 1)?,
                    state: word(2, RefundState::of, &row.get::<_, String>(2)?)?,
                    reference: row.get(3)?,
                })
            })?
            .collect::<Result<_, _>>()?;
        Ok(payment)
    }

    pub(crate) fn open_payment(&self, ask: &OpenPayment) -> Result<Payment, BankError> {
        check(ask)?;
        let id = BankPaymentId::new(self.now, self.rng);
        self.tx.execute(
            "INSERT INTO payments (id, order_id, amount, currency, state, capture, return_url, callback_url, created_at, expires_at)
             VALUES (?1, ?2, ?3, ?4, 'pending', ?5, ?6, ?7, ?8, ?9)",
            (
                id.to_string(),
                &ask.order_id,
                ask.amount.amount(),
                ask.amount.currency().as_str(),
                ask.capture.as_str(),
                &ask.return_url,
                &ask.callback_url,
                self.now.as_micros(),
                self.now.plus(self.pay_within).as_micros(),
            ),
        )?;
        let payment = self.payment(id)?;
        self.forge(&payment)?;
        Ok(payment)
    }

    /// The card is good: block the money, and take it at once unless the shop wants to say when.
    fn take(&self, payment: &Payment, card: Card) -> Result<Paid, BankError> {
        self.tx.execute(
            "UPDATE payments SET state = 'authorized', code_due = 0, card = ?1 WHERE id = ?2",
            (card.first_four(), payment.id.to_string()),
        )?;
        self.tell(payment, "payment.authorized", payment.amount)?;
        match payment.capture {
            CaptureMode::Automatic => self.capture(payment).map(|_| Paid::Done),
            CaptureMode::Manual => Ok(Paid::Done),
        }
    }

    fn decline(&self, payment: &Payment, card: Card) -> Result<Paid, BankError> {
        self.tx.execute(
            "UPDATE payments SET state = 'declined', code_due = 0, card = ?1 WHERE id = ?2",
            (card.first_four(), payment.id.to_string()),
        )?;
        self.tell(payment, "payment.declined", payment.amount)?;
        Ok(Paid::Done)
    }

    fn capture(&self, payment: &Payment) -> Result<Payment, BankError> {
        let captured = match self.strikes(FaultKind::WrongAmount)? {
            Some(_) => wrong(payment.amount),
            None => payment.amount,
        };
        self.tx.execute(
            "UPDATE payments SET state = 'captured', captured = ?1 WHERE id = ?2",
            (captured.amount(), payment.id.to_string()),
        )?;
        self.tell(payment, "payment.captured", captured)?;
        self.payment(payment.id)
    }

    pub(crate) fn capture_authorized(&self, id: BankPaymentId) -> Result<Payment, BankError> {
        let payment = self.payment(id)?;
        match payment.state {
            State::Authorized => self.capture(&payment),
            State::Captured => Ok(payment),
            State::Pending | State::Declined | State::Cancelled | State::Expired => Err(conflict("capture", &payment)),
        }
    }

    pub(crate) fn cancel(&self, id: BankPaymentId) -> Result<Payment, BankError> {
        let payment = self.payment(id)?;
        match payment.state {
            State::Pending | State::Authorized => {
                self.tx.execute("UPDATE payments SET state = 'cancelled' WHERE id = ?1", [id.to_string()])?;
                self.tell(&payment, "payment.cancelled", payment.amount)?;
                self.payment(id)
            }
            State::Cancelled => Ok(payment),
            State::Captured | State::Declined | State::Expired => Err(conflict("cancel", &payment)),
        }
    }

    /// Gives money back: at once, or later when that fault strikes. One refund per reference.
    pub(crate) fn refund(&self, id: BankPaymentId, ask: &RefundPayment) -> Result<(Payment, Refund), BankError> {
        let payment = self.payment(id)?;
        if let Some(known) = payment.refunds.iter().find(|refund| refund.reference == ask.reference) {
            let known = known.clone();
            return if known.amount == ask.amount { Ok((payment, known)) } else { Err(BankError::KeyReused) };
        }
        check_refund(&payment, ask)?;
        let delay =
            self.strikes(FaultKind::Late)?.map_or(Duration::ZERO, |fault| Duration::from_millis(fault.delay_ms));
        let refund_id = BankRefundId::new(self.now, self.rng);
        self.tx.execute(
            "INSERT INTO refunds (id, payment_id, amount, state, reference, settles_at) VALUES (?1, ?2, ?3, 'pending', ?4, ?5)",
            (
                refund_id.to_string(),
                id.to_string(),
                ask.amount.amount(),
                &ask.reference,
                self.now.plus(delay).as_micros(),
            ),
        )?;
        if delay.is_zero() {
            self.end_refund(id, refund_id)?;
        }
        let payment = self.payment(id)?;
        let refund = payment.refunds.iter().find(|refund| refund.id == refund_id).cloned();
        Ok((payment, refund.expect("inserted above in the same transaction")))
    }

    fn end_refund(&self, payment_id: BankPaymentId, refund_id: BankRefundId) -> Result<(), BankError> {
        let payment = self.payment(payment_id)?;
        let Some(refund) = payment.refunds.iter().find(|refund| refund.id == refund_id) else { return Ok(()) };
        let (state, event) = match payment.card {
            Some(Card::RefusesRefunds) => (RefundState::Failed, "refund.failed"),
            Some(Card::Pays | Card::Declines | Card::AsksForCode | Card::Silent) | None => {
                (RefundState::Succeeded, "refund.succeeded")
            }
        };
        self.tx.execute(
            "UPDATE refunds SET state = ?1 WHERE id = ?2 AND state = 'pending'",
            (state.as_str(), refund_id.to_string()),
        )?;
        self.tell(&payment, event, refund.amount)
    }

    fn end_due_refunds(&self) -> Result<(), BankError> {
        let sql = "SELECT payment_id, id FROM refunds WHERE state = 'pending' AND settles_at <= ?1 ORDER BY id";
        let due: Vec<(String, String)> = self
            .tx
            .prepare_cached(sql)?
            .query_map([self.now.as_micros()], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        for (payment_id, refund_id) in due {
            self.end_refund(parsed(0, &payment_id)?, parsed(1, &refund_id)?)?;
        }
        Ok(())
    }

    fn close_old_pages(&self) -> Result<(), BankError> {
        let sql =
            format!("SELECT {PAYMENT_COLUMNS} FROM payments WHERE state = 'pending' AND expires_at <= ?1 ORDER BY id");
        let old: Vec<Payment> = self
            .tx
            .prepare_cached(&sql)?
            .query_map([self.now.as_micros()], payment_of_row)?
            .collect::<Result<_, _>>()?;
        for payment in old {
            self.tx.execute("UPDATE payments SET state = 'expired' WHERE id = ?1", [payment.id.to_string()])?;
            self.tell(&payment, "payment.expired", payment.amount)?;
        }
        Ok(())
    }
}

fn check(ask: &OpenPayment) -> Result<(), BankError> {
    if ask.amount.amount() <= 0 {
        return Err(BankError::Invalid("amount must be above zero".to_owned()));
    }
    if ask.order_id.is_empty() || ask.order_id.len() > 100 {
        return Err(BankError::Invalid("order_id has 1 to 100 bytes".to_owned()));
    }
    for link in [&ask.return_url, &ask.callback_url].into_iter().flatten() {
        let parsed = url::Url::parse(link).map_err(|e| BankError::Invalid(format!("{link:?} is not a URL: {e}")))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(BankError::Invalid(format!("{link:?} is neither http nor https")));
        }
    }
    Ok(())
}

fn check_refund(payment: &Payment, ask: &RefundPayment) -> Result<(), BankError> {
    if ask.amount.amount() <= 0 || ask.amount.currency() != payment.amount.currency() {
        return Err(BankError::Invalid("a refund is above zero and in the payment's currency".to_owned()));
    }
    if ask.reference.is_empty() || ask.reference.len() > 100 {
        return Err(BankError::Invalid("reference has 1 to 100 bytes".to_owned()));
    }
    let taken = payment.given_back(|state| state != RefundState::Failed);
    if ask.amount.amount() > payment.captured.amount() - taken {
        return Err(conflict("refund more than was captured", payment));
    }
    Ok(())
}

fn conflict(what: &str, payment: &Payment) -> BankError {
    BankError::Conflict(format!("cannot {what}: the payment {} is {}", payment.id, payment.state.as_str()))
}

/// One rouble for an order of two thousand: the attack that shops forget to check for.
fn wrong(amount: Money) -> Money {
    let minor = if amount.amount() == 100 { 99 } else { 100 };
    Money::new(minor, amount.currency()).expect("a hundred minor units are an amount")
}

fn money(minor: i64, currency: kernel::Currency, column: usize) -> rusqlite::Result<Money> {
    Money::new(minor, currency)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Integer, Box::new(e)))
}

fn payment_of_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Payment> {
    let currency = parsed(3, &row.get::<_, String>(3)?)?;
    Ok(Payment {
        id: parsed(0, &row.get::<_, String>(0)?)?,
        order_id: row.get(1)?,
        amount: money(row.get(2)?, currency, 2)?,
        captured: money(row.get(4)?, currency, 4)?,
        state: word(5, State::of, &row.get::<_, String>(5)?)?,
        capture: word(6, CaptureMode::of, &row.get::<_, String>(6)?)?,
        return_url: row.get(7)?,
        callback_url: row.get(8)?,
        card: row.get::<_, Option<String>>(9)?.as_deref().and_then(Card::of),
        code_due: row.get(10)?,
        refunds: Vec::new(),
        created_at: Timestamp::from_micros(row.get(11)?),
        expires_at: Timestamp::from_micros(row.get(12)?),
    })
}
