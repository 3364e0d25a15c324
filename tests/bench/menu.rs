//! Reading the menu, as every guest does before ordering.

use std::rc::Rc;

use serde_json::json;
use testkit::TestDatabase;

use crate::business::Business;
use crate::connection::request;
use crate::load::{Closed, closed};
use crate::report::Report;

pub(crate) fn measure(report: &mut Report) {
    let business = Business::open(&TestDatabase::sqlite());
    let path = format!("/menu?shop_id={}&limit=20", business.shop.id);
    let etag = business.stage.nobody().get(&path).etag().to_owned();
    let line = format!("GET /api/v1{path}");
    let whole = request(&line, &[], "");
    let known = request(&line, &[("if-none-match", &etag)], "");
    for (name, good, bytes) in [("menu page", 200, whole), ("menu page, unchanged", 304, known)] {
        let load =
            Closed { address: business.address(), connections: 64, good, next: Rc::new(move |_, _| bytes.clone()) };
        report.load(name, "sqlite", &closed(&load), json!({"items": 20}));
    }
}
