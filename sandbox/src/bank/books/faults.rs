//! Faults are kept in the file with their count of chances, so that a restart does not begin the sequence anew.

use rusqlite::OptionalExtension as _;

use super::{BankError, Books, Work, word};
use crate::bank::faults::{Fault, FaultKind};

impl Books {
    /// Switches a fault on, or changes it; its sequence begins anew.
    ///
    /// # Errors
    /// A probability outside 0 to 1, or a delay beyond an hour.
    pub fn set_fault(&self, fault: &Fault) -> Result<(), BankError> {
        if !fault.is_valid() {
            return Err(BankError::Invalid("probability is 0 to 1, delay_ms at most an hour".to_owned()));
        }
        self.work(|work| {
            work.tx.execute(
                "INSERT INTO faults (kind, probability, seed, delay_ms) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (kind) DO UPDATE
                 SET probability = excluded.probability, seed = excluded.seed, delay_ms = excluded.delay_ms, chances = 0",
                (fault.kind.as_str(), fault.probability, fault.seed.cast_signed(), fault.delay_ms.cast_signed()),
            )?;
            Ok(())
        })
    }

    /// The faults that are on.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn faults(&self) -> Result<Vec<Fault>, BankError> {
        self.work(|work| {
            let mut statement =
                work.tx.prepare_cached("SELECT kind, probability, seed, delay_ms FROM faults ORDER BY kind")?;
            let faults = statement.query_map([], fault)?.collect::<Result<_, _>>()?;
            Ok(faults)
        })
    }

    /// Switches one fault off, or all. What late and reordered hold back is sent now.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn clear_faults(&self, kind: Option<FaultKind>) -> Result<(), BankError> {
        self.work(|work| {
            work.tx.execute("DELETE FROM faults WHERE ?1 IS NULL OR kind = ?1", [kind.map(FaultKind::as_str)])?;
            if kind.is_none_or(|kind| matches!(kind, FaultKind::Late | FaultKind::Reordered)) {
                let now = work.now.as_micros();
                work.tx.execute(
                    "UPDATE callbacks SET due_at = ?1, held = 0 WHERE done_at IS NULL AND due_at > ?1",
                    [now],
                )?;
                work.tx
                    .execute("UPDATE refunds SET settles_at = ?1 WHERE state = 'pending' AND settles_at > ?1", [now])?;
            }
            Ok(())
        })
    }

    /// Takes one chance of a fault: `Some` if it strikes.
    pub(crate) fn strikes(&self, kind: FaultKind) -> Result<Option<Fault>, BankError> {
        self.work(|work| work.strikes(kind))
    }
}

impl Work<'_> {
    /// Takes one chance of a fault: `Some` if it strikes.
    pub(super) fn strikes(&self, kind: FaultKind) -> Result<Option<Fault>, BankError> {
        let sql = "UPDATE faults SET chances = chances + 1 WHERE kind = ?1
                   RETURNING kind, probability, seed, delay_ms, chances - 1";
        let mut statement = self.tx.prepare_cached(sql)?;
        let taken = statement.query_row([kind.as_str()], |row| Ok((fault(row)?, row.get::<_, i64>(4)?))).optional()?;
        Ok(taken.and_then(|(fault, chance)| fault.strikes(chance.cast_unsigned()).then_some(fault)))
    }
}

fn fault(row: &rusqlite::Row<'_>) -> rusqlite::Result<Fault> {
    Ok(Fault {
        kind: word(0, FaultKind::of, &row.get::<_, String>(0)?)?,
        probability: row.get(1)?,
        seed: row.get::<_, i64>(2)?.cast_unsigned(),
        delay_ms: row.get::<_, i64>(3)?.cast_unsigned(),
    })
}
