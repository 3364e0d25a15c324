//! What the bank owes the shop's callback address: written with the change that it tells, delivered afterwards.

use std::time::Duration;

use kernel::Timestamp;
use rusqlite::OptionalExtension as _;
use serde_json::json;

use super::{BankError, Books, Work};
use crate::bank::faults::FaultKind;
use crate::bank::model::{BankEventId, Payment};

/// One delivery that is due.
#[derive(Clone, Debug)]
pub struct Owed {
    /// Its number in the file.
    pub number: i64,
    /// Where to.
    pub url: String,
    /// The JSON to be signed and posted.
    pub body: String,
    /// To be signed with a wrong secret, and never tried again.
    pub forged: bool,
    /// How often it was tried before.
    pub tries: u32,
}

/// The first pause after a failed delivery; it doubles up to [`RETRY_MAX`].
const RETRY_FIRST: Duration = Duration::from_millis(500);
/// The longest pause between two tries. There is no last try: only 2xx ends them.
const RETRY_MAX: Duration = Duration::from_secs(60);
/// What a duplicated event's copies wait for, so that they do not only meet an idle receiver.
const DUPLICATE_PAUSES: [Duration; 2] = [Duration::ZERO, Duration::from_millis(300)];

impl Work<'_> {
    /// Tells the shop that something happened to a payment, as well as the faults let it.
    pub(super) fn tell(&self, payment: &Payment, kind: &str, amount: kernel::Money) -> Result<(), BankError> {
        self.forge(payment)?;
        let Some(url) = &payment.callback_url else { return Ok(()) };
        let body = self.event(payment, kind, amount);
        if self.strikes(FaultKind::Lost)?.is_some() {
            return Ok(());
        }
        let late = self.strikes(FaultKind::Late)?.map_or(0, |fault| fault.delay_ms);
        let reordered = self.strikes(FaultKind::Reordered)?;
        let held = reordered.is_some();
        let due_at = self.now.plus(Duration::from_millis(late + reordered.map_or(0, |fault| fault.delay_ms)));
        self.owe(&payment.id.to_string(), url, &body, Due { at: due_at, held, forged: false })?;
        if self.strikes(FaultKind::Duplicate)?.is_some() {
            for pause in DUPLICATE_PAUSES {
                let due = Due { at: due_at.plus(pause), held, forged: false };
                self.owe(&payment.id.to_string(), url, &body, due)?;
            }
        }
        Ok(())
    }

    /// Somebody else claims that the payment is paid in full, if that fault strikes.
    pub(super) fn forge(&self, payment: &Payment) -> Result<(), BankError> {
        let Some(url) = &payment.callback_url else { return Ok(()) };
        if self.strikes(FaultKind::Forged)?.is_none() {
            return Ok(());
        }
        let body = self.event(payment, "payment.captured", payment.amount);
        self.owe(&payment.id.to_string(), url, &body, Due { at: self.now, held: false, forged: true })
    }

    fn event(&self, payment: &Payment, kind: &str, amount: kernel::Money) -> String {
        json!({
            "id": BankEventId::new(self.now, self.rng),
            "type": kind,
            "payment_id": payment.id,
            "order_id": payment.order_id,
            "amount": amount,
            "at": self.now,
        })
        .to_string()
    }

    fn owe(&self, payment_id: &str, url: &str, body: &str, due: Due) -> Result<(), BankError> {
        self.tx
            .prepare_cached(
                "INSERT INTO callbacks (payment_id, url, body, forged, held, due_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute((payment_id, url, body, due.forged, due.held, due.at.as_micros()))?;
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Due {
    at: Timestamp,
    held: bool,
    forged: bool,
}

impl Books {
    /// Takes the delivery that has been due longest; nobody else gets it until [`Books::delivered`] or
    /// [`Books::put_off`].
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn take_owed(&self) -> Result<Option<Owed>, BankError> {
        self.work(|work| {
            let sql = "UPDATE callbacks SET under_way = 1, tries = tries + 1
                       WHERE number = (SELECT number FROM callbacks
                                       WHERE done_at IS NULL AND under_way = 0 AND due_at <= ?1
                                       ORDER BY due_at, number LIMIT 1)
                       RETURNING number, url, body, forged, tries - 1";
            let owed = work
                .tx
                .query_row(sql, [work.now.as_micros()], |row| {
                    Ok(Owed {
                        number: row.get(0)?,
                        url: row.get(1)?,
                        body: row.get(2)?,
                        forged: row.get(3)?,
                        tries: row.get(4)?,
                    })
                })
                .optional()?;
            Ok(owed)
        })
    }

    /// The shop has it; what was held back until then is let go.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn delivered(&self, owed: &Owed) -> Result<(), BankError> {
        self.work(|work| {
            let now = work.now.as_micros();
            work.tx
                .execute("UPDATE callbacks SET done_at = ?1, under_way = 0 WHERE number = ?2", (now, owed.number))?;
            work.tx.execute(
                "UPDATE callbacks SET due_at = min(due_at, ?1), held = 0
                 WHERE held = 1 AND done_at IS NULL AND number < ?2
                   AND payment_id = (SELECT payment_id FROM callbacks WHERE number = ?2)",
                (now, owed.number),
            )?;
            Ok(())
        })
    }

    /// The shop did not take it: again later. A forger does not try twice.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_off(&self, owed: &Owed) -> Result<(), BankError> {
        if owed.forged {
            return self.delivered(owed);
        }
        let pause = RETRY_FIRST.saturating_mul(1 << owed.tries.min(16)).min(RETRY_MAX);
        self.work(|work| {
            let due_at = work.now.plus(pause).as_micros();
            work.tx
                .execute("UPDATE callbacks SET under_way = 0, due_at = ?1 WHERE number = ?2", (due_at, owed.number))?;
            Ok(())
        })
    }

    /// When there is something to do next: a delivery, a refund to settle, a page to close.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_due_at(&self) -> Result<Option<Timestamp>, BankError> {
        self.work(|work| {
            let sql = "SELECT min(at) FROM (
                         SELECT min(due_at) AS at FROM callbacks WHERE done_at IS NULL AND under_way = 0
                         UNION ALL SELECT min(settles_at) FROM refunds WHERE state = 'pending'
                         UNION ALL SELECT min(expires_at) FROM payments WHERE state = 'pending')";
            let micros: Option<i64> = work.tx.query_row(sql, [], |row| row.get(0))?;
            Ok(micros.map(Timestamp::from_micros))
        })
    }

    /// How many deliveries the shop has not taken yet.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn owed(&self) -> Result<u64, BankError> {
        self.work(|work| {
            let count: i64 =
                work.tx.query_row("SELECT count(*) FROM callbacks WHERE done_at IS NULL", [], |row| row.get(0))?;
            Ok(count.cast_unsigned())
        })
    }
}
