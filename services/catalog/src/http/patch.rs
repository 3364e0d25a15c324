//! A change as a JSON merge patch: laid over the thing as it can be edited, and read like a new one. So a change obeys
//! every rule that a new thing obeys, and is refused with the same pointers.

use kernel::Currency;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use service::{Problem, Validate, parse_body};
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::model::merge::{MatchedList, merged};

/// The patch as it came. What may stand in it is documented by the routes.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct MergePatch(Map<String, Value>);

/// What of a text is to change: a language that is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ru": "Латте", "en": "Latte"}))]
#[expect(dead_code, reason = "only its schema is used: a patch is read as JSON")]
pub(super) struct LocalizedPatch {
    ru: Option<String>,
    en: Option<String>,
}

/// What of a price is to change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"amount": 17_500, "currency": "RUB"}))]
#[expect(dead_code, reason = "only its schema is used: a patch is read as JSON")]
pub(super) struct PricePatch {
    /// Minor units of the currency (kopecks).
    #[schema(minimum = 0)]
    amount: Option<i64>,
    currency: Option<Currency>,
}

/// Any object: its members are checked where they are laid over the thing.
impl PartialSchema for MergePatch {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new().schema_type(SchemaType::new(Type::Object));
        RefOr::T(Schema::Object(object.build()))
    }
}

impl ToSchema for MergePatch {}

impl Validate for MergePatch {}

impl MergePatch {
    /// The thing with the patch applied.
    ///
    /// # Errors
    /// 422 with everything that would be wrong with it.
    pub(super) fn onto<T>(&self, current: &T, list: Option<MatchedList>) -> Result<T, Problem>
    where
        T: Serialize + DeserializeOwned + ToSchema + Validate + 'static,
    {
        let Ok(Value::Object(document)) = serde_json::to_value(current) else {
            return Err(Problem::internal("what is edited is not a JSON object"));
        };
        let wanted = merged(&document, &self.0, list);
        let text = serde_json::to_vec(&wanted).map_err(|error| Problem::internal(error.to_string()))?;
        parse_body(&text)
    }
}
