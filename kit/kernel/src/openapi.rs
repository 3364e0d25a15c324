//! What the types of this crate look like in the OpenAPI document and to the check of a request's body.
//!
//! Written by hand and not derived: each of these types reads itself from JSON more strictly than its shape tells
//! (a range, an alphabet), and the schema has to say the same.

use std::borrow::Cow;

use serde_json::json;
use utoipa::openapi::schema::{AdditionalProperties, SchemaType, Type};
use utoipa::openapi::{KnownFormat, Object, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::{AMOUNT_MAX, Currency, Id, IdKind, Language, Money, Timestamp};

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::new(Type::String))
}

fn done(object: impl Into<Object>) -> RefOr<Schema> {
    RefOr::T(Schema::Object(object.into()))
}

impl PartialSchema for Currency {
    fn schema() -> RefOr<Schema> {
        done(text().description(Some("A currency of ISO 4217.")).pattern(Some("^[A-Z]{3}$")).examples([json!("RUB")]))
    }
}

impl ToSchema for Currency {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Currency")
    }
}

impl PartialSchema for Money {
    fn schema() -> RefOr<Schema> {
        let amount = ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::Integer))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .description(Some("Minor units of the currency (kopecks)."))
            .minimum(Some(-AMOUNT_MAX))
            .maximum(Some(AMOUNT_MAX));
        done(
            ObjectBuilder::new()
                .schema_type(SchemaType::new(Type::Object))
                .description(Some("An amount of money: whole minor units and a currency."))
                .property("amount", amount)
                .property("currency", Ref::from_schema_name("Currency"))
                .required("amount")
                .required("currency")
                .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
                .examples([json!({"amount": 17_500, "currency": "RUB"})]),
        )
    }
}

impl ToSchema for Money {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Money")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Currency::name().into_owned(), Currency::schema()));
    }
}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        done(
            text()
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
                .description(Some("A moment: RFC 3339; answers are in UTC, with microseconds at most."))
                .examples([json!("2026-11-21T10:00:00.123456Z")]),
        )
    }
}

impl ToSchema for Timestamp {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Timestamp")
    }
}

impl PartialSchema for Language {
    fn schema() -> RefOr<Schema> {
        done(
            text()
                .description(Some("A language of the product."))
                .enum_values(Some(["ru", "en"]))
                .examples([json!("ru")]),
        )
    }
}

impl ToSchema for Language {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Language")
    }
}

impl<K: IdKind> PartialSchema for Id<K> {
    fn schema() -> RefOr<Schema> {
        let prefix = K::PREFIX;
        done(
            text()
                .description(Some(format!("An id of TypeID 0.3: `{prefix}_` and a UUIDv7 in 26 characters.")))
                .pattern(Some(format!("^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$")))
                .examples([json!(format!("{prefix}_01h455vb4pex5vsknk084sn02q"))]),
        )
    }
}

impl<K: IdKind> ToSchema for Id<K> {
    /// The name of the kind and `Id`: `OrderId`.
    fn name() -> Cow<'static, str> {
        let kind = std::any::type_name::<K>();
        Cow::Owned(format!("{}Id", kind.rsplit("::").next().unwrap_or(kind)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Order;
    impl IdKind for Order {
        const PREFIX: &'static str = "ord";
    }

    #[test]
    fn an_id_is_named_after_its_kind_and_tells_its_alphabet() {
        let schema = serde_json::to_value(<Id<Order> as PartialSchema>::schema()).unwrap();

        assert_eq!(<Id<Order> as ToSchema>::name(), "OrderId");
        assert_eq!(schema["pattern"], "^ord_[0-7][0-9a-hjkmnp-tv-z]{25}$");
    }

    #[test]
    fn money_says_its_range_and_is_closed() {
        let schema = serde_json::to_value(Money::schema()).unwrap();

        assert_eq!(schema["properties"]["amount"]["maximum"], json!(AMOUNT_MAX));
        assert_eq!(schema["additionalProperties"], json!(false));
        assert_eq!(schema["required"], json!(["amount", "currency"]));
    }
}
