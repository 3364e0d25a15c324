//! The statements that transactions begin and end with, prepared once per connection.

use postgres_protocol::message::backend::DataRowBody;

use super::{Access, Role, UnderWay};
use crate::Column;
use crate::StoreError;
use crate::postgres::errors::{self, Failed};
use crate::postgres::values::dynamic;
use crate::postgres::wire::{Prepared, Reply, ServerRow, Wire};

/// What they are called on the server, and their texts. The id is taken before any sequence number is drawn (decision
/// 10), and, unless the closure may run again, known before `COMMIT` is sent, so that a lost answer can be asked about
/// (decision 2).
const ALL: [(&str, &str); 6] = [
    ("begin_writing", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"),
    ("begin_reading", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
    ("do_not_wait_for_disk", "SET LOCAL synchronous_commit = off"),
    ("take_xid", "SELECT pg_catalog.pg_current_xact_id()::text"),
    ("commit", "COMMIT"),
    ("rollback", "ROLLBACK"),
];

/// The statements as a connection knows them.
pub(super) struct Control {
    begin_writing: Prepared,
    begin_reading: Prepared,
    do_not_wait_for_disk: Prepared,
    take_xid: Prepared,
    pub(super) commit: Prepared,
    pub(super) rollback: Prepared,
}

impl Control {
    /// Prepares them all in one exchange.
    pub(super) fn prepare(wire: &mut Wire) -> Result<Self, Failed> {
        let lost = |error| errors::lost(&error, "a new connection");
        for (name, sql) in ALL {
            wire.put_prepare_as(name, sql).map_err(lost)?;
        }
        let mut names = ALL.iter().map(|(name, _)| *name);
        let mut prepared = Vec::with_capacity(ALL.len());
        let exchanged = wire.exchange(&mut |_, reply| {
            if let (Reply::Described(params, columns), Some(name)) = (reply, names.next()) {
                prepared.push(Prepared::new(name.to_owned(), params, columns));
            }
        });
        if let Some((_, error)) = exchanged.map_err(lost)?.failed {
            return Err(errors::failure(&error, "a new connection"));
        }
        let [begin_writing, begin_reading, do_not_wait_for_disk, take_xid, commit, rollback] =
            <[Prepared; ALL.len()]>::try_from(prepared)
                .map_err(|_| Failed::tell(StoreError::fault("a new connection", "not all statements are described")))?;
        Ok(Self { begin_writing, begin_reading, do_not_wait_for_disk, take_xid, commit, rollback })
    }

    /// Encodes the opening of a transaction.
    pub(super) fn open(&self, wire: &mut Wire, access: Access, under_way: &mut Vec<UnderWay>) -> Result<(), Failed> {
        let mut put = |name, prepared, role| put(wire, under_way, (name, prepared), role);
        match access {
            Access::Read => put("BEGIN", &self.begin_reading, Role::Nothing),
            Access::WriteIdempotent => put("BEGIN", &self.begin_writing, Role::Nothing),
            Access::Write => {
                put("BEGIN", &self.begin_writing, Role::Nothing)?;
                put("TAKE_XID", &self.take_xid, Role::Xid)
            }
            Access::WriteStep => {
                put("BEGIN", &self.begin_writing, Role::Nothing)?;
                put("synchronous_commit", &self.do_not_wait_for_disk, Role::Nothing)
            }
        }
    }

    /// Encodes the taking of the xid.
    pub(super) fn take_xid(&self, wire: &mut Wire, under_way: &mut Vec<UnderWay>) -> Result<(), Failed> {
        put(wire, under_way, ("TAKE_XID", &self.take_xid), Role::Xid)
    }

    /// The answer to the taking of the id.
    pub(super) fn xid(&self, body: &DataRowBody) -> Option<String> {
        match ServerRow::new(&self.take_xid, body).column(0) {
            Ok(Column::Text(xid)) => Some(xid.to_owned()),
            Ok(Column::Null | Column::Int(_) | Column::Real(_)) | Err(_) => None,
        }
    }
}

fn put(
    wire: &mut Wire,
    under_way: &mut Vec<UnderWay>,
    (name, prepared): (&'static str, &Prepared),
    role: Role,
) -> Result<(), Failed> {
    wire.put(prepared, dynamic(&[])).map_err(|reason| Failed::tell(StoreError::fault(name, reason)))?;
    under_way.push(UnderWay { name, role });
    Ok(())
}
