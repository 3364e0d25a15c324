//! Values on their way into a statement.

use kernel::{Currency, Id, IdKind, IdText, Timestamp};

/// One value for a placeholder. Ids travel on the stack.
#[derive(Clone, Debug)]
pub enum Param<'a> {
    /// SQL `NULL`.
    Null,
    /// `BIGINT`: whole numbers, minor units, microseconds, flags as 0 and 1.
    Int(i64),
    /// `DOUBLE PRECISION`: positions on the map and the like, never money.
    Real(f64),
    /// `TEXT`, borrowed.
    Text(&'a str),
    /// `TEXT`: an id.
    Id(IdText),
    /// `TEXT`: an ISO 4217 code.
    Currency(Currency),
    /// `TEXT`, made for this call.
    Owned(String),
}

impl Param<'_> {
    /// The text of a value that is text.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Null | Self::Int(_) | Self::Real(_) => None,
            Self::Text(text) => Some(text),
            Self::Id(id) => Some(id.as_str()),
            Self::Currency(currency) => Some(currency.as_str()),
            Self::Owned(text) => Some(text),
        }
    }
}

/// What can stand for a placeholder. Takes by value, so that a temporary may be passed; strings are passed as
/// `&order.note`.
pub trait ToParam<'a> {
    /// The value.
    fn to_param(self) -> Param<'a>;
}

/// A type that is copied into its parameter, passed by value or by reference.
macro_rules! copied {
    ($($type:ty => |$value:ident| $param:expr;)+) => {$(
        impl<'a> ToParam<'a> for $type {
            fn to_param(self) -> Param<'a> {
                let $value = self;
                $param
            }
        }
        impl<'a> ToParam<'a> for &$type {
            fn to_param(self) -> Param<'a> {
                (*self).to_param()
            }
        }
    )+};
}

copied! {
    i64 => |value| Param::Int(value);
    i32 => |value| Param::Int(i64::from(value));
    i16 => |value| Param::Int(i64::from(value));
    u32 => |value| Param::Int(i64::from(value));
    u16 => |value| Param::Int(i64::from(value));
    u8 => |value| Param::Int(i64::from(value));
    bool => |value| Param::Int(i64::from(value));
    f64 => |value| Param::Real(value);
    Timestamp => |value| Param::Int(value.as_micros());
    Currency => |value| Param::Currency(value);
}

impl<'a, K: IdKind> ToParam<'a> for Id<K> {
    fn to_param(self) -> Param<'a> {
        Param::Id(self.text())
    }
}

impl<'a, K: IdKind> ToParam<'a> for &Id<K> {
    fn to_param(self) -> Param<'a> {
        Param::Id(self.text())
    }
}

impl<'a> ToParam<'a> for IdText {
    fn to_param(self) -> Param<'a> {
        Param::Id(self)
    }
}

impl<'a> ToParam<'a> for &'a str {
    fn to_param(self) -> Param<'a> {
        Param::Text(self)
    }
}

impl<'a> ToParam<'a> for &&'a str {
    fn to_param(self) -> Param<'a> {
        Param::Text(self)
    }
}

impl<'a> ToParam<'a> for &'a String {
    fn to_param(self) -> Param<'a> {
        Param::Text(self)
    }
}

impl<'a> ToParam<'a> for &'a Box<str> {
    fn to_param(self) -> Param<'a> {
        Param::Text(self)
    }
}

impl<'a> ToParam<'a> for String {
    fn to_param(self) -> Param<'a> {
        Param::Owned(self)
    }
}

impl<'a> ToParam<'a> for Param<'a> {
    fn to_param(self) -> Param<'a> {
        self
    }
}

impl<'a, T: ToParam<'a>> ToParam<'a> for Option<T> {
    fn to_param(self) -> Param<'a> {
        self.map_or(Param::Null, ToParam::to_param)
    }
}

impl<'a, T> ToParam<'a> for &'a Option<T>
where
    &'a T: ToParam<'a>,
{
    fn to_param(self) -> Param<'a> {
        self.as_ref().map_or(Param::Null, ToParam::to_param)
    }
}

/// Tells the compiler the type of an empty [`params!`](crate::params).
#[doc(hidden)]
#[must_use]
pub const fn array<const N: usize>(params: [Param<'_>; N]) -> [Param<'_>; N] {
    params
}

/// An array of [`Param`] from values that are [`ToParam`]: `params![order.id, &order.note, total.amount()]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        $crate::params_array([$($crate::ToParam::to_param($value)),*])
    };
}
