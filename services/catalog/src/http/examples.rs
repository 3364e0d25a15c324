//! Examples of requests for the document: something new has no ids yet.

use serde_json::{Value, json};

pub(super) fn new_group() -> Value {
    json!({
        "slug": "milk", "name": {"ru": "Молоко", "en": "Milk"}, "min": 0, "max": 1,
        "modifiers": [{"slug": "oat", "name": {"ru": "Овсяное", "en": "Oat"}, "price": {"amount": 6_000, "currency": "RUB"}}]
    })
}

pub(super) fn new_product() -> Value {
    json!({
        "sku": "latte", "category": "coffee", "name": {"ru": "Латте", "en": "Latte"},
        "description": {"ru": "Эспрессо и молоко", "en": "Espresso and milk"}, "tracked": false,
        "variants": [{"sku": "latte-m", "name": {"ru": "M", "en": "M"}, "price": {"amount": 25_000, "currency": "RUB"}}],
        "modifier_groups": ["milk"],
        "nutrition": {"kcal": 180.0, "protein_g": 7.1, "fat_g": 6.0, "carbohydrate_g": 21.0}
    })
}
