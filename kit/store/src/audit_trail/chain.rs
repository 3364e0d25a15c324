//! Sealing the trail and checking the seals.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::{Row, Snapshot, StoreError, Tx, params};

crate::statements! {
    /// The end of the chain, held against another sealer.
    LAST_SEAL = "SELECT place, seal FROM audit_trail WHERE place IS NOT NULL ORDER BY place DESC LIMIT 1 FOR UPDATE";
    /// Rows that wait for a seal.
    UNSEALED = "SELECT seq, service, recorded_at, actor, action, subject, shop_id, request_id, state_before, \
        state_after FROM audit_trail WHERE place IS NULL ORDER BY seq LIMIT $1";
    /// Seals a row.
    SEAL = "UPDATE audit_trail SET place = $2, seal = $3 WHERE seq = $1 AND place IS NULL";
    /// A stretch of the chain.
    SEALED = "SELECT seq, service, recorded_at, actor, action, subject, shop_id, request_id, state_before, \
        state_after, place, seal FROM audit_trail WHERE place > $1 ORDER BY place LIMIT $2";
}

/// The end of a stretch of the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// The place of its last row, counted from 1; 0 before the first.
    pub place: i64,
    /// The seal of that row; empty before the first.
    pub seal: String,
    /// How many rows the stretch has.
    pub rows: usize,
}

/// Where the chain breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The place at which it breaks.
    pub place: i64,
    /// How: a row is missing, or is not the one that was sealed.
    pub reason: &'static str,
}

/// Seals up to `limit` committed rows; how far the chain reaches now. Log the seal: it is what a forger cannot
/// take back.
///
/// # Errors
/// [`StoreError::Unique`] when another sealer was faster: run it again.
pub fn seal(tx: &mut Tx<'_>, limit: u32) -> Result<Sealed, StoreError> {
    let last = tx.one(&LAST_SEAL, &params![], |row| Ok((row.get::<i64>(0)?, row.get::<String>(1)?)))?;
    let (mut place, mut seal) = last.unwrap_or_default();
    let rows = tx.list(&UNSEALED, &params![limit], |row| Ok((row.get::<i64>(0)?, fields(row)?)))?;
    for (seq, fields) in &rows {
        place += 1;
        seal = link(&seal, place, fields);
        if tx.execute(&SEAL, &params![*seq, place, &seal])? != 1 {
            return Err(StoreError::Busy { reason: "another sealer works on the audit trail".to_owned() });
        }
    }
    Ok(Sealed { place, seal, rows: rows.len() })
}

/// Checks up to `limit` rows of the chain after `from`; where the checked stretch ends, or the first fault.
///
/// # Errors
/// Those of the database.
pub fn verify(snapshot: &mut Snapshot<'_>, from: &Sealed, limit: u32) -> Result<Result<Sealed, Fault>, StoreError> {
    let rows = snapshot.list(&SEALED, &params![from.place, limit], |row| {
        Ok((row.get::<i64>(10)?, row.get::<String>(11)?, fields(row)?))
    })?;
    let mut end = Sealed { rows: rows.len(), ..from.clone() };
    for (place, seal, fields) in rows {
        if place != end.place + 1 {
            return Ok(Err(Fault { place: end.place + 1, reason: "a sealed row is missing" }));
        }
        if seal != link(&end.seal, place, &fields) {
            return Ok(Err(Fault { place, reason: "the row is not the one that was sealed" }));
        }
        end.place = place;
        end.seal = seal;
    }
    Ok(Ok(end))
}

/// Everything that a row says, in the order of its columns.
fn fields(row: &Row<'_>) -> Result<Vec<Option<String>>, StoreError> {
    let numbers = [row.get::<i64>(0)?, row.get::<i64>(2)?].map(|number| Some(number.to_string()));
    let mut fields = Vec::from(numbers);
    for index in [1, 3, 4, 5, 6, 7, 8, 9] {
        fields.push(row.get(index)?);
    }
    Ok(fields)
}

/// The seal of a row: each field with its length, so that no two rows read alike.
fn link(before: &str, place: i64, fields: &[Option<String>]) -> String {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(place.to_be_bytes());
    for field in fields {
        match field {
            None => hash.update([0]),
            Some(text) => {
                hash.update([1]);
                hash.update((text.len() as u64).to_be_bytes());
                hash.update(text);
            }
        }
    }
    let mut seal = String::with_capacity(64);
    for byte in hash.finalize() {
        write!(seal, "{byte:02x}").expect("writing to a string cannot fail");
    }
    seal
}
