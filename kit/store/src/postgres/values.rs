//! Values as PostgreSQL's binary protocol carries them.
//!
//! The types are those of portable SQL. Anything else is refused with a sentence: a `NUMERIC` that comes from
//! `SUM(bigint)` wants a cast in the statement, not a guess here.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::{Column, Param};

type Refused = Box<dyn Error + Sync + Send>;

impl ToSql for Param<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Refused> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) => int_to_sql(*value, ty, out),
            Self::Real(value) if *ty == Type::FLOAT8 => value.to_sql(ty, out),
            Self::Real(_) => Err(unfit("a floating-point number", ty)),
            Self::Text(_) | Self::Id(_) | Self::Currency(_) | Self::Owned(_) if is_text(ty) => {
                self.as_text().unwrap_or_default().to_sql(ty, out)
            }
            Self::Text(_) | Self::Id(_) | Self::Currency(_) | Self::Owned(_) => Err(unfit("text", ty)),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn int_to_sql(value: i64, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Refused> {
    match *ty {
        Type::INT8 => value.to_sql(ty, out),
        // A bare literal beside the placeholder, or LIMIT, may make it a smaller one.
        Type::INT4 => i32::try_from(value)?.to_sql(ty, out),
        Type::INT2 => i16::try_from(value)?.to_sql(ty, out),
        _ => Err(unfit("a whole number", ty)),
    }
}

impl<'r> FromSql<'r> for Column<'r> {
    fn from_sql(ty: &Type, raw: &'r [u8]) -> Result<Self, Refused> {
        match *ty {
            Type::INT8 => i64::from_sql(ty, raw).map(Column::Int),
            Type::INT4 => i32::from_sql(ty, raw).map(i64::from).map(Column::Int),
            Type::INT2 => i16::from_sql(ty, raw).map(i64::from).map(Column::Int),
            Type::BOOL => bool::from_sql(ty, raw).map(i64::from).map(Column::Int),
            Type::FLOAT8 => f64::from_sql(ty, raw).map(Column::Real),
            _ if is_text(ty) => <&str>::from_sql(ty, raw).map(Column::Text),
            _ => Err(unfit("a column of ours", ty)),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Self, Refused> {
        Ok(Column::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// What stands in a column, nothing being NULL.
pub(crate) fn column<'r>(ty: &Type, raw: Option<&'r [u8]>) -> Result<Column<'r>, String> {
    match raw {
        Some(raw) => Column::from_sql(ty, raw).map_err(|error| error.to_string()),
        None => Ok(Column::Null),
    }
}

/// The parameters as they are encoded.
pub(crate) fn dynamic<'p>(params: &'p [Param<'_>]) -> impl ExactSizeIterator<Item = &'p (dyn ToSql + Sync)> {
    params.iter().map(|param| param as _)
}

/// How long the parameters can be, encoded, with what stands around them.
pub(crate) fn len_at_most(params: &[Param<'_>]) -> usize {
    let len = |param: &Param<'_>| param.as_text().map_or(8, str::len) + 4;
    params.iter().map(len).sum::<usize>() + 64
}

fn is_text(ty: &Type) -> bool {
    matches!(*ty, Type::TEXT | Type::VARCHAR | Type::UNKNOWN | Type::NAME)
}

fn unfit(what: &str, ty: &Type) -> Refused {
    format!("{what} cannot be {}: cast it in the statement", ty.name()).into()
}
