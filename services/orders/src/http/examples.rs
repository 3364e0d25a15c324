//! Examples of requests for the document.

use serde_json::{Value, json};

pub(super) fn quote_request() -> Value {
    json!({
        "shop_id": "shp_01h455vb4pex5vsknk084sn02q",
        "fulfilment": {"kind": "pickup", "at": "asap"},
        "lines": [{
            "variant_id": "var_01h455vb4pex5vsknk084sn02q", "quantity": 2,
            "modifiers": [{"id": "mod_01h455vb4pex5vsknk084sn02q", "quantity": 1}]
        }],
        "promo_codes": [],
        "points": 0
    })
}

pub(super) fn new_order() -> Value {
    let mut order = quote_request();
    order["expected_total"] = json!({"amount": 62_000, "currency": "RUB"});
    order["payment"] = json!({"method": "online", "return_url": "http://localhost:8080/returned"});
    order["comment"] = json!("Без крышки, пожалуйста");
    order
}
