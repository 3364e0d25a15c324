//! Statements on rows that many want: carried out behind everything else, in one order for everybody.

use bytes::BytesMut;

use super::{Form, Role, Session, UnderWay, no_connection};
use crate::postgres::errors::Failed;
use crate::postgres::values::dynamic;
use crate::postgres::wire::Wire;
use crate::{Param, Statement, StoreError};

/// A statement that is carried out last. Those of one transaction go by name and parameters, so that whoever wants the same
/// rows takes them in the same order.
pub(super) struct Last {
    name: &'static str,
    encoded: BytesMut,
    /// Where its parameters begin.
    params_at: usize,
    otherwise: StoreError,
}

impl Session {
    /// Keeps the statement until the commit. When it does not touch one row, that fails with what `otherwise` says.
    pub(crate) fn queue_last(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
        otherwise: StoreError,
    ) -> Result<(), StoreError> {
        let prepared = self.ready(statement, Form::OneRow)?;
        let mut encoded = BytesMut::new();
        match Wire::encode(&prepared, dynamic(params), &mut encoded) {
            Ok(()) => {
                self.last.push(Last { name: statement.name, encoded, params_at: prepared.params_at(), otherwise });
                self.writes_surely = true;
                Ok(())
            }
            Err(reason) => Err(self.poison(Failed::tell(StoreError::fault(statement.name, reason)))),
        }
    }

    /// Encodes what was kept until the commit.
    pub(super) fn encode_last(&mut self) -> Result<(), Failed> {
        let mut last = std::mem::take(&mut self.last);
        last.sort_by(|a, b| (a.name, &a.encoded[a.params_at..]).cmp(&(b.name, &b.encoded[b.params_at..])));
        for Last { name, encoded, otherwise, .. } in last {
            self.open()?;
            if self.connection.as_ref().is_some_and(|connection| connection.wire.is_full(encoded.len())) {
                self.exchange(&mut |_, _| {})?;
            }
            let connection = self.connection.as_mut().ok_or_else(no_connection)?;
            connection.wire.put_encoded(&encoded);
            self.under_way.push(UnderWay { name, role: Role::Later(Some(otherwise)) });
        }
        Ok(())
    }
}
