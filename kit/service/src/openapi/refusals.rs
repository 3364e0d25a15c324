//! The refusals of an operation, each with its code and the schema of what it has beside the standard members.
//!
//! One schema per status says it all: a program finds out by `code` which of the alternatives it has, and a test holds
//! every answer against them.

use kernel::Code;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Schema};

/// One refusal as the document shows it.
#[derive(Clone, Debug)]
pub struct Refusal {
    code: &'static Code,
    members: Option<String>,
}

impl Refusal {
    /// A problem with this code and only the standard members.
    #[must_use]
    pub const fn new(code: &'static Code) -> Self {
        Self { code, members: None }
    }

    /// It has those of `M` besides; the schema of `M` stands in the document under its name.
    #[must_use]
    pub fn with<M: ToSchema>(self) -> Self {
        Self { members: Some(M::name().into_owned()), ..self }
    }

    pub(super) fn schema(&self) -> RefOr<Schema> {
        let code = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([self.code.code]));
        let named = ObjectBuilder::new().schema_type(Type::Object).property("code", code).required("code");
        let whole = AllOfBuilder::new()
            .title(Some(self.code.code))
            .description(Some(self.code.title.en))
            .item(Ref::from_schema_name("Problem"))
            .item(named);
        let members = self.members.iter().map(Ref::from_schema_name);
        members.fold(whole, AllOfBuilder::item).into()
    }
}

/// The schema of an answer that is one of these.
#[must_use]
pub fn one_of(refusals: &[Refusal]) -> RefOr<Schema> {
    match refusals {
        [only] => only.schema(),
        several => several.iter().map(Refusal::schema).fold(OneOfBuilder::new(), OneOfBuilder::item).into(),
    }
}

/// The members of a problem document, from the type that documents them.
#[must_use]
pub fn members_of(members: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(members) {
        Ok(Value::Object(members)) => members,
        Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) | Err(_) => Map::new(),
    }
}

/// Names the refusals that an operation answers with one status, for the `body` of that response: rows of the tables
/// of [`codes!`](crate::codes!), with the type of what they have besides.
///
/// ```
/// # use utoipa::ToSchema;
/// # service::codes! { static CODES; TAKEN = "things.taken", Conflict, "Taken", "Занято", "Wait.", "Подождите.", with ["by"]; }
/// #[derive(serde::Serialize, ToSchema)]
/// struct TakenBy { by: String }
///
/// service::refusals! {
///     /// Why a thing is not to be had.
///     pub ThingRefused { TAKEN => TakenBy, service::codes::REQUEST_IN_PROGRESS }
/// }
/// ```
#[macro_export]
macro_rules! refusals {
    ($($(#[$doc:meta])* $visible:vis $name:ident { $($code:path $(=> $members:ty)?),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        $visible enum $name {}

        impl ::utoipa::PartialSchema for $name {
            fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::Schema> {
                $crate::one_of(&[$($crate::Refusal::new(&$code)$(.with::<$members>())?),+])
            }
        }

        impl ::utoipa::ToSchema for $name {
            fn name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn schemas(
                known: &mut ::std::vec::Vec<(
                    ::std::string::String,
                    ::utoipa::openapi::RefOr<::utoipa::openapi::Schema>,
                )>,
            ) {
                let _ = &known;
                $($(
                    known.push((
                        <$members as ::utoipa::ToSchema>::name().into_owned(),
                        <$members as ::utoipa::PartialSchema>::schema(),
                    ));
                    <$members as ::utoipa::ToSchema>::schemas(known);
                )?)+
            }
        }
    )+};
}
