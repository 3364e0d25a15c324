//! The page as the OpenAPI document shows it: the order of orders and the payment of payments, by the names of their
//! schemas, with what the gateway adds.

use serde_json::Value;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Schema};
use utoipa::{PartialSchema as _, ToSchema};

use super::Added;

const NAME: &str = "OrderPage";

/// Puts the page in the place of the order that orders documents for `GET /orders/{id}`; another document stays as it is.
pub fn document(of_service: &mut OpenApi) {
    let item = of_service.paths.paths.get_mut("/orders/{id}").and_then(|item| item.get.as_mut());
    let Some(RefOr::T(answer)) = item.and_then(|read| read.responses.responses.get_mut("200")) else { return };
    let reference = Ref::from_schema_name(NAME);
    let page_content = ContentBuilder::new().schema(Some(reference)).build();
    answer.content.insert("application/json".to_owned(), page_content.into());
    let schemas = &mut of_service.components.get_or_insert_default().schemas;
    let mut named = vec![(NAME.to_owned(), page())];
    <Added as ToSchema>::schemas(&mut named);
    schemas.extend(named);
}

fn page() -> RefOr<Schema> {
    let order = Ref::from_schema_name("DetailedOrder");
    let whole = AllOfBuilder::new().description(Some("An order with everything that belongs to it."));
    whole.item(order).item(Added::schema()).into()
}

/// The payment as payments documents it, or null.
pub(super) fn payment() -> Schema {
    let null = ObjectBuilder::new().schema_type(Type::Null);
    let payment = Ref::from_schema_name("Payment");
    let words =
        "The payment that paid the order, else the latest attempt; null with a notice when it cannot be had now.";
    OneOfBuilder::new().item(null).item(payment).description(Some(words)).into()
}

/// Nothing is brought.
pub(super) fn delivery() -> Schema {
    let kinds = SchemaType::from_iter([Type::Object, Type::Null]);
    let words = "How the order is brought; null: all orders are fetched.";
    ObjectBuilder::new().schema_type(kinds).description(Some(words)).examples([Value::Null]).into()
}
