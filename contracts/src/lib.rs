//! The words that services say to each other: ids, events and calls as plain serde types, one module per owner.
//!
//! A service reads and writes these and its own tables, never another's. An event type is for ever: a field may be
//! added with a default, never renamed or removed; a change of meaning is a new type with the next version
//! (`…v2`), and the audit reads every event that is kept (EVT-5).
//!
//! Deliberately absent: behaviour, HTTP, SQL, and everything that only one service needs.

pub mod auth;
pub mod catalog;
pub mod feed;
mod ids;
mod localized;
pub mod orders;
pub mod payments;
mod word;

pub use ids::*;
pub use localized::Localized;
pub use word::UnknownWord;

/// Every topic of the log.
pub const TOPICS: &[&str] = &[
    <auth::Profile as kernel::Event>::TOPIC,
    <catalog::ProductChanged as kernel::Event>::TOPIC,
    <feed::OrderFeed as kernel::Event>::TOPIC,
    <orders::OrderPlaced as kernel::Event>::TOPIC,
    <orders::OrderPaid as kernel::Event>::TOPIC,
    <orders::OrderUpdated as kernel::Event>::TOPIC,
    <payments::PaymentMoved as kernel::Event>::TOPIC,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_topic_of_an_event_is_listed() {
        let mut declared = BTreeSet::new();
        for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let topics = text.lines().filter_map(|line| line.trim().strip_prefix("const TOPIC: &'static str = \""));
            declared.extend(topics.map(|rest| rest.trim_end_matches("\";").to_owned()));
        }

        assert_eq!(declared, super::TOPICS.iter().map(|topic| (*topic).to_owned()).collect());
    }
}
